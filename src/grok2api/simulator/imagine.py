"""grok.com's imagine socket: the handshake, and any number of rounds on one connection.

A round is a reset and a request; then every slot is told until it is complete. Rounds are answered in a task of their
own, so that a caller who leaves is noticed meanwhile. The socket stays open after a round unless a fault ends it.
"""

import asyncio
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from grok2api.simulator import render_imagine
from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.answering import Stop, Wire, check_state, decide, deliver, faults_of
from grok2api.simulator.credentials import grpc_error, signed_in
from grok2api.simulator.delivery import Delivery
from grok2api.simulator.grok_media import keep_pictures
from grok2api.simulator.grok_socket import in_band
from grok2api.simulator.journal import Entry
from grok2api.simulator.reading import Asked
from grok2api.simulator.render import Ids, InBand
from grok2api.simulator.render_imagine import ImagineAsked
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.script import Picture, Script
from grok2api.simulator.sending import open_entry, send_messages, socket_endpoint
from grok2api.simulator.world import World
from grok2api.transport.tasks import spawn

WIRE = Wire("imagine", render_imagine.render, render_imagine.error, "", sockets=True)

_MAX_FRAME = 1 << 20
_SPEED, _QUALITY, _MOST = 6, 4, 12
_RATIOS = (
    "1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "2:1", "1:2", "19.5:9", "9:19.5", "20:9", "9:20", "auto",
)  # fmt: skip


def _shake(world: World, _request: web.Request, entry: Entry) -> SimAccount:
    account = signed_in(world, entry, WIRE)
    faults_of(world, WIRE, Seen(endpoint="imagine_handshake", account=account.token))
    check_state(account.state, WIRE)
    return account


class _Listener:
    """One socket, and the round under way."""

    def __init__(self, world: World, request: web.Request, account: SimAccount, socket: web.WebSocketResponse) -> None:
        self._world, self._request, self._account, self._socket = world, request, account, socket
        self._reset = False
        self._round: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Until either side closes."""
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(message.data)
        finally:
            if self._round is not None:
                self._round.cancel()

    async def _hear(self, text: str) -> None:
        content = _content(text)
        if content.get("type") == "reset":
            self._reset = True
            return
        if content.get("type") != "input_text":
            await self._fail(InBand(3, "Invalid message."))
            return
        if self._round is not None and not self._round.done():
            await self._fail(InBand(3, "A round is under way."))
            return
        entry = open_entry(self._world, "imagine", self._request)
        entry.account, entry.body = self._account.token, content
        if not self._reset:
            entry.notes.append("a round without a reset before it")
        self._reset = False
        self._round = spawn(self._answer(entry), "simulator-imagine-round")

    async def _fail(self, problem: InBand) -> None:
        await self._socket.send_str(render_imagine.error(problem).decode())

    async def _answer(self, entry: Entry) -> None:
        try:
            await send_messages(self._world, self._request, self._socket, entry, self._delivery(entry))
        except Stop as stop:
            entry.status = stop.delivery.status
            await self._fail(in_band(stop.delivery))
            self._world.journal.close(entry, "rejected")
        except (asyncio.CancelledError, ConnectionError):
            self._world.journal.close(entry, "disconnected")
        finally:
            self._world.journal.close(entry, "failed")

    def _delivery(self, entry: Entry) -> Delivery:
        prompt, wanted = str(entry.body.get("text") or ""), entry.body.get("properties")
        if not prompt.strip() or not isinstance(wanted, dict) or wanted.get("aspect_ratio") not in _RATIOS:
            raise grpc_error(400, 3, "Invalid request.")
        count = wanted.get("num_generations") or (_QUALITY if wanted.get("enable_pro") else _SPEED)
        if count not in range(1, _MOST + 1):
            raise grpc_error(400, 3, "Invalid num_generations.")
        script = Script(steps=(Picture(progress=(40, 80, 100)),) * count)
        seen = Seen(endpoint="imagine", account=self._account.token, message=prompt)
        turn = decide(self._world, WIRE, seen, Asked(text=prompt), script)
        entry.faults = [str(fault) for fault in turn.faults]
        check_state(self._account.state, WIRE)
        ids = Ids("", "", self._world.fresh_id(), owner=self._account.user_id)
        keep_pictures(self._world, self._account, turn.script, ids, public=True)
        asked = ImagineAsked(str(wanted["aspect_ratio"]), f"{self._request.url.origin()}/public")
        return deliver(self._world, WIRE, turn, asked, ids)


def _content(text: str) -> dict[str, Any]:
    """The one content item of a message; empty when it is none."""
    try:
        found = msgspec.json.decode(text)["item"]["content"][0]
    except (msgspec.DecodeError, TypeError, KeyError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


async def _serve(world: World, request: web.Request, account: SimAccount, socket: web.WebSocketResponse) -> None:
    await _Listener(world, request, account, socket).serve()


#: `GET /ws/imagine/listen`.
connect = socket_endpoint("imagine_handshake", _shake, _serve, _MAX_FRAME)
