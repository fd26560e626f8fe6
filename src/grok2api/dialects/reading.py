"""Reading a client's JSON: one strict parse, then typed look-ups that name the field at fault.

Promises: bad JSON, invalid UTF-8, NaN, a duplicate key and too deep a nesting are a 400; every error names
its field as a dotted path (`messages.3.content.0.type`); an explicit `null` is the same as absent.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from grok2api.canonical.problem import Refusal, invalid

_MAX_DEPTH = 200
_KINDS = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
}
#: Every string of a document, and whether it is a key.
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?', re.DOTALL)
#: The end of a key that does not end with a backslash, and of one that may: a quote inside a string has one before it.
#: The quote comes first in both, since that is what a search is fast by.
_KEY_ENDS = re.compile(rb'"(?<!\\")\s*:')
_ODD_KEY_ENDS = re.compile(rb'"(?<=\\\\")\s*:')


def parse(body: bytes) -> "Object":
    """The JSON object in `body`, whole."""
    value = parse_any(body)
    if not isinstance(value, dict):
        raise invalid("The body must be a JSON object", code="invalid_json")
    return Object(value, "")


def parse_any(body: bytes) -> Any:
    """The JSON value in `body`, as strictly read as an object is."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"The body is not valid JSON: {error}", code="invalid_json") from None
    keys, depth = _measure(value)
    if depth > _MAX_DEPTH:
        raise invalid(f"The body is nested deeper than {_MAX_DEPTH} levels", code="invalid_json")
    if _writes_more_keys(body, keys):
        raise _duplicate(body)
    return value


def _measure(root: Any) -> tuple[int, int]:
    """How many keys the value holds, and how deep it goes; without recursion, since depth is hostile."""
    keys = depth = 0
    layer: list[Any] = [root] if type(root) in (dict, list) else []
    while layer:
        depth += 1
        below: list[Any] = []
        for node in layer:
            if type(node) is dict:
                keys += len(node)
                below.extend(child for child in node.values() if type(child) in (dict, list))
            else:
                below.extend(child for child in node if type(child) in (dict, list))
        layer = below
    return keys, depth


def _writes_more_keys(body: bytes, keys: int) -> bool:
    """Whether a document writes more keys than it has: some key twice.

    What looks like the end of a key is one, or the beginning of a string with a colon. So it is seen at least as often
    as there are keys, but for odd ones; where that is no more often than `keys`, every key was written once. This is
    how nearly all are told, in a fraction of the time that it takes to look at every string.
    """
    if _ODD_KEY_ENDS.search(body) is None and len(_KEY_ENDS.findall(body)) == keys:
        return False
    return sum(1 for match in _STRINGS.finditer(body) if match.group(1)) != keys


def _duplicate(body: bytes) -> Refusal:
    twice: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                twice.append(key)
            seen.add(key)

    try:
        json.loads(body, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return invalid("The body is not valid JSON", code="invalid_json")
    name = twice[0][:64] if twice else None
    return invalid(f"The key {name!r} appears twice in one object", param=name, code="duplicate_key")


class Object:
    """A JSON object and where it stands; every getter returns `None` for absent or null."""

    __slots__ = ("path", "raw")

    def __init__(self, raw: dict[str, Any], path: str) -> None:
        self.raw = raw
        self.path = path

    def at(self, key: str) -> str:
        """The dotted path of a member."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        return self.raw.get(key) is not None

    def text(self, key: str, *, longest: int | None = None) -> str | None:
        value = self.raw.get(key)
        if value is None:
            return None
        if type(value) is not str:
            raise self.wrong(key, "a string", value)
        if longest is not None and len(value) > longest:
            raise invalid(f"{self.at(key)} is longer than {longest} characters", self.at(key))
        return value

    def need_text(self, key: str, *, longest: int | None = None) -> str:
        value = self.text(key, longest=longest)
        if value is None:
            raise self.missing(key)
        return value

    def flag(self, key: str) -> bool | None:
        value = self.raw.get(key)
        if value is not None and type(value) is not bool:
            raise self.wrong(key, "true or false", value)
        return value

    def whole(self, key: str, low: int | None = None, high: int | None = None) -> int | None:
        """An integer in low..high; a float with no fraction (`16.0`) is one."""
        value = self.raw.get(key)
        if value is None:
            return None
        if type(value) is float and math.isfinite(value) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        if type(value) is not int:
            raise self.wrong(key, "an integer", value)
        self._bound(key, value, low, high)
        return value

    def number(self, key: str, low: float | None = None, high: float | None = None) -> float | None:
        value = self.raw.get(key)
        if value is None:
            return None
        if type(value) not in (int, float):
            raise self.wrong(key, "a number", value)
        self._bound(key, value, low, high)
        return float(value)

    def choice(self, key: str, allowed: Sequence[str]) -> str | None:
        value = self.text(key)
        if value is not None and value not in allowed:
            raise invalid(f"{self.at(key)} must be one of {', '.join(allowed)}", self.at(key))
        return value

    def child(self, key: str) -> "Object | None":
        value = self.raw.get(key)
        if value is None:
            return None
        if type(value) is not dict:
            raise self.wrong(key, "an object", value)
        return Object(value, self.at(key))

    def array(self, key: str) -> list[Any] | None:
        value = self.raw.get(key)
        if value is not None and type(value) is not list:
            raise self.wrong(key, "an array", value)
        return value

    def objects(self, key: str) -> Iterator["Object"]:
        """The members of an array that must all be objects; nothing when it is absent."""
        for index, item in enumerate(self.array(key) or ()):
            path = f"{self.at(key)}.{index}"
            if type(item) is not dict:
                raise invalid(f"{path} must be an object", path)
            yield Object(item, path)

    def missing(self, key: str) -> Refusal:
        return invalid(f"{self.at(key)} is required", self.at(key), code="missing_required_parameter")

    def wrong(self, key: str, wanted: str, value: object) -> Refusal:
        return invalid(f"{self.at(key)} must be {wanted}, not {_kind(value)}", self.at(key))

    def _bound(self, key: str, value: float, low: float | None, high: float | None) -> None:
        if (low is not None and value < low) or (high is not None and value > high):
            wanted = (
                f"between {low} and {high}"
                if low is not None and high is not None
                else (f"at least {low}" if high is None else f"at most {high}")
            )
            raise invalid(f"{self.at(key)} must be {wanted}", self.at(key))


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")
