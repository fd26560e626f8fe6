"""A source by its name: a file, `-`, or a URL of a server or a database file.

Which reader is needed is a table, and only that one is loaded: most installations never touch another's database.
Reading is lazy and blocks; whoever takes the entries decides how many are in memory.
"""

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from grok2api.accounts.importing import Entry, Form, Reading, read
from grok2api.intake.errors import SourceError, shown

_CHUNK = 65_536
_SQLITE_MAGIC = b"SQLite format 3\x00"

_SQL = ("grok2api.intake.sql", "entries")
_SQLITE_FILE = ("grok2api.intake.sql", "file_entries")
_REDIS = ("grok2api.intake.redis", "entries")
#: Scheme of a URL, up to a `+driver` -> module and name of its reader.
READERS: Mapping[str, tuple[str, str]] = {
    "mariadb": _SQL,
    "mysql": _SQL,
    "pgsql": _SQL,
    "postgres": _SQL,
    "postgresql": _SQL,
    "redis": _REDIS,
    "rediss": _REDIS,
    "sqlite": _SQL,
    "unix": _REDIS,
    "valkey": _REDIS,
    "valkeys": _REDIS,
}


class Reader(Protocol):
    """The entries of a server or a database, by its URL or path. Raises `SourceError`."""

    def __call__(self, name: str, reading: Reading) -> Iterator[Entry]: ...


def entries(source: str, reading: Reading, form: Form = Form.AUTO) -> Iterator[Entry]:
    """The entries of a source, as they are asked for. Raises `SourceError`."""
    scheme, url, _ = source.partition("://")
    if url:
        return _server(scheme, source)(source, reading)
    if source == "-":
        return _of_file(sys.stdin.buffer, reading, form)
    return _of_path(Path(source), reading, form)


def _server(scheme: str, source: str) -> Reader:
    found = READERS.get(scheme.partition("+")[0].lower())
    if found is None:
        raise SourceError(f"{shown(source)} cannot be read; a source is a file, - or one of {', '.join(READERS)}://…")
    return _reader(*found)


def _reader(module: str, name: str) -> Reader:
    return cast("Reader", getattr(import_module(module), name))


def _of_path(path: Path, reading: Reading, form: Form) -> Iterator[Entry]:
    try:
        with path.open("rb") as file:
            if file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC:
                yield from _reader(*_SQLITE_FILE)(str(path), reading)
                return
            file.seek(0)
            yield from _of_file(file, reading, form)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None


def _of_file(file: BinaryIO, reading: Reading, form: Form) -> Iterator[Entry]:
    return read(iter(lambda: file.read(_CHUNK), b""), reading, form)
