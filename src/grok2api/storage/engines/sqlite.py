"""SQLite: one file. Writers wait for each other inside SQLite, those of this process in their one thread.

A transaction that will write says so when it begins, because SQLite cannot promote a reader that others have
overtaken. `synchronous=FULL`: a write is acknowledged only when it would survive a power cut.
"""

from contextlib import nullcontext
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL

from grok2api.storage.engines.base import Engine, Fault, Patience

#: As long as the tries on a server take: another process may be importing very many accounts in one transaction.
_BUSY_SEC = 30

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
)


def _connect(url: URL, writes: bool, size: int, patience: Patience) -> sqlalchemy.Engine:
    engine = create_engine(url, pool_size=size, max_overflow=0, connect_args={"timeout": _BUSY_SEC})
    migrates = patience.answer is None
    event.listen(engine, "connect", lambda connection, _: _configure(connection, foreign_keys=not migrates))
    event.listen(engine, "begin", _begin_writing if writes else _begin_reading)
    return engine


def _configure(connection: Any, *, foreign_keys: bool) -> None:
    # The driver would begin transactions by itself, too late and never for DDL; `begin` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    # While a migration makes a table anew, dropping the old one must not take along what refers to it.
    for pragma in (*_PRAGMAS, f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}"):
        cursor.execute(pragma)
    cursor.close()


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


SQLITE = Engine(
    connect=_connect,
    alone=lambda _: nullcontext(),  # a transaction that writes is alone already
    code=lambda _error: "",
    faults=(
        Fault("is locked by another process; try again, or stop the other one", phrases=("locked",)),
        Fault("is read-only; make the file and its directory writable for this user", phrases=("readonly",)),
        Fault(
            "cannot be opened; check that its directory exists and is writable for this user",
            phrases=("unable to open",),
        ),
        Fault("is not a database, or is damaged; move it away or restore a backup", phrases=("not a database",)),
        Fault("is damaged; restore a backup, or recover it with `sqlite3 FILE .recover`", phrases=("malformed",)),
        Fault("cannot grow: the disk is full", phrases=("full",)),
        Fault("cannot be read or written: the disk reports an error", phrases=("disk i/o",)),
    ),
)
