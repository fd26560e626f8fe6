"""The load: connections that ask, count and time, with as little Python per read as possible.

`closed_loop` keeps so many connections busy, each with one request at a time. `Listeners` holds streams open and
notes when each token arrived. An answer that is not a 200, or is shorter than the first, fails the run: speed
without the answer is worth nothing.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from bench.answers import MARK

_CONNECT_AT_ONCE = 64


class LoadError(Exception):
    """The peer did not answer as it should."""


class Load(NamedTuple):
    """What a closed loop came to: seconds of each answer, and of the whole."""

    latencies: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


class _Exchange(asyncio.Protocol):
    """One connection: sends requests, finds the end of each answer."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._head = b""
        self._left = -1
        self._chunked = False
        self._reading = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self._reading:
            self.failed(f"the connection was lost in the middle of an answer: {exc}")

    def send(self, request: bytes) -> None:
        assert self.transport is not None
        self._head, self._left, self._chunked, self._reading = b"", -1, False, True
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._left < 0 and not self._chunked:
            data = self._read_head(data)
        if not data and self._left != 0:
            return
        self.body(data)
        if self._chunked:
            if data.endswith(b"0\r\n\r\n"):
                self._done()
        elif self._left >= 0:
            self._left -= len(data)
            if self._left <= 0:
                self._done()

    def _read_head(self, data: bytes) -> bytes:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return b""
        head, rest = self._head[:end].lower(), self._head[end + 4 :]
        if head[9:12] != b"200":
            self._reading = False
            self.failed(self._head[:300].decode("latin-1"))
            return b""
        at = head.find(b"content-length:")
        self._chunked = at < 0
        if at >= 0:
            self._left = int(head[at + 15 :].split(b"\r\n", 1)[0])
        return rest

    def _done(self) -> None:
        self._reading = False
        self.ended()

    def body(self, data: bytes) -> None:
        """A piece of the answer's body."""

    def ended(self) -> None:
        """The answer is whole."""

    def failed(self, why: str) -> None:
        """There is no answer."""


class _Worker(_Exchange):
    """A connection of a closed loop."""

    def __init__(self, loop: "_ClosedLoop") -> None:
        super().__init__()
        self._loop = loop
        self._begun = 0.0
        self._size = 0

    def ask(self) -> None:
        self._begun, self._size = time.perf_counter(), 0
        self.send(self._loop.request)

    def body(self, data: bytes) -> None:
        self._size += len(data)

    def ended(self) -> None:
        now = time.perf_counter()
        loop = self._loop
        if self._size < loop.least:
            self.failed(f"an answer of {self._size} bytes where {loop.least} were expected")
            return
        loop.latencies.append(now - self._begun)
        if loop.asked < loop.count and now < loop.until:
            loop.asked += 1
            self.ask()
        else:
            loop.leave()

    def failed(self, why: str) -> None:
        if not self._loop.over.done():
            self._loop.over.set_exception(LoadError(why))


class _ClosedLoop:
    def __init__(self, request: bytes, least: int, count: int, seconds: float) -> None:
        self.request = request
        self.least = least
        self.count = count
        self.until = time.perf_counter() + seconds
        self.asked = 0
        self.latencies: list[float] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.busy = 0

    def leave(self) -> None:
        self.busy -= 1
        if self.busy == 0 and not self.over.done():
            self.over.set_result(None)


class _Once(_Exchange):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.over: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def body(self, data: bytes) -> None:
        self.pieces.append(data)

    def ended(self) -> None:
        self.over.set_result(b"".join(self.pieces))

    def failed(self, why: str) -> None:
        if not self.over.done():
            self.over.set_exception(LoadError(why))


async def ask(port: int, request: bytes, patience: float = 30.0) -> bytes:
    """The body of one answer, its chunks not undone. Raises `LoadError` and `TimeoutError`."""
    loop = asyncio.get_running_loop()
    transport, exchange = await loop.create_connection(_Once, "127.0.0.1", port)
    try:
        exchange.send(request)
        return await asyncio.wait_for(exchange.over, patience)
    finally:
        transport.close()


async def closed_loop(
    port: int, request: bytes, *, connections: int, count: int, seconds: float, least: int = 1
) -> Load:
    """Ask from so many connections until `count` answers or `seconds` have passed. Raises `LoadError`."""
    running = asyncio.get_running_loop()
    loop = _ClosedLoop(request, least, count, seconds)
    made = [
        await running.create_connection(lambda: _Worker(loop), "127.0.0.1", port)
        for _ in range(min(connections, count))
    ]
    loop.until = (begun := time.perf_counter()) + seconds
    loop.busy = loop.asked = len(made)
    for _, worker in made:
        worker.ask()
    try:
        await asyncio.wait_for(loop.over, seconds + 60.0)
    finally:
        for transport, _ in made:
            transport.close()
    return Load(loop.latencies, time.perf_counter() - begun)


class _Listener(_Exchange):
    """One stream that is held open."""

    def __init__(self, owner: "Listeners") -> None:
        super().__init__()
        self._owner = owner
        self.times: list[float] = []

    def body(self, data: bytes) -> None:
        marks = data.count(MARK)
        if marks:
            if not self.times:
                self._owner.began()
            now = time.perf_counter()
            self.times += [now] * marks if marks > 1 else (now,)

    def ended(self) -> None:
        self._owner.gone()

    def failed(self, why: str) -> None:
        self._owner.trouble = self._owner.trouble or why
        self._owner.changed.set()


class Listeners:
    """Streams on a peer, opened together and read until their ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listeners: list[_Listener] = []
        self._transports: list[asyncio.BaseTransport] = []
        self._begun = 0
        self._gone = 0
        self.trouble = ""
        self.changed = asyncio.Event()

    async def open(self, requests: Sequence[bytes], patience: float) -> None:
        """Open one stream for each request and wait for all their first tokens. Raises `LoadError`."""
        loop = asyncio.get_running_loop()
        for at in range(0, len(requests), _CONNECT_AT_ONCE):
            for request in requests[at : at + _CONNECT_AT_ONCE]:
                transport, listener = await loop.create_connection(lambda: _Listener(self), "127.0.0.1", self._port)
                self._transports.append(transport)
                self._listeners.append(listener)
                listener.send(request)
            await self._wait(lambda: self._begun >= len(self._listeners), patience)

    async def ended(self, patience: float) -> None:
        """Wait for the ends of all streams. Raises `LoadError`."""
        await self._wait(lambda: self._gone >= len(self._listeners), patience)

    def close(self) -> None:
        for transport in self._transports:
            transport.close()

    def times(self) -> list[list[float]]:
        """When each token of each stream arrived, in the order of the requests."""
        return [listener.times for listener in self._listeners]

    def began(self) -> None:
        self._begun += 1
        self.changed.set()

    def gone(self) -> None:
        self._gone += 1
        self.changed.set()

    async def _wait(self, is_so: Callable[[], bool], patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                while not is_so() and not self.trouble:
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            raise LoadError(f"{self._begun} of {len(self._listeners)} streams began, {self._gone} ended") from None
        if self.trouble:
            raise LoadError(self.trouble)
