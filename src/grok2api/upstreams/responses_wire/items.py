"""The output items of one answer: what has been told of each, and what is still missing.

Pure. An item may be told in deltas, whole when it is done, only in the last event, or in any mixture; whatever the
mixture, each character is told once. Items are keyed by `output_index`. In the last event positions may have shifted
(and ids repeat), so there the n-th item of a kind is the n-th of that kind in the stream. Calls of tools that are not
the client's were run by the upstream and are never handed on.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

import msgspec

from grok2api.canonical.events import (
    CallArgued,
    CallClosed,
    CallOpened,
    Cited,
    Produced,
    Reasoned,
    Searched,
    Source,
    Sourced,
    Thought,
)
from grok2api.upstreams.responses_wire.custom_input import CustomInput
from grok2api.upstreams.responses_wire.events import Annotation, Item, Piece, read
from grok2api.upstreams.responses_wire.order import Order
from grok2api.upstreams.responses_wire.tools import ToolNames

_BETWEEN_SECTIONS = "\n\n"


class _Text:
    """One text part. `base`: where it starts in the whole text, negative when that is not known."""

    __slots__ = ("base", "cited", "content", "index", "last", "length", "waiting")

    def __init__(self, index: int, content: int, base: int) -> None:
        self.index = index
        self.content = content
        self.base = base
        self.length = 0
        self.last = ""
        self.cited: Counter[str] = Counter()
        self.waiting: list[Annotation] = []  # annotations that came before any text


class _Call:
    """One function call. `pending`: arguments that came before its name."""

    __slots__ = ("custom", "is_closed", "is_open", "last", "length", "pending")

    def __init__(self) -> None:
        self.pending: list[str] = []
        self.custom: CustomInput | None = None
        self.is_open = self.is_closed = False
        self.length = 0
        self.last = ""


class Items:
    """Everything that the items of one answer tell, passed to `order`."""

    def __init__(self, names: ToolNames, order: Order) -> None:
        self._names = names
        self._order = order
        self._kinds: dict[int, str] = {}
        self._done: set[int] = set()
        self._texts: dict[tuple[int, int], _Text] = {}
        self._text: _Text | None = None
        self._thoughts: dict[int, int] = {}
        self._calls: dict[int, _Call] = {}
        self._sources: set[str] = set()
        self.called = self.refused = self.produced = False

    @property
    def has_content(self) -> bool:
        """Whether anything but thinking was told."""
        return self._order.length > 0 or self.called or self.produced

    def said(self, index: int, content: int, text: str) -> None:
        """A piece of text."""
        part = self._text
        if part is None or part.index != index or part.content != content:
            part = self._part(index, content)
        if text:
            part.length += len(text)
            part.last = text
            self._order.say(index, text)

    def whole_text(self, index: int, content: int, text: str) -> None:
        """A text part as it is at its end; tells what its deltas left out."""
        part = self._part(index, content)
        rest = _rest(text, part.length, part.last)
        if rest:
            self.said(index, content, rest)

    def cite(self, index: int, content: int, annotation: Annotation | None) -> None:
        """An annotation, as it arrives; without any text before it, it waits for the end of its item."""
        if annotation is not None and annotation.url:
            part = self._part(index, content)
            if not part.length:
                part.waiting.append(annotation)
                return
            part.cited[annotation.url] += 1
            self._cite(part, annotation)

    def thought(self, index: int, section: int, text: str) -> None:
        """A piece of readable reasoning; sections are kept apart by an empty line."""
        before = self._thoughts.get(index)
        if before is None:
            self._kinds.setdefault(index, "reasoning")
        if before != section:
            self._thoughts[index] = section
            text = text if before is None else _BETWEEN_SECTIONS + text
        if text:
            self._order.tell(index, Thought(text))

    def argued(self, index: int, text: str) -> None:
        """A piece of a call's arguments, which may come before its name."""
        call = self._call(index)
        if call.is_open:
            self._argue(index, call, text)
        elif not call.is_closed:
            call.pending.append(text)

    def whole_arguments(self, index: int, arguments: str) -> None:
        """A call's arguments at their end. Empty ones may still come with the item."""
        call = self._call(index)
        if call.is_open and (arguments or call.length):
            self._close(index, call, arguments)
        elif not call.is_closed and not call.is_open and arguments:
            call.pending = [arguments]

    def added(self, index: int, item: Item | None) -> None:
        """An item begins."""
        if item is None or index in self._done:
            return
        self._kinds[index] = item.type
        if item.type == "function_call":
            self._open(index, self._call(index), item)

    def done(self, index: int, item: Item | None) -> None:
        """An item is whole."""
        if item is None or index in self._done:
            return
        self._done.add(index)
        self._kinds[index] = item.type
        tell = self._WHOLE.get(item.type)
        if tell is not None:
            tell(self, index, item)

    def finish(self, output: Iterable[Item | None]) -> None:
        """The last event's list of all items."""
        places: dict[str, list[int]] = {}
        for index, kind in sorted(self._kinds.items()):
            places.setdefault(kind, []).append(index)
        fresh = max(self._kinds, default=-1) + 1
        for item in output:
            if item is None:
                continue
            known = places.get(item.type)
            if known:
                index = known.pop(0)
            else:
                index, fresh = fresh, fresh + 1
            if index in self._done:
                self._more_sources(index, item)
            else:
                self.done(index, item)

    def _part(self, index: int, content: int) -> _Text:
        key = (index, content)
        part = self._texts.get(key)
        if part is None:
            base = -1 if self._order.calling else self._order.length
            part = self._texts[key] = _Text(index, content, base)
            self._kinds.setdefault(index, "message")
        self._text = part
        return part

    def _whole_message(self, index: int, item: Item) -> None:
        for content, piece in enumerate(item.content or ()):
            self.refused = self.refused or piece.refusal is not None
            self.whole_text(index, content, piece.text or piece.refusal or "")
            self._cite_rest(self._part(index, content), piece)

    def _cite_rest(self, part: _Text, piece: Piece) -> None:
        seen: Counter[str] = Counter()
        for raw in piece.annotations or ():
            annotation = read(raw, Annotation)
            if annotation is None or not annotation.url:
                continue
            seen[annotation.url] += 1
            if seen[annotation.url] > part.cited[annotation.url]:
                self._cite(part, annotation)
        waiting, part.waiting = part.waiting, []
        for annotation in waiting:
            if annotation.url not in seen:
                self._cite(part, annotation)

    def _cite(self, part: _Text, annotation: Annotation) -> None:
        """Offsets are believed only if they mark something inside the text that is here; else the end is cited."""
        url = annotation.url or ""
        title = annotation.title if annotation.title and annotation.title != url else ""
        start, end = annotation.start_index, annotation.end_index
        if not self._order.length:
            self._order.tell(part.index, Sourced((_source(url, title),)))
            return
        is_last = part.base >= 0 and part.base + part.length == self._order.length
        if is_last and start is not None and end is not None and 0 <= start < end <= part.length:
            self._order.tell(part.index, Cited(url, title, part.base + start, part.base + end))
        else:
            self._order.tell(part.index, Cited(url, title, -1, -1))

    def _whole_reasoning(self, index: int, item: Item) -> None:
        if index not in self._thoughts:
            pieces = item.summary or item.content or ()
            text = _BETWEEN_SECTIONS.join(piece.text for piece in pieces if piece.text)
            self.thought(index, 0, text)
        self._order.tell(index, Reasoned(item.encrypted_content or None, item.id))

    def _call(self, index: int) -> _Call:
        call = self._calls.get(index)
        if call is None:
            call = self._calls[index] = _Call()
            self._kinds.setdefault(index, "function_call")
        return call

    def _open(self, index: int, call: _Call, item: Item) -> None:
        if call.is_open or call.is_closed:
            return
        tool = self._names.tool(item.name or "")
        if tool is None:
            call.is_closed = True
            return
        call.is_open = self.called = True
        call.custom = CustomInput() if tool.custom else None
        ident = item.call_id or item.id or f"call_{index}"
        self._order.tell(index, CallOpened(ident, tool.name, tool.custom, tool.namespace))
        pending, call.pending = call.pending, []
        for text in pending:
            self._argue(index, call, text)

    def _argue(self, index: int, call: _Call, text: str) -> None:
        if not text:
            return
        call.length += len(text)
        call.last = text
        told = text if call.custom is None else call.custom.feed(text)
        if told:
            self._order.tell(index, CallArgued(told))

    def _close(self, index: int, call: _Call, arguments: str) -> None:
        self._argue(index, call, _rest(arguments, call.length, call.last))
        rest = call.custom.close() if call.custom is not None else "" if call.length else "{}"
        if rest:
            self._order.tell(index, CallArgued(rest))
        call.is_open, call.is_closed = False, True
        self._order.tell(index, CallClosed())

    def _whole_call(self, index: int, item: Item) -> None:
        call = self._call(index)
        self._open(index, call, item)
        if call.is_open:
            self._close(index, call, item.arguments or "")

    def _whole_search(self, index: int, item: Item) -> None:
        action = item.action
        found = self._found(item)
        if action is not None and action.type in (None, "search"):
            self._order.tell(index, Searched("web_search", action.query or "", found, item.id or ""))
        elif found:
            self._order.tell(index, Sourced(found))

    def _more_sources(self, index: int, item: Item) -> None:
        found = self._found(item) if item.type == "web_search_call" else ()
        if found:
            self._order.tell(index, Sourced(found))

    def _found(self, item: Item) -> tuple[Source, ...]:
        """The sources of a search that were not told before."""
        if item.action is None:
            return ()
        named = [(source.url, source.title) for source in item.action.sources or ()]
        found = []
        for url, title in [*named, (item.action.url, None)]:
            if url and url not in self._sources:
                self._sources.add(url)
                found.append(_source(url, title or ""))
        return tuple(found)

    def _whole_server_call(self, index: int, item: Item) -> None:
        """Our own custom tools go out as functions, so a custom call is always the upstream's, often a search of X."""
        if (item.name or "").startswith("x_"):
            self._order.tell(index, Searched("x_search", _query(item.input or ""), (), item.id or ""))

    def _whole_picture(self, index: int, item: Item) -> None:
        if item.result:
            self.produced = True
            self._order.tell(index, Produced(f"data:image/png;base64,{item.result}", id=item.id or ""))

    _WHOLE: ClassVar[Mapping[str, Callable[["Items", int, Item], None]]] = {
        "message": _whole_message,
        "reasoning": _whole_reasoning,
        "function_call": _whole_call,
        "web_search_call": _whole_search,
        "custom_tool_call": _whole_server_call,
        "image_generation_call": _whole_picture,
    }


def _rest(whole: str, told: int, last: str) -> str:
    """What `whole` adds to the `told` characters; nothing when it does not continue them, since those are out."""
    return whole[told:] if len(whole) > told and whole.endswith(last, 0, told) else ""


def _source(url: str, title: str) -> Source:
    is_post = "/status/" in url and url.partition("://")[2].startswith(("x.com/", "twitter.com/"))
    return Source(url, title, "x_post" if is_post else "web")


def _query(text: str) -> str:
    """What was searched for: `query`, else the first words among the arguments."""
    arguments = read(msgspec.Raw(text.encode("utf-8", "replace")), dict)
    words = [value for value in (arguments or {}).values() if isinstance(value, str)]
    query = (arguments or {}).get("query")
    return query if isinstance(query, str) else words[0] if words else ""
