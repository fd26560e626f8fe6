"""The block: one call in XML, read as it arrives.

    <tool_calls> <tool_call> <tool_name>…</tool_name> <parameters>{…}</parameters> </tool_call>

and its relatives: a bare `<tool_call>`, `<function_call>`, `<invoke name="…">`, a JSON body, arguments one by one
in `<parameter name="…">`. Reads the wrapper's opening tag and one item; what follows is another block. Fails as
soon as what it reads can be no call of an offered tool, so that prose about tags is held no longer than needed.

Arguments longer than `hold` characters are streamed: `opened` turns true, and `take` gives what is ready.
Where that happens depends on the text alone, never on how it was cut.
"""

import html
from collections.abc import Callable
from enum import Enum, auto

from grok2api.canonical.request import Tool
from grok2api.tools.body import Body, Free
from grok2api.tools.forms import Draft, calls_in, may_be_calls, with_parameters
from grok2api.tools.mend import free_text
from grok2api.tools.offers import Offers
from grok2api.tools.scanner import (
    ITEMS,
    LONGEST_GAP,
    WRAPPERS,
    Balance,
    Tag,
    after_closing,
    after_opening,
    may_become_tag,
    read_tag,
)

_NAME_TAGS = frozenset({"tool_name", "name", "function_name"})
_ARGUMENT_TAGS = frozenset({"parameters", "arguments", "input", "args", "tool_input", "params"})
_IGNORED_TAGS = frozenset({"id", "call_id", "tool_call_id", "type"})
_LONGEST_LEAF = 200
_CDATA = "<![CDATA["


class Status(Enum):
    """How far a reader is. FAILED: what was read so far is text."""

    MORE = auto()
    DONE = auto()
    FAILED = auto()


