"""One answer that is made in the background: what it is made from, what came of it, and how far the store knows."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from grok2api.canonical.events import Event, Failed
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.recorded import Piece, frames_of
from grok2api.canonical.stored import Stored
from grok2api.dialects.sse import encode_json
from grok2api.gateway.exchange import Exchange
from grok2api.gateway.recording import Recording
from grok2api.gateway.recording import Stored as Older
from grok2api.media.budget import Share

STOPPED = Problem(
    kind=Kind.DRAINING,
    message="The gateway was stopped while it made this answer; ask again",
    code="interrupted",
)


async def _nothing(_: int) -> Sequence[Piece]:
    return ()


class Writer(Protocol):
    """A dialect's encoder that also says what is only said of background answers."""

    @property
    def id(self) -> str: ...
    @property
    def document(self) -> Mapping[str, Any]:
        """The response object as of the last frame that carried one."""
        ...

    @property
    def kept(self) -> Mapping[str, str]:
        """The opaque form of reasoning by the ids of its items, where the response does not show it."""
        ...

    def queued(self) -> bytes: ...
    def begun(self) -> bytes: ...
    def feed(self, events: Sequence[Event], choice: int = 0, /) -> bytes: ...
    def cancelled(self) -> bytes: ...


class Run:
    """The answer, while it is made and until its end is stored.

    Its end is shown once it is stored, or once that was tried: who sees it may ask any process to go on from there.
    share: what its request holds in memory. note: told of its end. written: waits, before the end is shown, for what
    else has to be written then.
    """

    def __init__(
        self,
        exchange: Exchange,
        writer: Writer,
        stored: Stored,
        share: Share,
        note: Callable[["Run"], None],
        written: Callable[[], Awaitable[None]],
    ) -> None:
        self.exchange = exchange
        self.writer = writer
        self.recording = Recording()
        self.problem: Problem | None = None
        self.task: asyncio.Task[None] | None = None
        self.started = self.stopping = self.over = False
        #: The response object that the store has.
        self.known: Mapping[str, Any] | None = None
        #: Why it is to end, once somebody wants that: nothing for a client who gives it up.
        self.reason: Problem | None = None
        #: Reads frames that are not in memory any more.
        self.older: Older = _nothing
        self._stored = stored
        self._share = share
        self._note = note
        self.written = written
        self._last = b""
        self._shown = asyncio.Event()
        self.recording.add(writer.queued())
        #: The response object as its client sees it first, as JSON.
        self.first = encode_json(writer.document)

    @property
    def id(self) -> str:
        return self.writer.id

    @property
    def changed(self) -> bool:
        """Whether the store has not got the response object as it is now."""
        return self.known is not self.writer.document

    def listen(self, after: int = -1) -> AsyncGenerator[bytes, None]:
        """The frames behind the one of that number, live until the last. Raises `StoreError` and `Missing`."""
        return self.recording.read(after, self.older)

    def stored(self) -> Stored:
        """What the store is to know."""
        document, attempts = self.writer.document, self.exchange.report.attempts
        return msgspec.structs.replace(
            self._stored,
            status=document["status"],
            response=encode_json(document),
            kept=self.writer.kept,
            account=attempts[-1].account if attempts else None,
        )

    def unsaved(self) -> list[Piece]:
        """The frames that the store does not have yet, the last ones too."""
        pieces = self.recording.unsaved()
        return [*pieces, Piece.of(self.recording.places, frames_of(self._last))] if self._last else pieces

    def begin(self) -> None:
        """Somebody works on it."""
        self.recording.add(self.writer.begun())

    def feed(self, events: Sequence[Event], choice: int) -> None:
        """What came in one read."""
        self._take(self.writer.feed(events, choice))
        if isinstance(events[-1], Failed):
            self.problem = events[-1].problem

    def close(self) -> None:
        """Nothing more comes. One that has no end yet is given one: that of `reason`. Once is enough."""
        if self.over:
            return
        if not self._ended:
            if self.reason is None:
                self._take(self.writer.cancelled())
            else:
                self.feed([Failed(self.reason)], 0)
        self.over = True
        self._share.give_back()
        self._note(self)

    def discard(self) -> None:
        """It was not taken on: nobody works on it, and nobody has heard of it."""
        self.over = True
        self._share.give_back()
        self.show()

    def show(self) -> None:
        """Let everybody see its end."""
        if self._last:
            self.recording.add(self._last)
            self._last = b""
        self.recording.end()
        self._shown.set()

    async def presentable(self) -> None:
        """Wait while it is over and that is not shown yet."""
        if self.over:
            await self._shown.wait()

    @property
    def _ended(self) -> bool:
        return self.writer.document["status"] not in ("queued", "in_progress")

    def _take(self, frames: bytes) -> None:
        if self._ended:
            self._last += frames
        else:
            self.recording.add(frames)
