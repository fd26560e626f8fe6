"""The scanner: where a call may begin in prose, what a tag says, where a JSON value ends.

Looks at what it is given and keeps nothing but `Balance`'s depth. Every answer is the same however the text
was cut: a tail that may still become what is looked for is reported as such, and nothing longer is held.
"""

import re
from typing import NamedTuple

WRAPPERS = frozenset({"tool_calls", "function_calls"})
ITEMS = frozenset({"tool_call", "function_call", "invoke"})

#: How much white space and fence before a block can belong to it; more than that is text.
LONGEST_LEAD = 64
#: How much may stand between two tags and be nothing.
LONGEST_GAP = 200
_LONGEST_TAG = 300

_NAMES = "|".join(sorted(WRAPPERS | ITEMS))
_OPENER = re.compile(
    rf"<(?:(?:xai:)?(?:{_NAMES})(?=[\s>/])|/(?:xai:)?(?:{'|'.join(sorted(WRAPPERS))})\s{{0,4}}>)"
    rf"|&lt;(?:xai:)?(?:{_NAMES})(?=\s|&gt;|>)",
    re.IGNORECASE,
)
_SPELLINGS = tuple(
    mark + prefix + name
    for mark, names in (("<", WRAPPERS | ITEMS), ("&lt;", WRAPPERS | ITEMS), ("</", WRAPPERS))
    for prefix in ("", "xai:")
    for name in sorted(names)
)
_ENTITY_SO_FAR = re.compile(r"(?<=.)&(?:gt?)?\Z")
_LONGEST_SPELLING = max(map(len, _SPELLINGS)) + 4

_FENCE = r"(?:`{1,3}|```[\w+-]{0,16}[ \t]*(?:\n\s*)?)?"
_LEAD = re.compile(rf"\n\s*{_FENCE}\Z")
_FIRST_LEAD = re.compile(rf"(?:\A|\n)\s*{_FENCE}\Z")

_TAG = re.compile(
    r"<(?P<closing>/?)(?:[\w-]+:)?(?P<name>[A-Za-z_][\w.-]*)"
    r"(?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'))*)\s*(?P<empty>/?)>"
)
_TAG_SO_FAR = re.compile(r"</?(?:[\w-][^<>]*)?")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def find_opener(text: str, at: int) -> tuple[int, re.Match[str] | None]:
    """Where from `at` on a block may begin or a wrapper's closing tag stands, and its match.

    Without a match the index is where a tail starts that may still become one (`len(text)`: none).
    """
    while True:
        at = _earliest(text, at)
        if at == len(text):
            return at, None
        match = _OPENER.match(text, at)
        if match or (len(text) - at <= _LONGEST_SPELLING and _may_open(text[at:].lower())):
            return at, match
        at += 1


def _earliest(text: str, at: int) -> int:
    angle, entity = text.find("<", at), text.find("&", at)
    if angle < 0 or entity < 0:
        at = max(angle, entity)
        return at if at >= 0 else len(text)
    return min(angle, entity)


def _may_open(tail: str) -> bool:
    if tail.startswith("</"):
        tail = tail.rstrip()
    elif tail.startswith("&lt;"):
        tail = _ENTITY_SO_FAR.sub("", tail) or tail
    return any(spelling.startswith(tail) for spelling in _SPELLINGS)


def lead_in(text: str, end: int, fresh: bool) -> int:
    """Where the white space and fence start that stand directly before `end` and would belong to a block there.

    fresh: nothing was said before `text`, so that its first line is a line.
    """
    low = max(0, end - LONGEST_LEAD)
    pattern = _FIRST_LEAD if fresh and low == 0 else _LEAD
    match = pattern.search(text, low, end)
    return match.start() if match else end


_JSON_LEAD = re.compile(r"\s*(?:```[\w+-]{0,16}[ \t]*\n\s*)?")
_FENCE_SO_FAR = re.compile(r"`{1,2}|```[\w+-]{0,16}[ \t]*")


def json_start(text: str) -> int | None:
    """Where a JSON object or array begins that `text` begins with, maybe fenced; -1: nowhere; None: still open."""
    match = _JSON_LEAD.match(text)
    start = match.end() if match else 0
    if start > LONGEST_LEAD:
        return -1
    if start == len(text):
        return None
    if text[start] in "{[":
        return start
    return None if len(text) <= LONGEST_LEAD and _FENCE_SO_FAR.fullmatch(text, start) else -1


class Tag(NamedTuple):
    """An XML tag: its lower-case name without prefix, and where it ends."""

    name: str
    closing: bool
    empty: bool
    attributes: dict[str, str]
    end: int


def read_tag(text: str, at: int) -> Tag | None:
    """The tag that stands at `at`, if a whole one does."""
    match = _TAG.match(text, at)
    if match is None or match.end() - at > _LONGEST_TAG:
        return None
    attributes = {
        name.lower(): double or single for name, double, single in _ATTRIBUTE.findall(match.group("attributes"))
    }
    closing, empty = bool(match.group("closing")), bool(match.group("empty"))
    return Tag(match.group("name").lower(), closing, empty, attributes, match.end())


def may_become_tag(text: str, at: int) -> bool:
    """Whether what stands at `at` up to the end of the text is the beginning of a tag."""
    return len(text) - at < _LONGEST_TAG and _TAG_SO_FAR.fullmatch(text, at) is not None


_OPENING = re.compile(r"\s*(?:```[\w+-]{0,16}\s*)?")
_CLOSING = re.compile(r"[\s}\]`>]*")


def after_opening(text: str, at: int) -> int | None:
    """Where what stands after an opening tag begins, after white space and a fence; None when that is open.

    Too much white space counts as something that stands there.
    """
    match = _OPENING.match(text, at)
    start = match.end() if match else at
    if start - at > LONGEST_GAP:
        return at
    return None if start == len(text) or text[start:] in ("`", "``") else start


def after_closing(text: str, at: int) -> int | None:
    """Where the next tag must stand, after white space and surplus closing marks; None when that is open."""
    match = _CLOSING.match(text, at)
    start = match.end() if match else at
    return None if start == len(text) and start - at <= LONGEST_GAP else start


_OUTSIDE = re.compile(r'["{}\[\]]')
_INSIDE = re.compile(r'["\\]')


class Balance:
    """Finds where a JSON object, array or string ends, brackets inside strings not counted."""

    __slots__ = ("_depth", "_escaped", "_in_string")

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, text: str, at: int) -> int:
        """The index after the value that began where the first feed did; -1 when it goes on after `text`."""
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            match = (_INSIDE if self._in_string else _OUTSIDE).search(text, at)
            if match is None:
                return -1
            at = match.end()
            self._note(match.group())
            if not self._depth and not self._in_string:
                return at
        return -1

    def _note(self, char: str) -> None:
        if char == "\\":
            self._escaped = True
        elif char == '"':
            self._in_string = not self._in_string
        else:
            self._depth += 1 if char in "{[" else -1
