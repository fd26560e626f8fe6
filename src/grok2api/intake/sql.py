"""Accounts in a database of chenyme/grok2api: SQLite, MySQL or MariaDB, PostgreSQL. Nothing is written to it.

The tables are told by their columns: `accounts` of version 2, `tokens` and `grok_tokens` of the versions before. Rows
come a few hundred at a time.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from grok2api.accounts.importing import Entry, Reading
from grok2api.accounts.importing.documents import json_items
from grok2api.accounts.importing.formats import entry_of as document_entry
from grok2api.accounts.importing.neighbours import entry_of
from grok2api.intake.errors import SourceError, shown

_ROWS = 500
_CONNECT_SEC = 10

_DRIVERS: Mapping[str, str] = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "pgsql": "postgresql+psycopg",
}
#: Tables by name, and the column that shows whose they are.
_RECORDS = (("accounts", "token"), ("tokens", "pool_name"))
_DOCUMENTS = ("grok_tokens", "data")


def entries(url: str, reading: Reading) -> Iterator[Entry]:
    """The accounts of the database at `url`. Raises `SourceError`."""
    try:
        engine = _engine(make_url(url))
    except (ArgumentError, ValueError):
        raise SourceError(f"{shown(url)} is no URL of a database") from None
    yield from _of_engine(engine, reading, shown(url))


def file_entries(path: str, reading: Reading) -> Iterator[Entry]:
    """The accounts of an SQLite file. Raises `SourceError`."""
    yield from _of_engine(_file(path), reading, path)


def _of_engine(engine: Engine, reading: Reading, name: str) -> Iterator[Entry]:
    try:
        with engine.connect() as connection:
            yield from _read(connection, reading, name)
    except SQLAlchemyError as error:
        raise SourceError(f"{name} cannot be read: {_reason(error)}") from None
    finally:
        engine.dispose()


def _engine(url: URL) -> Engine:
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise ValueError("unknown kind of database")
    if driver == "sqlite":
        if not url.database:
            raise ValueError("no file")
        return _file(url.database)
    query, options = dict(url.query), {"connect_timeout": _CONNECT_SEC}
    if driver.startswith("mysql"):
        query, secured = _mysql_tls(query)
        options |= secured
    elif "ssl" in query:
        query["sslmode"] = query.pop("ssl")
    return create_engine(url.set(drivername=driver, query=query), connect_args=options)


def _file(path: str) -> Engine:
    url = URL.create("sqlite", database=f"file:{quote(path)}", query={"mode": "ro", "uri": "true"})
    return create_engine(url, connect_args={"timeout": _CONNECT_SEC})


def _mysql_tls(query: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is left of the URL's options, and those about TLS as the driver wants them."""
    named = {name.lower().replace("-", "_"): value for name, value in query.items()}
    mode = str(named.pop("ssl_mode", named.pop("sslmode", named.pop("ssl", "")))).lower().replace("-", "_")
    files = {name[4:]: named.pop(name) for name in ("ssl_ca", "ssl_cert", "ssl_key") if name in named}
    if not files and mode in ("", "disabled", "disable", "false", "0", "no", "off", "preferred", "prefer"):
        return named, {}
    return named, {"ssl": {**files, "check_hostname": mode in ("verify_identity", "verify_full")}}


def _read(connection: Connection, reading: Reading, name: str) -> Iterator[Entry]:
    tables = {table: _columns(connection, table) for table, _ in (*_RECORDS, _DOCUMENTS)}
    if "sealed" in tables["accounts"]:
        raise SourceError(f"{name} is a store of this program, encrypted with its own key; use `accounts export` there")
    found = False
    for table, column in _RECORDS:
        if {"token", column} <= tables[table]:
            found = True
            yield from _records(connection, table, reading)
    if _DOCUMENTS[1] in tables[_DOCUMENTS[0]]:
        found = True
        yield from _documents(connection, reading)
    if not found:
        raise SourceError(f"{name} has no table of accounts that this version knows")


def _columns(connection: Connection, table: str) -> set[str]:
    inspector = inspect(connection)
    return {column["name"] for column in inspector.get_columns(table)} if inspector.has_table(table) else set()


def _records(connection: Connection, name: str, reading: Reading) -> Iterator[Entry]:
    for number, row in enumerate(_rows(connection, name), 1):
        yield entry_of(f"{name} row {number}", row, "", reading)


def _documents(connection: Connection, reading: Reading) -> Iterator[Entry]:
    """The accounts of the newest document of the oldest version."""
    newest: Mapping[str, Any] = {}
    for row in _rows(connection, _DOCUMENTS[0]):
        newest = max(newest, row, key=lambda one: one.get("id") or 0)
    data = newest.get("data") or "{}"
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    for item in json_items([text if isinstance(text, str) else json.dumps(text)]):
        yield document_entry(item, reading)


def _rows(connection: Connection, name: str) -> Iterator[Mapping[str, Any]]:
    table = Table(name, MetaData(), autoload_with=connection)
    result = connection.execution_options(stream_results=True, yield_per=_ROWS).execute(select(table))
    for row in result.mappings():
        yield {str(key): value for key, value in row.items()}


def _reason(error: SQLAlchemyError) -> str:
    """What went wrong, by kind: the driver's own text may hold the URL, and in it a password."""
    text = str(error).lower()
    for marker, words in _REASONS:
        if marker in text:
            return words
    return f"the database reports {type(getattr(error, 'orig', None) or error).__name__}"


_REASONS = (
    ("access denied", "the user or the password is wrong"),
    ("password", "the user or the password is wrong"),
    ("unknown database", "there is no such database"),
    ("does not exist", "there is no such database"),
    ("unable to open", "the file cannot be opened; copy it here together with its -wal and -shm files"),
    ("not a database", "it is no database, or it is damaged"),
    ("malformed", "it is damaged"),
    ("locked", "another program has locked it; stop that one, or copy the file"),
    ("connect", "the server does not answer; check host and port"),
)
