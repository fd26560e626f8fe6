"""The body: a call's arguments between their tags, in whichever way the model wrote them.

JSON goes through the writer as it arrives; a JSON string with JSON in it, escaped JSON and the free text of
a custom tool are collected. A closing tag inside a JSON string is part of the string, and one inside free text is
part of the text unless the tags that must follow it follow it.
"""

import re
from collections.abc import Callable

from grok2api.canonical.request import Tool
from grok2api.tools.arguments import Writer
from grok2api.tools.forms import input_of
from grok2api.tools.mend import free_text, mend
from grok2api.tools.scanner import LONGEST_GAP, Balance, after_opening

_SPACE = re.compile(r"\s*")
_INPUT = re.compile(r"\{\s{0,16}[\"']input[\"']\s{0,16}:")
_INPUT_SO_FAR = re.compile(r"\{\s{0,16}(?:[\"'](?:i(?:n(?:p(?:u(?:t(?:[\"']\s{0,16})?)?)?)?)?)?)?")
_CDATA = "<![CDATA["


class Free:
    """Text up to the closing tags `closers`, which count only all together; a CDATA section hides what is in it."""

    __slots__ = ("_closers", "_in_cdata", "_pieces", "_started", "ended")

    def __init__(self, *closers: str) -> None:
        self._closers = "".join(f"</{name}>" for name in dict.fromkeys(closers))
        self._pieces: list[str] = []
        self._started = False
        self._in_cdata = False
        self.ended = False

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def feed(self, text: str, at: int) -> int | None:
        """Eat from `at`; returns where it stopped (`ended`: before the closing tags), None when it needs more."""
        if not self._started:
            return self._begin(text, at)
        mark = "]]>" if self._in_cdata else "<"
        found = text.find(mark, at)
        if found < 0:
            return self._keep(text, at, max(at, len(text) - len(mark) + 1))
        if self._in_cdata:
            self._in_cdata = False
            return self._keep(text, at, found + len(mark))
        closes = self._close(text, found)
        if closes is None:
            return self._keep(text, at, found)
        self.ended = closes
        return self._keep(text, at, found if closes else found + 1, always=True)

    def closed_by(self, tail: str, name: str) -> bool:
        """Whether `tail`, at which the text is over, holds at least the first closing tag."""
        return "".join(tail.split()).lower().startswith(f"</{name}>")

    def _begin(self, text: str, at: int) -> int | None:
        match = _SPACE.match(text, at)
        start = match.end() if match else at
        self._in_cdata = text.startswith(_CDATA, start)
        if not self._in_cdata and start - at <= LONGEST_GAP and _CDATA.startswith(text[start:]):
            return None
        self._started = True
        return self._keep(text, at, start + len(_CDATA) if self._in_cdata else at, always=True)

    def _keep(self, text: str, at: int, after: int, always: bool = False) -> int | None:
        if after > at:
            self._pieces.append(text[at:after])
        return after if after > at or always else None

    def _close(self, text: str, at: int) -> bool | None:
        window = text[at : at + len(self._closers) + LONGEST_GAP]
        seen = "".join(window.split()).lower()
        if seen.startswith(self._closers):
            return True
        full = len(window) == len(self._closers) + LONGEST_GAP
        return None if self._closers.startswith(seen) and not full else False


class Body:
    """One call's arguments, inside the tag `leaf` of the item `item`. Eats nothing of the closing tags.

    opened: they are being streamed, since more than `hold` characters of them were right. ended: they are over.
    """

    def __init__(self, tool: Tool | None, leaf: str, item: str, hold: int) -> None:
        self.opened = False
        self.ended = False
        self.leaf = leaf
        self._tool = tool
        self._hold = hold
        self._step: Callable[[str, int], int | None] = self._start
        self._writer: Writer | None = None
        self._whole = False  # not to be streamed: too broken, or not what the client gets
        self._balance = Balance()
        self._pieces: list[str] = []
        self._free = Free(leaf, item)

    @property
    def cut(self) -> bool:
        """Whether `close` had to end the JSON because the text was over."""
        return self._writer is not None and self._writer.cut

    def feed(self, text: str, at: int) -> int | None:
        """Eat from `at`; returns where it stopped, None when it needs more."""
        return self._step(text, at)

    def take(self) -> str:
        """What is ready of streamed arguments."""
        return self._writer.take() if self.opened and self._writer is not None else ""

    def close(self) -> None:
        """Nothing more comes: make valid JSON of what was streamed."""
        if self._writer is not None:
            self._writer.finish()

    def is_whole(self, tail: str) -> bool:
        """Whether the arguments are whole if the text is over after `tail`, which was not eaten yet."""
        if not self.ended and self._step == self._read_free:
            self.ended = self._free.closed_by(tail, self.leaf)
        return self.ended

    def arguments(self, tool: Tool) -> str | None:
        """The whole arguments of a call of `tool`; None when they cannot be mended."""
        self.close()
        if self._writer is not None:
            written = None if self._writer.broken or self._writer.cut else self._writer.take()
            return input_of(written) if tool.custom and written is not None else written
        if self._pieces:
            return mend("".join(self._pieces))
        return free_text(self._free.text) if tool.custom else mend(self._free.text)

    def _start(self, text: str, at: int) -> int | None:
        """Choose how to read the arguments from how they begin."""
        start = after_opening(text, at)
        if start is None:
            return None
        if self._tool is not None and self._tool.custom:
            return self._start_custom(text, at, start)
        if text[start] == "{":
            return self._start_object(text, at, start)
        if text[start] in '"[':
            self._step = self._read_quoted
            return start
        self._step = self._read_free
        return at

    def _start_object(self, text: str, at: int, start: int) -> int | None:
        match = _SPACE.match(text, start + 1)
        inside = match.end() if match else start + 1
        if inside == len(text):
            return None
        if text[inside] == "&":
            self._step = self._read_free
            return at
        self._writer = Writer()
        self._step = self._read_object
        return start

    def _start_custom(self, text: str, at: int, start: int) -> int | None:
        if _INPUT.match(text, start):
            self._whole = True
            self._writer = Writer()
            self._step = self._read_object
            return start
        if _INPUT_SO_FAR.fullmatch(text, start):
            return None
        self._step = self._read_free
        return at

    def _read_object(self, text: str, at: int) -> int | None:
        writer = self._writer
        assert writer is not None
        undecided = not (self.opened or self._whole or self._tool is None)
        end = min(len(text), at + self._hold + 1 - writer.taken) if undecided else len(text)
        after = writer.feed(text, at, end)
        self.ended = writer.done or writer.stopped
        if not self.ended and undecided and writer.taken > self._hold:
            self.opened = not writer.broken
            self._whole = writer.broken
        return after if self.ended or after > at else None

    def _read_quoted(self, text: str, at: int) -> int | None:
        end = self._balance.feed(text, at)
        self.ended = end >= 0
        after = end if self.ended else len(text)
        self._pieces.append(text[at:after])
        return after if after > at else None

    def _read_free(self, text: str, at: int) -> int | None:
        after = self._free.feed(text, at)
        self.ended = self._free.ended
        return after
