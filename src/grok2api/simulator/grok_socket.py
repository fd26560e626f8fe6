"""grok.com's WebSocket chat gateway: the handshake and one conversation over a socket.

A client creates a session, sends its message as an item and asks for a response. The answer is delivered in
a task of its own, so that heartbeats are answered and a client that leaves is noticed meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from grok2api.catalog import MODES
from grok2api.simulator import render_ws
from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.answering import Stop, Wire, check_state, decide, deliver, side_faults
from grok2api.simulator.credentials import grpc_error, signed_in
from grok2api.simulator.delivery import Delivery, plain
from grok2api.simulator.grok import check_attached, spend
from grok2api.simulator.grok_media import keep_pictures
from grok2api.simulator.journal import Entry
from grok2api.simulator.reading import read_message
from grok2api.simulator.render import Ids, InBand
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.sending import open_entry, send_messages, socket_endpoint
from grok2api.simulator.world import World
from grok2api.transport.tasks import spawn

WIRE = Wire("socket", render_ws.render, render_ws.error, "", sockets=True)

_MAX_FRAME = 16 << 20
_CODES: Mapping[int, int] = {400: 3, 401: 16, 402: 8, 403: 7, 404: 5, 413: 3, 422: 3, 429: 8, 503: 14}


def _shake(world: World, request: web.Request, entry: Entry) -> SimAccount:
    account = signed_in(world, entry, WIRE)
    side_faults(world, WIRE, Seen(endpoint="handshake", account=account.token), plain(b""))
    check_state(account.state, WIRE)
    if request.query.get("uid") != account.user_id:
        raise grpc_error(400, 3, "uid does not belong to this session.")
    return account


class _Session:
    """One socket: what was said on it, and the answer under way."""

    def __init__(self, world: World, request: web.Request, account: SimAccount, socket: web.WebSocketResponse) -> None:
        self._world, self._request, self._account, self._socket = world, request, account, socket
        self._conversation = ""
        self._continued = False
        self._mode = ""
        self._search = True
        self._item: dict[str, Any] = {}
        self._answering: asyncio.Task[None] | None = None
        self._verbs: Mapping[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "session.create": self._create,
            "conversation.item.create": self._take,
            "response.create": self._respond,
            "ping": self._ping,
        }

    async def serve(self) -> None:
        """Until either side closes."""
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(message.data)
        finally:
            if self._answering is not None:
                self._answering.cancel()

    async def _hear(self, text: str) -> None:
        try:
            event = msgspec.json.decode(text)["event"]
            verb = self._verbs[event["type"]]
        except (msgspec.DecodeError, TypeError, KeyError):
            await self._fail(InBand(3, "Invalid event."))
            return
        await verb(event)

    async def _tell(self, event: dict[str, Any]) -> None:
        await self._socket.send_str(render_ws.message(self._conversation, event).decode())

    async def _fail(self, problem: InBand) -> None:
        await self._socket.send_str(render_ws.error(problem, self._conversation).decode())

    async def _ping(self, event: dict[str, Any]) -> None:
        await self._tell({"type": "pong", "client_event_id": event.get("event_id")})

    async def _create(self, event: dict[str, Any]) -> None:
        session = event.get("session") or {}
        settings = session.get("x_grok") or {}
        known = settings.get("conversation_id")
        held = self._world.conversations.get(known or "")
        if known and (held is None or held.token != self._account.token):
            await self._fail(InBand(5, "Conversation not found."))
            return
        self._continued = known is not None
        self._conversation = known or self._world.fresh_id()
        self._mode = MODES.get(str(session.get("model")), str(session.get("model")))
        self._search = not settings.get("disable_search", False)
        created = {"id": self._conversation, "model": self._mode}
        await self._tell({"type": "session.created", "client_event_id": event.get("event_id"), "session": created})
        await self._tell({"type": "conversation.attached", "conversation": {"id": self._conversation}})

    async def _take(self, event: dict[str, Any]) -> None:
        self._item = event

    async def _respond(self, event: dict[str, Any]) -> None:
        if not self._conversation:
            await self._fail(InBand(3, "There is no session."))
            return
        if self._answering is not None and not self._answering.done():
            await self._fail(InBand(3, "A response is under way."))
            return
        inner = event.get("response") or {}
        given = event if "item" in event else inner if "item" in inner else self._item
        entry = open_entry(self._world, "socket", self._request)
        entry.account, entry.mode, entry.body = self._account.token, self._mode, given
        self._answering = spawn(self._answer(entry), "simulator-socket-answer")

    async def _answer(self, entry: Entry) -> None:
        try:
            delivery = self._delivery(entry)
            if await send_messages(self._world, self._request, self._socket, entry, delivery) not in ("", "end"):
                await self._socket.close()
        except Stop as stop:
            entry.status = stop.delivery.status
            await self._fail(in_band(stop.delivery))
            self._world.journal.close(entry, "rejected")
        except (asyncio.CancelledError, ConnectionError):
            self._world.journal.close(entry, "disconnected")
        finally:
            self._world.journal.close(entry, "failed")

    def _delivery(self, entry: Entry) -> Delivery:
        message, files = _words(entry.body.get("item")), _files(entry.body.get("item"))
        asked = read_message(message, mode=self._mode, search=self._search, files=self._world.names_of(files))
        seen = Seen(endpoint="socket", account=self._account.token, mode=self._mode, message=message)
        turn = decide(self._world, WIRE, seen, asked)
        entry.faults = [str(fault) for fault in turn.faults]
        check_state(self._account.state, WIRE)
        if not message.strip():
            raise grpc_error(400, 3, "The message is empty.")
        check_attached(self._world, self._account, files)
        spend(self._world, self._account, self._mode)
        ids = Ids(
            self._conversation,
            self._world.fresh_id(),
            self._world.fresh_id(),
            continued=self._continued,
            owner=self._account.user_id,
        )
        self._world.remember(ids.conversation, self._account.token, ids.user, ids.answer)
        keep_pictures(self._world, self._account, turn.script, ids)
        return deliver(self._world, WIRE, turn, message, ids)


def _words(item: Any) -> str:
    """The text of a message item."""
    if not isinstance(item, dict):
        return ""
    chunks = (item.get("x_grok") or {}).get("input_chunks") or item.get("content") or []
    texts = [chunk.get("text") for chunk in chunks if isinstance(chunk, dict)]
    return "".join(str(text.get("text", "")) if isinstance(text, dict) else str(text or "") for text in texts)


def _files(item: Any) -> list[str]:
    """The ids of the files that come with a message item."""
    given = (item.get("x_grok") or {}) if isinstance(item, dict) else {}
    files = given.get("file_attachment_ids") or (item.get("file_attachment_ids") if isinstance(item, dict) else None)
    return [str(file) for file in files] if isinstance(files, list) else []


def in_band(delivery: Delivery) -> InBand:
    """What an HTTP rejection would be inside a socket."""
    try:
        body = msgspec.json.decode(delivery.body)
        inner = body["error"] if isinstance(body.get("error"), dict) else body
        words = str(inner.get("message") or inner.get("error") or "Something failed.")
        words = f"{inner['code']}: {words}" if isinstance(inner.get("code"), str) else words
    except (msgspec.DecodeError, AttributeError):
        words = "Something failed."
    return InBand(_CODES.get(delivery.status, 13), words)


async def _serve(world: World, request: web.Request, account: SimAccount, socket: web.WebSocketResponse) -> None:
    await _Session(world, request, account, socket).serve()


#: `GET /ws/mgw/?uid=…`.
connect = socket_endpoint("handshake", _shake, _serve, _MAX_FRAME)
