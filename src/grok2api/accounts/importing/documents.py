"""JSON and TOML documents as items: pools with lists of accounts, lists, single accounts.

Pure. A JSON document is walked as it arrives, one account in memory at a time, so that a hundred thousand cost no more
than ten. Known shapes: `{"basic": [...], "super": [...]}`, `{"tokens": [...]}`, `[...]`, one account, several documents
one after the other, and the old `{"sso": {"<token>": {...}}}`. TOML has the same shapes, but is read whole.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from grok2api.accounts.importing.entries import POOLS, EntryError

#: Longest JSON text of one account.
MAX_ITEM = 262_144
MAX_TOML = 67_108_864

#: The members that hold a credential, and those that hold a list of accounts of any pool.
TOKEN_NAMES = ("token", "sso", "cookie", "credential", "api_key")
LIST_NAMES = ("account", "accounts", "tokens", "items", "data")

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n\ufeff"


class Item(NamedTuple):
    """One account as it stands in a document: where, in which pool, and its value; or why it cannot be read."""

    where: str
    pool: str
    value: object
    error: str = ""


class _Scanner:
    """A JSON text that arrives in pieces. Every method raises `EntryError` where it is broken."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, *wanted: str) -> str:
        """The next character, which must be one of these."""
        found = self.peek()
        if found not in wanted or not found:
            raise EntryError("the JSON is broken here; what follows was not read")
        self._at += 1
        return found

    def value(self) -> object:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                end = -1
            # A number at the end of what has arrived may go on.
            if end >= 0 and (end < len(self._text) or isinstance(value, str | list | dict) or not self._more()):
                self._at = end
                return value
            if end < 0 and (len(self._text) - self._at > MAX_ITEM or not self._more()):
                raise EntryError("the JSON is broken here, or one account is too long; what follows was not read")

    def _more(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._text, self._at = self._text[self._at :] + piece, 0
        return True


def json_items(pieces: Iterable[str]) -> Iterator[Item]:
    """The accounts of a JSON document; where it is broken, one item says so and ends it."""
    scanner = _Scanner(pieces)
    place = "the beginning"
    try:
        while opening := scanner.peek():
            found = {"[": _array, "{": _object}.get(opening, _single)
            for item in found(scanner):
                place = item.where
                yield item
    except EntryError as error:
        yield Item(f"after {place}", "", None, str(error))


def _single(scanner: _Scanner) -> Iterator[Item]:
    yield Item("[0]", "", scanner.value())


def _array(scanner: _Scanner, name: str = "", pool: str = "") -> Iterator[Item]:
    scanner.take("[")
    if scanner.peek() == "]":
        scanner.take("]")
        return
    index, more = 0, True
    while more:
        yield Item(f"{name}[{index}]", pool, scanner.value())
        index, more = index + 1, scanner.take(",", "]") == ","


def _members(scanner: _Scanner) -> Iterator[str]:
    """The keys of an object; whoever asks for the next has taken the value."""
    scanner.take("{")
    if scanner.peek() == "}":
        scanner.take("}")
        return
    more = True
    while more:
        key = scanner.value()
        scanner.take(":")
        if not isinstance(key, str):
            raise EntryError("the JSON is broken here; what follows was not read")
        yield key
        more = scanner.take(",", "}") == ","


def _object(scanner: _Scanner) -> Iterator[Item]:
    rest: dict[str, object] = {}
    known = False
    for key in _members(scanner):
        shape = _shape(key, scanner.peek())
        known = known or shape != "other"
        if shape == "list":
            yield from _array(scanner, key, POOLS.get(key.lower(), ""))
        elif shape == "map":
            for index, token in enumerate(_members(scanner)):
                yield _keyed(f"{key}[{index}]", key, token, scanner.value())
        elif shape == "one":
            yield Item(key, POOLS[key.lower()], scanner.value())
        else:
            rest[key] = scanner.value()
    yield from _leftover(rest, known=known)


def _shape(key: str, opening: str) -> str:
    """What the member of an object is: a `list`, a `map` or `one` account of a pool, or something `other`."""
    pool = key.lower() in POOLS
    if opening == "[" and (pool or key in LIST_NAMES):
        return "list"
    if opening == "{" and pool:
        return "map"
    return "one" if opening == '"' and pool and key not in TOKEN_NAMES else "other"


def _keyed(where: str, pool: str, token: str, value: object) -> Item:
    more: Mapping[Any, Any] = value if isinstance(value, dict) else {}
    return Item(where, POOLS[pool.lower()], {**more, "token": token})


def _leftover(rest: Mapping[str, object], *, known: bool) -> Iterator[Item]:
    """What is not in a pool: one account, or lists that nobody knows."""
    if any(name in rest for name in TOKEN_NAMES):
        yield Item("the account", "", rest)
        return
    unknown = sum(isinstance(value, list) for value in rest.values())
    if unknown or not known:
        pools = ", ".join(sorted(set(POOLS.values())))
        yield Item("the document", "", None, f"has lists of accounts under other names than the pools {pools}")


def toml_items(pieces: Iterable[str]) -> Iterator[Item]:
    """The accounts of a TOML document."""
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > MAX_TOML:
            yield Item("the document", "", None, "is too long for TOML; JSON lines have no limit")
            return
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError):
        yield Item("the document", "", None, "is no TOML")
        return
    if "app" in value or isinstance(value.get("account"), dict):
        yield Item("the document", "", None, _CONFIGURATION)
        return
    yield from _object(_Scanner([json.dumps(value, default=str)]))


_CONFIGURATION = (
    "is a configuration and holds no accounts; import the database, the Redis or the file that its [account] section "
    "names"
)
