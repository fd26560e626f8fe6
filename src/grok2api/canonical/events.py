"""What happens in an answer: facts, as upstreams tell them, and events, as clients see them.

A wire parser tells *facts* (`Said`, `Thought`, `CallOpened`, …) and never counts an index. Stages turn
facts into facts. One `Sequencer` turns facts into *events*, opening and closing parts, and every
dialect encodes events. The grammar of events:

    Started (PartStarted PartDelta* PartEnded | Cited | Searched | Produced | Progressed | Previewed)*
    (Finished | Failed)

`Failed` may also come first. `Cited` refers to a text part that has started. One part is open at a time.
All are cheap frozen values: one is made for every token.
"""

from enum import StrEnum
from typing import Literal

import msgspec

from grok2api.canonical.problem import Problem


class Finish(StrEnum):
    """Why an answer ended. `REFUSAL`: the model has said, in words and to the end, that it will not do it."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    STOP_SEQUENCE = "stop_sequence"


class Usage(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Tokens of one exchange. `output` includes `reasoning`; `exact` is false for our own count."""

    input: int
    output: int
    reasoning: int = 0
    cached: int = 0
    exact: bool = False

    @property
    def total(self) -> int:
        return self.input + self.output


# --- facts ---------------------------------------------------------------------------------------


class Said(msgspec.Struct, frozen=True, gc=False):
    """A piece of the answer's text."""

    text: str


class Thought(msgspec.Struct, frozen=True, gc=False):
    """A piece of reasoning, readable."""

    text: str


class Reasoned(msgspec.Struct, frozen=True, gc=False):
    """A reasoning item ended; `encrypted` is its opaque form to be sent back next turn, if any."""

    encrypted: str | None = None
    id: str | None = None


class CallOpened(msgspec.Struct, frozen=True, gc=False):
    """A tool call begins. `custom` calls carry free text instead of JSON."""

    id: str
    name: str
    custom: bool = False
    namespace: str | None = None


class CallArgued(msgspec.Struct, frozen=True, gc=False):
    """A piece of the open call's arguments."""

    text: str


class CallClosed(msgspec.Struct, frozen=True, gc=False):
    """The open call's arguments are whole."""


class Source(msgspec.Struct, frozen=True, gc=False):
    """A page or post that a search found."""

    url: str
    title: str = ""
    kind: Literal["web", "x_post"] = "web"


class Cited(msgspec.Struct, frozen=True, gc=False):
    """A citation over characters `start`..`end` of the answer's whole text so far.

    As a fact the offsets count from the start of the answer's text; the sequencer makes them
    relative to the text part and sets `index`.
    """

    url: str
    title: str
    start: int
    end: int
    index: int = -1


class Searched(msgspec.Struct, frozen=True):
    """The upstream ran a search of its own. Complete when told; never a call for the client."""

    tool: Literal["web_search", "x_search"]
    query: str
    sources: tuple[Source, ...] = ()
    id: str = ""


class Sourced(msgspec.Struct, frozen=True):
    """Sources that the upstream used, not tied to one search."""

    sources: tuple[Source, ...]


class Produced(msgspec.Struct, frozen=True, gc=False):
    """A picture or film that the answer contains, by its URL: at the upstream in a fact, for the client in an event.

    placed: here is its place in the text, where it is shown in words. data, mime: the file itself, for who wants that.
    """

    url: str
    kind: Literal["image", "video"] = "image"
    id: str = ""
    placed: bool = False
    data: bytes = b""
    mime: str = ""

    def __repr__(self) -> str:
        return f"Produced({self.kind}, {self.id}, {len(self.data)} bytes)"


class Previewed(msgspec.Struct, frozen=True, gc=False):
    """Picture `slot` (from 0) as far as it is drawn."""

    slot: int
    percent: int
    data: bytes
    mime: str = ""

    def __repr__(self) -> str:
        return f"Previewed({self.slot}, {self.percent}, {len(self.data)} bytes)"


class Progressed(msgspec.Struct, frozen=True, gc=False):
    """Something is at `percent`; shown as thinking where it is shown at all."""

    percent: int
    what: str = "image"


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The upstream said that the answer is over. `usage` only when it counted itself."""

    finish: Finish = Finish.STOP
    usage: Usage | None = None
    stop_sequence: str | None = None


class Failed(msgspec.Struct, frozen=True):
    """The answer broke off. Both a fact and an event, and always the last."""

    problem: Problem


Fact = (
    Said
    | Thought
    | Reasoned
    | CallOpened
    | CallArgued
    | CallClosed
    | Cited
    | Searched
    | Sourced
    | Produced
    | Progressed
    | Ended
    | Failed
)

# --- events --------------------------------------------------------------------------------------


class PartKind(StrEnum):
    """What a part holds."""

    TEXT = "text"
    THINKING = "thinking"
    CALL = "call"


class Started(msgspec.Struct, frozen=True, gc=False):
    """There will be an answer. `input_tokens` is our estimate until `Finished` says better."""

    input_tokens: int = 0


class PartStarted(msgspec.Struct, frozen=True):
    """Part `index` (from 0, rising) opens; `call` is set exactly when the kind is CALL."""

    index: int
    kind: PartKind
    call: CallOpened | None = None


class PartDelta(msgspec.Struct, frozen=True, gc=False):
    """More of the open part."""

    index: int
    text: str


class PartEnded(msgspec.Struct, frozen=True, gc=False):
    """Part `index` closes; a THINKING part may carry its encrypted form."""

    index: int
    encrypted: str | None = None
    id: str | None = None


class Finished(msgspec.Struct, frozen=True, gc=False):
    """The answer is whole."""

    finish: Finish
    usage: Usage
    stop_sequence: str | None = None


Event = (
    Started
    | PartStarted
    | PartDelta
    | PartEnded
    | Cited
    | Searched
    | Sourced
    | Previewed
    | Produced
    | Progressed
    | Finished
    | Failed
)
