"""The database: connections, transactions, and errors that say what to do.

A transaction is a function of a connection, run whole in a thread: nothing of another task can come between its
statements, and the event loop never waits for a disk. Writers have one thread, so those of this process queue
instead of colliding; writers of other processes (the command line) wait in SQLite. A transaction that will write
says so when it begins, because SQLite cannot promote a reader that others have overtaken. `synchronous=FULL`: a
write is acknowledged only when it would survive a power cut, and the hot path waits for none.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from grok2api.storage.errors import StoreError

T = TypeVar("T")
Work = Callable[[Connection], T]

_BUSY_TIMEOUT_SEC = 15
_READERS = 2
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)


class Database:
    """One SQLite file. Opening is lazy: the first transaction connects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = create_engine(
            f"sqlite:///{path}", pool_size=_READERS + 1, max_overflow=0, connect_args={"timeout": _BUSY_TIMEOUT_SEC}
        )
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")

    async def read(self, work: Work[T]) -> T:
        """What `work` reads, in one consistent view. Raises `StoreError`."""
        return await self._run(self._readers, work, writes=False)

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, committed; nothing of it stays when it raises. Raises `StoreError`."""
        return await self._run(self._writer, work, writes=True)

    async def _run(self, executor: Executor, work: Work[T], *, writes: bool) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, self._transaction, work, writes)

    def _transaction(self, work: Work[T], writes: bool) -> T:
        try:
            with self._engine.connect().execution_options(writes=writes) as connection, connection.begin():
                return work(connection)
        except DBAPIError as error:
            raise explained(self.path, error.orig or error) from None
        except SQLAlchemyError as error:
            raise explained(self.path, error) from None

    async def close(self) -> None:
        """Wait for what runs and close every connection."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._engine.dispose()


def _configure(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, too late and never for DDL; `_begin` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


#: What SQLite says, and what the operator can do about it; first match.
_ADVICE = (
    ("locked", "is locked by another process; try again, or stop the other one"),
    ("readonly", "is read-only; make the file and its directory writable for this user"),
    ("unable to open", "cannot be opened; check that its directory exists and is writable for this user"),
    ("not a database", "is not a database, or is damaged; move it away or restore a backup"),
    ("malformed", "is damaged; restore a backup, or recover it with `sqlite3 FILE .recover`"),
    ("full", "cannot grow: the disk is full"),
    ("disk i/o", "cannot be read or written: the disk reports an error"),
)


def explained(path: Path, error: BaseException) -> StoreError:
    """The `StoreError` for what the driver said. The driver's own text is not repeated: it may hold values."""
    said = str(error).lower()
    for marker, advice in _ADVICE:
        if marker in said:
            return StoreError(f"The store {path} {advice}.")
    return StoreError(f"The store {path} failed ({type(error).__name__}).")
