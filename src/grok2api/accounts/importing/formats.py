"""Text of any known form as entries: the form is told by the content, unless it is named.

Pure, and streaming: what is read is handed on before more is asked for, so memory does not grow with the number of
accounts (TOML apart). One bad entry does not spoil the others; it comes out with its error.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from grok2api.accounts.importing import neighbours, own
from grok2api.accounts.importing.documents import TOKEN_NAMES, Item, json_items, toml_items
from grok2api.accounts.importing.entries import Entry, EntryError, Reading, made
from grok2api.accounts.importing.tables import header_of, table_items
from grok2api.accounts.importing.texts import decoded, lines


class Form(StrEnum):
    """How accounts are written in a file."""

    AUTO = "auto"
    TEXT = "text"
    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    TOML = "toml"


#: Characters that are looked at to tell the form.
_HEAD = 65_536
_FIRST_LINES = 3
#: A table's head, or a member; but `sso="…"` is a cookie.
_TOML_LINE = re.compile(
    r"""\[\[?[\w."-]+\]?\]\s*(?:\#.*)?|"?[\w-]+"?\s*=\s*[\[{].*|"?(?!sso\b)[\w-]+"?\s*=\s*(?:"[^"]*"|'[^']*')\s*(?:\#.*)?"""
)


def parse(text: str, pool: str = "auto", tags: tuple[str, ...] = (), now: float = float("inf")) -> list[Entry]:
    """Every entry of `text`; `pool` and `tags` are for those that name none, windows that end before `now` are old."""
    return list(read([text.encode()], Reading(pool=pool, tags=tags, now=now)))


def read(chunks: Iterable[bytes], reading: Reading, form: Form = Form.AUTO) -> Iterator[Entry]:
    """The entries of a file that comes in pieces."""
    pieces = decoded(chunks)
    head = ""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD:
            break
    form = recognised(head) if form is Form.AUTO else form
    return _READERS[form](itertools.chain([head], pieces), reading)


def recognised(head: str) -> Form:
    """The form of a file that begins like this."""
    whole = head.lstrip("\ufeff \t\r\n")
    first = [line.strip() for line in whole.splitlines()[:_FIRST_LINES]]
    told = [line for line in first if line and not line.startswith("#")]
    if not told:
        return Form.TEXT
    if _TOML_LINE.fullmatch(told[0]):
        return Form.TOML
    if whole.startswith("["):
        return Form.JSON
    if whole.startswith("{"):
        alone = [line for line in told if line.startswith("{") and told[0].endswith("}")]
        return Form.JSONL if any(map(_is_account, alone)) else Form.JSON
    return Form.CSV if header_of(told[0]) is not None else Form.TEXT


def _is_account(line: str) -> bool:
    value = _json(line)
    return isinstance(value, Mapping) and any(isinstance(value.get(name), str) for name in TOKEN_NAMES)


def _json(line: str) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None


def _of_lines(pieces: Iterable[str], reading: Reading) -> Iterator[Entry]:
    """One credential or one JSON account a line; `#` begins a comment."""
    for number, line in lines(pieces):
        where = f"line {number}"
        if line is None:
            yield Entry(where, error="is too long for a line with one account")
            continue
        text = line.strip().lstrip("\ufeff")
        if text and not text.startswith("#"):
            yield entry_of(Item(where, "", _json(text) if text[:1] in ("{", '"') else text), reading)


def _of_json(pieces: Iterable[str], reading: Reading) -> Iterator[Entry]:
    return (entry_of(item, reading) for item in json_items(pieces))


def _of_toml(pieces: Iterable[str], reading: Reading) -> Iterator[Entry]:
    return (entry_of(item, reading) for item in toml_items(pieces))


def _of_table(pieces: Iterable[str], reading: Reading) -> Iterator[Entry]:
    return (_row_entry(item, reading) for item in table_items(lines(pieces)))


def _row_entry(item: Item, reading: Reading) -> Entry:
    """The entry of a table's row. Only our own tables have cells that are more than words."""
    cells = item.value
    if not isinstance(cells, dict) or own.MARK not in cells:
        return entry_of(item, reading)
    try:
        return entry_of(item._replace(value=own.values_of(cells)), reading)
    except EntryError as error:
        return Entry(item.where, error=str(error))


def entry_of(item: Item, reading: Reading) -> Entry:
    """The entry of one account as it stands in a document, whoever wrote it."""
    value = item.value
    if item.error:
        return Entry(item.where, error=item.error)
    if isinstance(value, str):
        return made(item.where, value, item.pool or reading.pool, reading.tags)
    if not isinstance(value, Mapping) or not any(name in value for name in TOKEN_NAMES):
        return Entry(item.where, error="is neither a credential nor an object with a token")
    if own.MARK in value:
        return own.entry_of(item.where, value, item.pool or reading.pool, reading.tags)
    return neighbours.entry_of(item.where, value, item.pool, reading)


_READERS = {
    Form.TEXT: _of_lines,
    Form.JSONL: _of_lines,
    Form.JSON: _of_json,
    Form.CSV: _of_table,
    Form.TOML: _of_toml,
}
