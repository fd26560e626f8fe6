"""One HTTP/1.1 connection to an upstream, from the client side: a call's bytes out, an answer's events in.

The parsing is httptools'; what is ours is the waiting. A reader that waits is woken once for each read of the socket
and takes all of it; one that does not keep up has the socket paused, so that a stream holds little memory.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Literal, cast
from urllib.parse import urlsplit

import httptools

from grok2api.upstreams.base import HttpCall, Pieces

#: Bytes of a body held for a reader before the socket is paused.
HIGH_WATER = 64 * 1024

_HEAD_LIMIT = 128 * 1024

Broken = Literal["", "unanswered", "short", "nonsense"]


def head_of(call: HttpCall, accept_encoding: str) -> bytes:
    """The request line and headers of a call. Raises `ValueError` for a header that would break out of its line."""
    parts = urlsplit(call.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{call.method} {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
    names = {name.lower() for name in call.headers}
    lines += [f"{name}: {value}" for name, value in call.headers.items() if name.lower() != "host"]
    if "accept-encoding" not in names:
        lines.append(f"Accept-Encoding: {accept_encoding}")
    if call.body or call.method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(call.body)}")
    if any("\r" in line or "\n" in line or "\0" in line for line in lines):
        raise ValueError("a header holds a control character")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Wire(asyncio.Protocol):
    """A connection that carries one exchange at a time.

    `broken` says why the present answer will never be whole; empty while it still may. `reusable` once it is whole
    and the other side keeps the connection.
    """

    __slots__ = (
        "_asked",
        "_chunks",
        "_framed",
        "_full",
        "_head_bytes",
        "_held",
        "_parser",
        "_paused",
        "_reader",
        "_sent",
        "broken",
        "done",
        "head_done",
        "headers",
        "lost",
        "reusable",
        "status",
        "transport",
    )

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self._reader: asyncio.Future[None] | None = None
        self._paused = self._full = False
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.headers: dict[str, str] = {}
        self.head_done = self.done = self.reusable = self._framed = self._asked = self._sent = False
        self.broken: Broken = ""
        self._chunks: list[bytes] = []
        self._held = self._head_bytes = 0

    # --- the exchange

    async def ask(self, head: bytes, body: bytes | Pieces) -> None:
        """Send a call; forget the answer before it.

        A large body goes out as fast as the socket takes it, and no further than to an answer that does not wait for
        it.
        """
        self._begin()
        self._asked = True
        assert self.transport is not None
        if isinstance(body, bytes) and len(body) < HIGH_WATER:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            for piece in _cut(body) if isinstance(body, bytes) else body:
                while self._full and not self.head_done and not self.broken:
                    await self._wait()
                if self.head_done or self.broken:
                    return
                self.transport.write(piece)
        self._sent = True

    async def answered(self) -> Mapping[str, str] | None:
        """The headers of the answer, or None when there will be none."""
        while not self.head_done and not self.broken:
            await self._wait()
        return self.headers if self.head_done else None

    async def read(self) -> bytes:
        """What has arrived of the body since the last time; empty at its end, whole or not."""
        while not self._chunks:
            if self.done or self.broken:
                return b""
            await self._wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._held = 0
        if self._paused and self.transport is not None and not self.lost:
            self._paused = False
            self.transport.resume_reading()
        return data

    def abort(self) -> None:
        """End the connection now; what is unread is unwanted."""
        if self.transport is not None:
            self.transport.abort()

    async def _wait(self) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # --- asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._asked or self.done:
            self.reusable = False  # nobody asked: this connection says more than it should
            self.abort()
            return
        if not self.head_done:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("nonsense")
        if not self.head_done and self._head_bytes > _HEAD_LIMIT:
            self._fail("nonsense")
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.reusable = False
        if not self.done and not self.broken:
            if self.head_done and not self._framed and exc is None:
                self.done = True
            else:
                self.broken = "short" if self.head_done else "unanswered"
        self._wake()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    def _fail(self, why: Broken) -> None:
        if not self.done:
            self.broken = self.broken or why
        self.abort()

    # --- httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if 100 <= self.status < 200:
            return
        self.head_done = True
        chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        self._framed = chunked or "content-length" in self.headers or self.status in (204, 304)

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._held += len(body)
        if self._held > HIGH_WATER and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        if not self.head_done:
            self.headers = {}
            return
        self.done = True
        self.reusable = bool(self._parser.should_keep_alive()) and self._framed and self._sent


def _cut(body: bytes) -> Iterable[bytes | memoryview]:
    view = memoryview(body)
    return (view[at : at + HIGH_WATER] for at in range(0, len(view), HIGH_WATER))
