"""Forms of calls that are held until they are whole: JSON answers, and blocks whose markup came escaped.

Both have the face of a `Block` and never stream. Each lets go of what cannot be calls at the first character
that shows it.
"""

import html
import re

from grok2api.tools.block import Block, Status
from grok2api.tools.forms import Draft, calls_in, may_be_calls
from grok2api.tools.offers import Offers
from grok2api.tools.scanner import LONGEST_GAP, WRAPPERS, Balance, read_tag

_OPENING = re.compile(r"&lt;(?:[\w-]+:)?(\w+)(?:\s[^<>&]*)?")
_ENTITY_SO_FAR = re.compile(r"&#?\w{0,8}\Z")
_ENDS = ("&gt;", ">")
_NEXT = ("&lt;", "<")
_TRIES = 16


class Held:
    """What the held forms have in common: see `Block` for the names."""

    opened = False
    cut = False
    closed = False
    wrapped = False
    tool = None

    def __init__(self, offers: Offers) -> None:
        self.status = Status.MORE
        self.drafts: list[Draft] = []
        self._offers = offers
        self._raw: list[str] = []

    @property
    def raw(self) -> str:
        """All that was eaten, as it came."""
        return "".join(self._raw)

    @property
    def size(self) -> int:
        return sum(map(len, self._raw))

    def take(self) -> str:
        """Nothing is ever streamed."""
        return ""

    def _refuse(self, text: str) -> str:
        """The first character is text, and so may be the rest."""
        self._raw = [text[0]]
        self.status = Status.FAILED
        return text[1:]

    def _settle(self, drafts: list[Draft] | None) -> None:
        self.status = Status.FAILED if drafts is None else Status.DONE
        self.drafts = drafts or []


class JsonAnswer(Held):
    """An answer that begins as calls in JSON might."""

    def __init__(self, offers: Offers) -> None:
        super().__init__(offers)
        self._balance: Balance | None = None

    def feed(self, text: str) -> str:
        """As `Block.feed`."""
        if self._balance is None:
            text = self.raw + text
            verdict = may_be_calls(text)
            if verdict is False:
                return self._refuse(text)
            self._raw = [text] if verdict is None else []
            if verdict is None:
                return ""
            self._balance = Balance()
        end = self._balance.feed(text, 0)
        self._raw.append(text if end < 0 else text[:end])
        if end < 0:
            return ""
        self._settle(calls_in(self.raw, self._offers))
        return text[end:]

    def finish(self) -> None:
        """JSON that was cut is no call."""
        self.status = Status.FAILED


class EscapedBlock(Held):
    """A block that came as `&lt;tool_calls&gt;…`: held whole, then read as if it had not been escaped."""

    def __init__(self, offers: Offers) -> None:
        super().__init__(offers)
        self._close: re.Pattern[str] | None = None
        self._window = ""
        self._tries = 0

    def feed(self, text: str) -> str:
        """As `Block.feed`."""
        if self._close is not None:
            return self._look(text)
        text = self.raw + text
        name = _name_if_block(text)
        if name is None:
            return self._refuse(text)
        if not name:
            self._raw = [text]
            return ""
        self._raw = []
        self._close = re.compile(rf"&lt;/\s*(?:[\w-]+:)?{name}\s{{0,16}}(?:&gt;|>)", re.IGNORECASE)
        return self._look(text)

    def finish(self) -> None:
        """Whole but for its closing tags, it is calls."""
        self._settle(_all_calls(html.unescape(self.raw), self._offers))

    def _look(self, text: str) -> str:
        """Read up to the first closing tag that makes calls of what stands before it."""
        assert self._close is not None
        self._raw.append(text)
        window = self._window + text
        at = 0
        while match := self._close.search(window, at):
            at = match.end()
            whole = self.raw
            whole = whole[: len(whole) - len(window) + at]
            drafts = _all_calls(html.unescape(whole), self._offers)
            self._tries += 1
            if drafts is not None or self._tries == _TRIES:
                self._raw = [whole]
                self._settle(drafts)
                return window[at:]
        self._window = window[max(at, len(window) - LONGEST_GAP) :]
        return ""


def _name_if_block(text: str) -> str | None:
    """The name of the opening tag that begins `text` when a block follows it; "" when that is open; None if not."""
    opening = _OPENING.match(text)
    if opening is None or opening.end() > LONGEST_GAP:
        return None
    rest = text[opening.end() :]
    if any(end.startswith(rest) for end in _ENDS):
        return ""
    end = next((end for end in _ENDS if rest.startswith(end)), None)
    if end is None:
        return None
    inside = rest[len(end) :].lstrip()
    if len(rest) - len(inside) > LONGEST_GAP:
        return None
    if not inside or any(mark.startswith(inside) and mark != inside for mark in _NEXT):
        return ""
    verdict = inside.startswith(_NEXT) or may_be_calls(html.unescape(_ENTITY_SO_FAR.sub("", inside[:LONGEST_GAP])))
    return "" if verdict is None else opening.group(1) if verdict else None


def _all_calls(text: str, offers: Offers) -> list[Draft] | None:
    """The calls of a whole unescaped block; None when anything in it is none."""
    drafts: list[Draft] = []
    text = text.strip()
    while text:
        tag = read_tag(text, 0)
        if tag is not None and tag.closing and tag.name in WRAPPERS:
            text = text[tag.end :].lstrip()
            continue
        block = Block(offers, len(text))
        text = block.feed(text).lstrip()
        if block.status is Status.MORE:
            block.finish()
        if block.status is not Status.DONE:
            return None
        drafts += block.drafts
    return drafts or None
