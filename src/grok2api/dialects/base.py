"""What every dialect offers the web layer, and what it is given.

A dialect decodes bytes into a `Request` and encodes events, whole answers and problems into bytes. It
is pure: ids and times come in an `Envelope`, and from what it brings along to make them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from grok2api.canonical.events import Event
from grok2api.canonical.problem import Problem
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import Answer


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer came to, for who keeps it.

    body: the answer as the client sees it, whole, as JSON. kept: the opaque form of its reasoning by item, where the
    client does not see it.
    """

    ident: str
    status: str
    body: bytes
    kept: Mapping[str, str] = {}


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What the encoder of one answer cannot know by itself.

    model: the name the client asked for, echoed everywhere.
    created: epoch seconds. now: tells the same, for wires that say when an answer was complete.
    new_id: makes a fresh id with the given prefix (`"chatcmpl-"` -> `"chatcmpl-3f…"`).
    answer_id: the id of the answer, when it has one already. settle: is told, once, what came of an answer that has a
    beginning and an end; by dialects whose answers can be stored.
    request_id: what `x-request-id` says, for wires that repeat it in errors.
    """

    model: str
    created: int
    now: Callable[[], float]
    new_id: Callable[[str], str]
    answer_id: str | None = None
    settle: Callable[[Settled], None] | None = None
    request_id: str = ""


class Encoder(Protocol):
    """One streamed answer. `feed` takes what arrived in one read and returns the bytes of one write.

    `choice` counts from 0 and is other than 0 only in the dialect that knows `n`.
    """

    def feed(self, events: Iterable[Event], choice: int = 0, /) -> bytes: ...


class Counting(Protocol):
    """A wire that asks for the input tokens of a request, and for nothing else."""

    def decode(self, body: bytes, headers: Mapping[str, str]) -> Request:
        """The request to be counted; its model may be empty. Raises `Refusal` naming the field at fault."""
        ...

    def counted(self, tokens: int) -> bytes:
        """The JSON body of the answer."""
        ...

    def problem(self, problem: Problem, request_id: str = "") -> tuple[int, bytes]:
        """HTTP status and JSON body of a failure."""
        ...


class Dialect(Protocol):
    """A wire."""

    name: str
    #: Sent while the upstream is silent; a whole frame of its own (S5).
    keepalive: bytes
    #: Whether the start of an answer tells the input tokens, so that they are counted before (S8).
    estimates_input: bool

    def decode(self, body: bytes, headers: Mapping[str, str]) -> Request:
        """The request in `body`. `headers` are lower-cased. Raises `Refusal` naming the field at fault."""
        ...

    def encoder(self, request: Request, envelope: Envelope) -> Encoder:
        """A fresh encoder for one streamed answer."""
        ...

    def whole(self, request: Request, answers: Sequence[Answer], envelope: Envelope) -> bytes:
        """The JSON body of a whole answer: `request.n` answers, none of which has a problem."""
        ...

    def problem(self, problem: Problem, request_id: str = "") -> tuple[int, bytes]:
        """HTTP status and JSON body of a failure before any output."""
        ...
