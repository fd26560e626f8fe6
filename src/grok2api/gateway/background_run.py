"""One answer that is made in the background: what it is made from, what came of it, and how far the store knows."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from grok2api.canonical.events import Event, Failed
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.stored import Stored
from grok2api.dialects.sse import encode_json
from grok2api.gateway.exchange import Exchange
from grok2api.gateway.recording import Recording
from grok2api.media.budget import Share

STOPPED = Problem(
    kind=Kind.DRAINING,
    message="The gateway was stopped while it made this answer; ask again",
    code="interrupted",
)


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

    share: what its request holds in memory. note: told of its end, for the log.
    """

    def __init__(
        self, exchange: Exchange, writer: Writer, stored: Stored, share: Share, note: Callable[["Run"], None]
    ) -> None:
        self.exchange = exchange
        self.writer = writer
        self.recording = Recording()
        self.problem: Problem | None = None
        self.task: asyncio.Task[None] | None = None
        self.started = self.stopping = False
        #: The response object that the store has.
        self.known: Mapping[str, Any] | None = None
        #: Why it is to end, once somebody wants that: nothing for a client who gives it up.
        self.reason: Problem | None = None
        self._stored = stored
        self._share = share
        self._tell = note
        self.recording.add(writer.queued())
        #: The response object as its client sees it first, as JSON.
        self.first = encode_json(writer.document)

    @property
    def id(self) -> str:
        return self.writer.id

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.recording.over

    def stored(self) -> Stored:
        """What the store is to know."""
        document, kept = self.writer.document, self.writer.kept
        attempts = self.exchange.report.attempts
        return msgspec.structs.replace(
            self._stored,
            status=document["status"],
            response=encode_json(document),
            kept=kept,
            account=attempts[-1].account if attempts else None,
        )

    @property
    def changed(self) -> bool:
        """Whether the store has not got the response object as it is now."""
        return self.known is not self.writer.document

    def begin(self) -> None:
        """Somebody works on it."""
        self.recording.add(self.writer.begun())

    def feed(self, events: Sequence[Event], choice: int) -> None:
        """What came in one read."""
        self.recording.add(self.writer.feed(events, choice))
        if isinstance(events[-1], Failed):
            self.problem = events[-1].problem

    def close(self) -> None:
        """Nothing more comes. One that has no end yet is given one: that of `reason`. Once is enough."""
        if self.over:
            return
        if self.writer.document["status"] in ("queued", "in_progress"):
            if self.reason is None:
                self.recording.add(self.writer.cancelled())
            else:
                self.feed([Failed(self.reason)], 0)
        self.recording.end()
        self._share.give_back()
        self._tell(self)
