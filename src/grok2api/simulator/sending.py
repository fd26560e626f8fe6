"""Carries deliveries out over HTTP: the only place that writes to a connection.

Every request becomes a journal entry that says how it ended; a caller that leaves cancels the handler
(the server is told to), which is how the journal knows within moments.
"""

import asyncio
import functools
import socket
import struct
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Literal

from aiohttp import web

from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.answering import Stop
from grok2api.simulator.delivery import Break, Bye, Delivery, Head, Wait, Write
from grok2api.simulator.journal import Entry
from grok2api.simulator.world import World

WORLD: web.AppKey[World] = web.AppKey("world", World)

Endpoint = Callable[[World, web.Request, Entry], Awaitable[Delivery]]
Shake = Callable[[World, web.Request, Entry], SimAccount]
Serve = Callable[[World, web.Request, SimAccount, web.WebSocketResponse], Awaitable[None]]
_NO_LINGER = struct.pack("ii", 1, 0)


def open_entry(world: World, name: str, request: web.Request) -> Entry:
    """A journal entry for a request."""
    headers = {key.lower(): value for key, value in request.headers.items()}
    return world.journal.open(name, request.method, request.path, request.query_string, headers)


def endpoint(name: str, answer: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler that journals the request, answers it and sends the answer."""

    @functools.wraps(answer)
    async def handle(request: web.Request) -> web.StreamResponse:
        world = request.app[WORLD]
        entry = open_entry(world, name, request)
        try:
            return await send(world, request, entry, await _answered(answer, world, request, entry))
        except asyncio.CancelledError:
            world.journal.close(entry, "disconnected")
            raise
        except ConnectionError:
            # The caller left while it was being written to: no error of ours, and nobody is there to be answered.
            world.journal.close(entry, "disconnected")
            return web.Response()
        finally:
            world.journal.close(entry, "failed")

    return handle


def socket_endpoint(
    name: str, shake: Shake, serve: Serve, max_frame: int
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler that refuses a bad handshake with an HTTP status, else serves the socket until either side closes."""

    async def connect(request: web.Request) -> web.StreamResponse:
        world = request.app[WORLD]
        entry = open_entry(world, name, request)
        try:
            try:
                account = shake(world, request, entry)
            except Stop as stop:
                return await send(world, request, entry, stop.delivery)
            socket = web.WebSocketResponse(max_msg_size=max_frame)
            await socket.prepare(request)
            entry.status = 101
            await serve(world, request, account, socket)
            world.journal.close(entry, "complete" if socket.close_code == 1000 else "disconnected")
            return socket
        except (asyncio.CancelledError, ConnectionError):
            world.journal.close(entry, "disconnected")
            raise
        finally:
            world.journal.close(entry, "failed")

    return connect


async def _answered(answer: Endpoint, world: World, request: web.Request, entry: Entry) -> Delivery:
    try:
        return await answer(world, request, entry)
    except Stop as stop:
        return stop.delivery


async def send(world: World, request: web.Request, entry: Entry, delivery: Delivery) -> web.StreamResponse:
    """Sends a delivery and notes in the entry what was sent and how it ended."""
    headers = {**delivery.headers, "Date": formatdate(world.now(), usegmt=True)}
    entry.status = delivery.status
    if len(delivery.steps) == 2 and isinstance(delivery.steps[1], Write):
        return await _send_whole(world, request, entry, delivery, headers)
    response = web.StreamResponse(status=delivery.status, headers=headers)
    for step in delivery.steps:
        match step:
            case Head():
                writer = await response.prepare(request)
                if writer is not None:
                    writer.send_headers()
            case Write(data):
                await response.write(data)
                entry.sent += len(data)
                await asyncio.sleep(0)  # lets a caller in the same loop read frame by frame
            case Wait(seconds):
                await world.sleep(seconds)
            case Break(reset):
                world.journal.close(entry, "broken")
                break_connection(request, reset=reset)
                return response
            case Bye():
                break
    await response.write_eof()
    world.journal.close(entry, _verdict(delivery))
    return response


async def _send_whole(
    world: World, request: web.Request, entry: Entry, delivery: Delivery, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.Response(status=delivery.status, headers=headers, body=delivery.body)
    await response.prepare(request)
    await response.write_eof()
    entry.sent = len(delivery.body)
    world.journal.close(entry, _verdict(delivery))
    return response


async def send_messages(
    world: World, request: web.Request, socket: web.WebSocketResponse, entry: Entry, delivery: Delivery
) -> str:
    """Sends a delivery over a WebSocket; the kind of the last message, or nothing when the socket was ended."""
    entry.status = 200
    last = "meta"
    for step in delivery.steps:
        match step:
            case Write(data, kind):
                await socket.send_str(data.decode())
                entry.sent += len(data)
                last = kind
                await asyncio.sleep(0)
            case Wait(seconds):
                await world.sleep(seconds)
            case Break(reset):
                world.journal.close(entry, "broken")
                break_connection(request, reset=reset)
                return ""
            case Bye():
                world.journal.close(entry, "broken")
                await socket.close()
                return ""
    world.journal.close(entry, "complete")
    return last


def _verdict(delivery: Delivery) -> Literal["rejected", "complete"]:
    return "rejected" if delivery.status >= 400 else "complete"


def break_connection(request: web.Request, *, reset: bool) -> None:
    """Closes the connection in mid-body: what was written still arrives, the end of the body does not."""
    transport = request.transport
    if transport is None:
        return
    if reset:
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    else:
        transport.close()
