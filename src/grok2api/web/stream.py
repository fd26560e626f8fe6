"""Writing a stream to a client who may be slow, silent, or gone.

One companion task stands beside each answer. It opens the stream when the first output takes longer than
the first-byte hold (S6), sends a keepalive while the upstream is silent (S5), gives up on a client that does not read
(S14), and cancels the answer when the client leaves (S13). The writer itself pays for none of this
per token: it notes the time of its last write and goes on.
"""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from grok2api.transport.tasks import spawn
from grok2api.web.asgi import Receive, Send, pack
from grok2api.web.options import Timing

_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


def only_left(gone: str) -> bool:
    """Whether what cancels this task is that its client has left (`Line.gone`), and nobody else; then it may go on."""
    task = asyncio.current_task()
    return bool(gone) and task is not None and task.uncancel() == 0


class Line:
    """The connection to one client while it is being answered.

    Use as a context manager around the whole of the work: leaving ends the companion. When the client
    leaves, or stops reading, the task that entered is cancelled and the context raises nothing by itself:
    `gone` says why.
    """

    def __init__(
        self, receive: Receive, send: Send, timing: Timing, keepalive: bytes, headers: Iterable[tuple[str, str]]
    ) -> None:
        self._receive = receive
        self._send = send
        self._timing = timing
        self._keepalive = keepalive
        self._headers = headers
        self._loop = asyncio.get_running_loop()
        self._owner = asyncio.current_task()
        self._companion: asyncio.Task[None] | None = None
        self._last = self._loop.time()
        self._sending_since: float | None = None
        self._streams = False
        self.opened = False
        self.gone = ""

    async def __aenter__(self) -> Self:
        self._companion = spawn(self._attend(), "line")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._companion is not None and not self._companion.done():
            self._companion.cancel()

    def will_stream(self) -> None:
        """From now on silence is filled: the stream opens by itself after the hold."""
        self._streams = True
        self._last = self._loop.time()

    async def open(self) -> None:
        """Send the head of the stream, once."""
        if not self.opened:
            self.opened = True
            head = {
                "type": "http.response.start",
                "status": 200,
                "headers": [*_STREAM_HEADERS, *pack(self._headers)],
            }
            await self._put(head)

    async def write(self, data: bytes) -> None:
        """Send bytes of the stream, whole frames only."""
        await self._put({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        """Send the last bytes."""
        self._streams = False
        await self._put({"type": "http.response.body", "body": data, "more_body": False})

    async def _put(self, message: dict[str, object]) -> None:
        self._sending_since = self._last = self._loop.time()
        await self._send(message)
        self._sending_since = None

    async def _attend(self) -> None:
        while True:
            try:
                async with asyncio.timeout_at(self._due()):
                    message = await self._receive()
            except TimeoutError:
                if await self._overdue():
                    return
                continue
            if message["type"] == "http.disconnect":
                self._leave("the client left")
                return

    def _due(self) -> float:
        now = self._loop.time()
        if self._sending_since is not None:
            return max(self._sending_since + self._timing.write, now)
        if not self._streams:
            return now + self._timing.write
        keepalive = self._timing.keepalive
        due = self._last + keepalive if self.opened else min(self._last + self._timing.hold, now + keepalive)
        return min(max(due, now), now + self._timing.write)

    async def _overdue(self) -> bool:
        """Do what is due; true when the client has been given up."""
        now = self._loop.time()
        if self._sending_since is not None:
            if now - self._sending_since >= self._timing.write:
                self._leave("the client does not read")
                return True
        elif self._streams and now - self._last >= (self._timing.keepalive if self.opened else self._timing.hold):
            return await self._ping()
        return False

    async def _ping(self) -> bool:
        """Fill the silence; true when the client does not even take that."""
        try:
            async with asyncio.timeout(self._timing.write):
                await self.open()
                await self.write(self._keepalive)
        except TimeoutError:
            self._leave("the client does not read")
            return True
        return False

    def _leave(self, reason: str) -> None:
        self.gone = reason
        if self._owner is not None:
            self._owner.cancel()