class Block:
    """Feed it text that begins with an opening tag.

    opened: the call of `tool` is being streamed. drafts: what was read, once DONE, unless it was streamed.
    size: characters eaten. wrapped: the opening tag of a wrapper was among them.
    """

    def __init__(self, offers: Offers, hold: int) -> None:
        self.status = Status.MORE
        self.wrapped = False
        self.size = 0
        self.tool: Tool | None = None
        self.drafts: list[Draft] = []
        self._offers = offers
        self._hold = hold
        self._raw: list[str] = []
        self._tail = ""
        self._step: Callable[[str, int], int | None] = self._begin
        self._item = ""
        self._leaf = ""
        self._body: Body | None = None
        self._balance = Balance()
        self._json: list[str] = []
        self._parameter: tuple[str, Free] | None = None
        self._parameters: dict[str, str] = {}

    @property
    def raw(self) -> str:
        """All that was eaten, as it came; only while nothing was streamed."""
        return "".join(self._raw) + self._tail

    @property
    def opened(self) -> bool:
        return self._body is not None and self._body.opened

    @property
    def cut(self) -> bool:
        """Whether streamed arguments had to be closed because the text was over."""
        return self._body is not None and self._body.cut

    @property
    def closed(self) -> bool:
        """Whether a call of an offered tool was begun and, by the look of it, closed: if it FAILED, it is broken."""
        return self.tool is not None and f"</{self._item}" in self.raw.lower()

    def take(self) -> str:
        """The streamed arguments that are ready."""
        return self._body.take() if self._body is not None else ""

    def feed(self, text: str) -> str:
        """Eat `text`; returns what was left of it, which is nothing while there is MORE to come."""
        text = self._tail + text
        self._tail = ""
        at = 0
        while self.status is Status.MORE:
            after = self._step(text, at)
            if after is None:
                self._tail = text[at:]
                break
            at = after
        self._eat(text[:at])
        return "" if self.status is Status.MORE else text[at:]

    def finish(self) -> None:
        """The text is over: DONE when only closing tags are missing, or when the call was streamed."""
        if self.opened or (self.tool is not None and self._body is not None and self._body.is_whole(self._tail)):
            self._end_item()
        elif self.drafts:
            self.status = Status.DONE
        else:
            self.status = Status.FAILED
            return
        self._eat(self._tail)
        self._tail = ""

    def _eat(self, text: str) -> None:
        self.size += len(text)
        if not self.opened:
            self._raw.append(text)
        elif self._raw:
            self._raw.clear()

    def _fail(self, at: int) -> int:
        """No call, or no more of one. What has been streamed stays."""
        if self.opened:
            self._end_item()
        else:
            self.status = Status.FAILED
        return at

    # --- tags --------------------------------------------------------------------------------

    def _begin(self, text: str, at: int) -> int | None:
        tag = read_tag(text, at)
        if tag is None:
            return None if may_become_tag(text, at) else self._fail(at + 1)
        if tag.name in ITEMS:
            return self._enter(tag)
        self.wrapped = True
        self._step = self._first
        return tag.end if not tag.empty else self._fail(tag.end)

    def _first(self, text: str, at: int) -> int | None:
        """What follows the wrapper's opening tag: an item, or JSON."""
        start = after_opening(text, at)
        if start is None:
            return None
        if text[start] in "{[":
            self._step = self._begin_json
            return start
        tag = read_tag(text, start)
        if tag is not None and tag.name in ITEMS and not tag.closing:
            return self._enter(tag)
        return None if tag is None and may_become_tag(text, start) else self._fail(at)

    def _enter(self, tag: Tag) -> int:
        self._item = tag.name
        self._step = self._members
        if "name" in tag.attributes and not self._name(tag.attributes["name"]):
            return self._fail(tag.end)
        if tag.empty:
            return self._close_item(tag, tag.end)
        return tag.end

    def _members(self, text: str, at: int) -> int | None:
        """Inside an item, between its members."""
        start = after_opening(text, at)
        if start is None:
            return None
        if text[start] != "<" or text.startswith(_CDATA, start):
            return self._inline(text, at, start)
        tag = read_tag(text, start)
        if tag is None:
            return None if may_become_tag(text, start) or _CDATA.startswith(text[start:]) else self._fail(at)
        return self._close_item(tag, at) if tag.closing else self._member(tag, at)

    def _inline(self, text: str, at: int, start: int) -> int:
        """Arguments, or the whole call as JSON, directly inside the item."""
        if self._body is not None:
            return self._fail(at)
        if self.tool is not None:
            self._body = Body(self.tool, self._item, self._item, self._hold)
            self._step = self._arguments
            return at
        if text[start] not in "{[":
            return self._fail(at)
        self._step = self._begin_json
        return start

    def _member(self, tag: Tag, at: int) -> int:
        step = None if self.opened else self._member_step(tag)
        if step is None:
            return self._fail(at)
        self._leaf = tag.name
        if not tag.empty:
            self._step = step
        return tag.end

    def _member_step(self, tag: Tag) -> Callable[[str, int], int | None] | None:
        if tag.name in _NAME_TAGS and self.tool is None:
            return self._read_name
        if tag.name in _ARGUMENT_TAGS and self._body is None:
            if not tag.empty:
                self._body = Body(self.tool, tag.name, self._item, self._hold)
            return self._arguments
        if tag.name == "parameter" and "name" in tag.attributes:
            self._parameter = (tag.attributes["name"], Free(tag.name))
            return self._read_parameter
        return self._skip_leaf if tag.name in _IGNORED_TAGS else None

    def _close_item(self, tag: Tag, at: int) -> int:
        if tag.name != self._item or self.tool is None:
            return self._fail(at)
        self._end_item()
        return tag.end

    def _read_name(self, text: str, at: int) -> int | None:
        end = text.find("<", at)
        if end < 0:
            return None if len(text) - at <= _LONGEST_LEAF else self._fail(at)
        if not self._name(html.unescape(text[at:end])):
            return self._fail(end)
        self._step = self._close_leaf
        return end

    def _skip_leaf(self, text: str, at: int) -> int | None:
        end = text.find("<", at)
        if end < 0 or end - at > _LONGEST_LEAF:
            return None if len(text) - at <= _LONGEST_LEAF else self._fail(at)
        self._step = self._close_leaf
        return end

    def _close_leaf(self, text: str, at: int) -> int | None:
        """The closing tag of the leaf, whose text has just been read."""
        tag = read_tag(text, at)
        if tag is None:
            return None if may_become_tag(text, at) else self._fail(at)
        if not tag.closing or tag.name != self._leaf:
            return self._fail(at)
        self._step = self._members
        return tag.end

    def _read_parameter(self, text: str, at: int) -> int | None:
        assert self._parameter is not None
        name, free = self._parameter
        after = free.feed(text, at)
        if free.ended:
            self._parameters[name] = html.unescape(free_text(free.text))
            self._step = self._close_leaf
        return after

    def _name(self, name: str) -> bool:
        self.tool = self._offers.find(name.strip())
        return self.tool is not None

    # --- arguments ---------------------------------------------------------------------------

    def _arguments(self, text: str, at: int) -> int | None:
        assert self._body is not None
        after = self._body.feed(text, at)
        if self._body.ended:
            self._step = self._behind
        return after

    def _behind(self, text: str, at: int) -> int | None:
        """After the arguments: nothing that matters, up to the closing tag of the leaf or of the item."""
        assert self._body is not None
        start = after_closing(text, at)
        if start is None:
            return None
        tag = read_tag(text, start) if start - at <= LONGEST_GAP else None
        if tag is None:
            return None if may_become_tag(text, start) else self._fail(at)
        if not tag.closing or tag.name not in (self._body.leaf, self._item, *WRAPPERS):
            return self._fail(at)
        if tag.name == self._body.leaf != self._item:
            self._step = self._members
            return tag.end
        if self.tool is None:
            return self._fail(at)
        self._end_item()
        return tag.end if tag.name == self._item else start

    def _end_item(self) -> None:
        self.status = Status.DONE
        if self.opened and self._body is not None:
            self._body.close()
        elif self.tool is not None:
            self.drafts = [Draft(self.tool, self._whole(self.tool))]

    def _whole(self, tool: Tool) -> str | None:
        if self._body is not None:
            return self._body.arguments(tool)
        if self._parameters:
            return with_parameters(tool, self._parameters)
        return "" if tool.custom else "{}"

    # --- a whole call as JSON ----------------------------------------------------------------

    def _begin_json(self, text: str, at: int) -> int | None:
        verdict = may_be_calls(text, at)
        if verdict is None:
            return None
        self._step = self._read_json
        return at if verdict else self._fail(at)

    def _read_json(self, text: str, at: int) -> int | None:
        end = self._balance.feed(text, at)
        after = end if end >= 0 else len(text)
        self._json.append(text[at:after])
        if end < 0:
            return after if after > at else None
        drafts = calls_in("".join(self._json), self._offers, marked=True)
        if drafts is None:
            return self._fail(end)
        self.drafts = drafts
        self._step = self._behind_json
        return end

    def _behind_json(self, text: str, at: int) -> int | None:
        start = after_closing(text, at)
        if start is None:
            return None
        tag = read_tag(text, start)
        if tag is None and may_become_tag(text, start):
            return None
        self.status = Status.DONE
        return tag.end if tag is not None and tag.closing and tag.name == self._item else start
