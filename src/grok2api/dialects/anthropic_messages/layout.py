"""The blocks of an answer: which part, and which search, becomes which of Anthropic's content blocks.

The streamed and the whole form are both made from these steps, so the two cannot differ (S15). Blocks are opened and
closed in index order with one open at a time (S11).

A part is a block, with one exception. When the client declared a web search, each search of the upstream is shown as
the pair of blocks that Anthropic's own search is shown as, and the text around it carries its citations. A search
inside text breaks the text into two blocks; one inside thinking or a call, which cannot be broken, follows behind. A
client that declared no search gets neither: it may not know these blocks.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from grok2api.canonical.events import (
    CallOpened,
    Cited,
    Event,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Searched,
    Source,
)
from grok2api.canonical.request import Request
from grok2api.dialects.anthropic_messages.signature import OPAQUE, sign
from grok2api.dialects.sse import encode_json

_SEARCH = "web_search"


class Opened(msgspec.Struct, frozen=True):
    """A block begins; `block` is its start, to which deltas add."""

    index: int
    block: dict[str, Any]


class Added(msgspec.Struct, frozen=True):
    """More of the open block."""

    index: int
    delta: dict[str, Any]


class Closed(msgspec.Struct, frozen=True):
    """The open block is whole."""

    index: int


Step = Opened | Added | Closed


def shows_searches(request: Request) -> bool:
    """Whether the client declared a web search, and so knows the blocks that tell of one."""
    return any(tool.kind == _SEARCH and not tool.spelled for tool in request.hosted_tools)


class Layout:
    """The blocks of one answer, event by event. `searches` counts those that were shown."""

    def __init__(self, request: Request, new_id: Callable[[str], str]) -> None:
        self._shows = shows_searches(request)
        self._new_id = new_id
        self._part: PartStarted | None = None
        self._said = False
        self._custom: list[str] = []
        self._waiting: list[Searched] = []
        self._is_open = False
        self.index = -1
        self.searches = 0

    @property
    def streaming(self) -> PartKind | None:
        """The kind of the open part when another delta of it is simply more of the open block, else `None`."""
        return self.kind if self._is_open and self._said and not self._collects else None

    @property
    def kind(self) -> PartKind | None:
        """What the part is that is being told."""
        return self._part.kind if self._part is not None else None

    def steps(self, event: Event) -> Iterator[Step]:
        """What this event does to the blocks."""
        match event:
            case PartDelta(_, text):
                yield from self._delta(text)
            case PartStarted():
                self._part, self._said = event, False
                self._custom.clear()
                yield self._open(_empty(event.kind, event.call))
            case PartEnded():
                yield from self._end(event)
            case Cited() if self._shows and self._is_open and self.kind is PartKind.TEXT:
                yield Added(self.index, {"type": "citations_delta", "citation": _citation(event)})
            case Searched() if self._shows:
                yield from self._search(event)
            case _:
                pass

    @property
    def _collects(self) -> bool:
        """Whether the open call's input is free text, which becomes JSON only as a whole."""
        return self._part is not None and self._part.call is not None and self._part.call.custom

    def _delta(self, text: str) -> Iterator[Step]:
        assert self._part is not None
        if self._collects:
            self._custom.append(text)
            return
        if not self._is_open:
            yield self._open(_empty(self._part.kind, None))
        self._said = True
        kind, member = DELTAS[self._part.kind]
        yield Added(self.index, {"type": kind, member: text})

    def _end(self, event: PartEnded) -> Iterator[Step]:
        if self.kind is PartKind.THINKING:
            yield Added(self.index, {"type": "signature_delta", "signature": sign(event.encrypted, event.id)})
        elif self.kind is PartKind.CALL and not self._said:
            whole = encode_json({"input": "".join(self._custom)}).decode() if self._collects else ""
            yield Added(self.index, {"type": "input_json_delta", "partial_json": whole})
        yield from self._close()
        self._part = None
        waiting, self._waiting = self._waiting, []
        for search in waiting:
            yield from self._shown(search)

    def _search(self, event: Searched) -> Iterator[Step]:
        if self.kind in (PartKind.THINKING, PartKind.CALL):
            self._waiting.append(event)
            return
        yield from self._close()
        yield from self._shown(event)

    def _shown(self, event: Searched) -> Iterator[Step]:
        """Searches of X have no other name here; their pages say where they are from."""
        self.searches += 1
        ident = self._new_id("srvtoolu_")
        yield self._open({"type": "server_tool_use", "id": ident, "name": _SEARCH, "input": {}})
        query = encode_json({"query": event.query}).decode()
        yield Added(self.index, {"type": "input_json_delta", "partial_json": query})
        yield from self._close()
        found = [_result(source) for source in event.sources]
        yield self._open({"type": "web_search_tool_result", "tool_use_id": ident, "content": found})
        yield from self._close()

    def _open(self, block: dict[str, Any]) -> Opened:
        self.index += 1
        self._is_open = True
        return Opened(self.index, block)

    def _close(self) -> Iterator[Step]:
        if self._is_open:
            self._is_open = False
            yield Closed(self.index)


#: The delta of each kind of part, and the member that holds its text.
DELTAS = {
    PartKind.TEXT: ("text_delta", "text"),
    PartKind.THINKING: ("thinking_delta", "thinking"),
    PartKind.CALL: ("input_json_delta", "partial_json"),
}


def _empty(kind: PartKind, call: CallOpened | None) -> dict[str, Any]:
    """A block as it opens; everything that it will hold comes in deltas."""
    if call is not None:
        return {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
    if kind is PartKind.THINKING:
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _result(source: Source) -> dict[str, Any]:
    return {
        "type": "web_search_result",
        "url": source.url,
        "title": source.title or source.url,
        "encrypted_content": OPAQUE,
    }


def _citation(cited: Cited) -> dict[str, Any]:
    """The upstream says which page it means, and not which words of it: none are made up."""
    return {
        "type": "web_search_result_location",
        "url": cited.url,
        "title": cited.title or cited.url,
        "cited_text": "",
        "encrypted_index": OPAQUE,
    }
