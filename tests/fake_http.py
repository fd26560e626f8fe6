"""HTTP and WebSockets in memory: answers are scripted values, and what was sent is kept to be looked at."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from grok2api.upstreams.base import HandshakeRefused, HttpCall, TransportError


class FakeAnswer:
    """One scripted answer: pieces of a body, then perhaps an error, or silence for ever."""

    def __init__(
        self,
        status: int = 200,
        pieces: Iterable[bytes] = (),
        headers: Mapping[str, str] | None = None,
        error: TransportError | None = None,
        hangs: bool = False,
    ) -> None:
        self.status = status
        self.headers = dict(headers or {})
        self.pieces = list(pieces)
        self.error = error
        self.hangs = hangs
        self.closed = False

    async def chunks(self) -> AsyncIterator[bytes]:
        while self.pieces:
            yield self.pieces.pop(0)
        if self.error is not None:
            raise self.error
        if self.hangs:
            await asyncio.Event().wait()

    async def head(self, limit: int = 4096) -> bytes:
        if self.error is not None:
            raise self.error
        return b"".join(self.pieces)[:limit]


class FakeHttp:
    """Answers calls in the order of the script; a `TransportError` in it is raised instead."""

    def __init__(self, *script: FakeAnswer | TransportError) -> None:
        self.script = list(script)
        self.calls: list[HttpCall] = []

    @asynccontextmanager
    async def send(self, call: HttpCall) -> AsyncIterator[FakeAnswer]:
        self.calls.append(call)
        answer = self.script.pop(0)
        if isinstance(answer, TransportError):
            raise answer
        try:
            yield answer
        finally:
            answer.closed = True


class FakeSocket:
    """A socket that tells `messages` one by one, and answers what is sent by the script `replies`.

    replies: a piece of a sent message -> the messages that it sets free. hangs: never closes by itself.
    """

    def __init__(
        self,
        messages: Iterable[str] = (),
        replies: Mapping[str, Iterable[str]] | None = None,
        error: TransportError | None = None,
        hangs: bool = False,
    ) -> None:
        self.waiting = list(messages)
        self.replies = {key: list(value) for key, value in (replies or {}).items()}
        self.error = error
        self.hangs = hangs
        self.sent: list[str] = []
        self.pings = 0
        self.closed = False
        self._arrived = asyncio.Event()

    async def send(self, text: str) -> None:
        self.sent.append(text)
        for key in [key for key in self.replies if key in text]:
            self.waiting += self.replies.pop(key)
            self._arrived.set()

    async def ping(self) -> None:
        self.pings += 1

    async def messages(self) -> AsyncIterator[str]:
        while True:
            while self.waiting:
                yield self.waiting.pop(0)
            if not self.hangs:
                break
            self._arrived.clear()
            await self._arrived.wait()
        if self.error is not None:
            raise self.error


class FakeSockets:
    """Opens the sockets of the script; a `HandshakeRefused` or `TransportError` in it is raised instead."""

    def __init__(self, *script: FakeSocket | HandshakeRefused | TransportError) -> None:
        self.script = list(script)
        self.opened: list[tuple[str, Mapping[str, str], str]] = []

    @asynccontextmanager
    async def open(self, url: str, headers: Mapping[str, str], account: str = "") -> AsyncIterator[FakeSocket]:
        self.opened.append((url, headers, account))
        socket = self.script.pop(0)
        if not isinstance(socket, FakeSocket):
            raise socket
        try:
            yield socket
        finally:
            socket.closed = True
