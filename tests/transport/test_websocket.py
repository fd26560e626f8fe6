"""`AioSockets` against a real server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from grok2api.canonical.problem import Kind
from grok2api.transport.egress import TransportOptions
from grok2api.transport.websocket import AioSockets
from grok2api.upstreams.base import HandshakeRefused, TransportError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/ws", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/ws"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client() -> AsyncIterator[AioSockets]:
    sockets = AioSockets(TransportOptions)
    await sockets.start()
    try:
        yield sockets
    finally:
        await sockets.close()


def talking(work: Callable[[web.WebSocketResponse], Awaitable[None]]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await work(socket)
        return socket

    return handler


async def test_text_frames_go_both_ways_and_a_goodbye_ends_them() -> None:
    async def work(socket: web.WebSocketResponse) -> None:
        said = await socket.receive_str()
        await socket.send_str(said.upper())
        await socket.send_bytes(b"passed over")
        await socket.send_str("x" * 1_000_000)
        await socket.close()

    async with serving(talking(work)) as url, client() as sockets, sockets.open(url, {"X-Mine": "1"}) as socket:
        await socket.send("hello")
        assert [len(message) async for message in socket.messages()] == [5, 1_000_000]


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_refused_upgrade_tells_its_status_headers_and_body(status: int) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text='{"code":16}', headers={"Retry-After": "7"})

    async with serving(handler) as url, client() as sockets:
        with pytest.raises(HandshakeRefused) as caught:
            async with sockets.open(url, {}):
                pass
    assert (caught.value.status, caught.value.body) == (status, b'{"code":16}')
    assert caught.value.headers["retry-after"] == "7"


async def test_an_abrupt_end_is_cut() -> None:
    async def work(socket: web.WebSocketResponse) -> None:
        await socket.send_str("one")
        socket._req.transport.abort()

    async with serving(talking(work)) as url, client() as sockets, sockets.open(url, {}) as socket:
        messages = socket.messages()
        assert await anext(messages) == "one"
        with pytest.raises(TransportError) as caught:
            await anext(messages)
    assert caught.value.problem.kind is Kind.CUT


async def test_a_goodbye_with_an_error_code_is_cut() -> None:
    async def work(socket: web.WebSocketResponse) -> None:
        await socket.close(code=aiohttp.WSCloseCode.INTERNAL_ERROR)

    async with serving(talking(work)) as url, client() as sockets, sockets.open(url, {}) as socket:
        with pytest.raises(TransportError) as caught:
            assert [message async for message in socket.messages()] == []
    assert caught.value.problem.kind is Kind.CUT


async def test_nobody_there_is_unreachable() -> None:
    async with client() as sockets:
        with pytest.raises(TransportError) as caught:
            async with sockets.open("http://127.0.0.1:9/ws", {}):
                pass
    assert caught.value.problem.kind is Kind.UNREACHABLE


async def test_S13_leaving_closes_the_socket_at_once() -> None:
    gone = asyncio.Event()

    async def work(socket: web.WebSocketResponse) -> None:
        await socket.send_str("one")
        await socket.receive()
        gone.set()

    async with serving(talking(work)) as url, client() as sockets:
        async with sockets.open(url, {}) as socket:
            assert await anext(socket.messages()) == "one"
        await asyncio.wait_for(gone.wait(), 0.25)


async def test_a_ping_is_a_frame_of_its_own_and_text_goes_on() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        kinds = [(await socket.receive()).type.name for _ in range(2)]
        await socket.send_str(" ".join(kinds))
        await socket.close()
        return socket

    async with serving(handler) as url, client() as sockets:
        async with sockets.open(url, {}) as socket:
            await socket.ping()
            await socket.send("hello")
            assert [message async for message in socket.messages()] == ["PING TEXT"]
        with pytest.raises(TransportError) as caught:
            await socket.ping()
    assert caught.value.problem.kind is Kind.CUT


async def test_a_reader_that_was_interrupted_may_begin_again() -> None:
    async def work(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        await socket.send_str("two")
        await socket.close()

    async with serving(talking(work)) as url, client() as sockets, sockets.open(url, {}) as socket:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(socket.messages())
        await socket.send("one")
        assert [message async for message in socket.messages()] == ["two"]
