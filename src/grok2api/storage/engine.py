"""The database: transactions, and errors that say what to do.

A transaction is a function of a connection, run whole in a thread: nothing of another task can come between its
statements, and the event loop never waits for a disk or a server. Writers have one thread, so those of this process
queue instead of colliding; writers of other processes wait in the database. What came to nothing because of them is
run again. A database that is away is found out within seconds, and those who were waiting for it are told at once.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

import msgspec
import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError

from grok2api.storage.address import Address
from grok2api.storage.engines import engine_of
from grok2api.storage.engines.base import Fault, Patience
from grok2api.storage.errors import RefusedValues, StoreError

T = TypeVar("T")
Work = Callable[[Connection], T]

_READERS = 2
#: How often a transaction is begun when others were in its way, and how long at most it stays out of theirs.
_TRIES = 7
_PAUSE_SEC = 0.1


#: What is about a statement's values, and not about the database; or about others who were first, which passes.
_REFUSED = (DataError, IntegrityError, ProgrammingError)


class _Side(msgspec.Struct, frozen=True):
    """Connections for one kind of transaction, and as many threads that use them."""

    engine: sqlalchemy.Engine
    threads: ThreadPoolExecutor

    def close(self) -> None:
        self.threads.shutdown()
        self.engine.dispose()


class Database:
    """One database. Opening is lazy: the first transaction connects."""

    def __init__(self, address: Address, patience: Patience = Patience()) -> None:  # noqa: B008 - frozen
        self.address = address
        self._kind = engine_of(address.engine)
        self._reading = self._side("reader", _READERS, patience)
        self._writing = self._side("writer", 1, patience)
        self._closing = threading.Event()
        self._away: tuple[float, str] = (0.0, "")

    def _side(self, name: str, size: int, patience: Patience) -> _Side:
        engine = self._kind.connect(self.address.url, name == "writer", size, patience)
        return _Side(engine, ThreadPoolExecutor(size, thread_name_prefix=f"store-{name}"))

    async def read(self, work: Work[T]) -> T:
        """What `work` reads, in one consistent view. Raises `StoreError`."""
        return await self._run(self._reading, work)

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, committed; nothing of it stays when it raises. Raises `StoreError`.

        `work` may be run more than once, each time on what the database then holds.
        """
        return await self._run(self._writing, work)

    def alone(self, connection: Connection) -> AbstractContextManager[None]:
        """A context of `connection` that no other process is in at the same time; for changing the schema."""
        return self._kind.alone(connection)

    async def _run(self, side: _Side, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(side.threads, self._transaction, side.engine, work, time.monotonic())

    def _transaction(self, engine: sqlalchemy.Engine, work: Work[T], asked: float) -> T:
        since, reason = self._away
        if since >= asked:
            raise StoreError(reason)
        for tries in range(1, _TRIES + 1):
            try:
                with self._connected(engine) as connection, connection.begin():
                    return work(connection)
            except SQLAlchemyError as error:
                fault, said = self._explained(error)
                if fault is None or not fault.again or tries == _TRIES:
                    refused = isinstance(error, _REFUSED) and (fault is None or fault.again)
                    raise (RefusedValues if refused else StoreError)(said) from None
                self._closing.wait(random.uniform(0, _PAUSE_SEC * tries))  # noqa: S311
        raise AssertionError("the last try returns or raises")

    def _connected(self, engine: sqlalchemy.Engine) -> Connection:
        """A connection. When there is none, those who wait for one too are told the same at once."""
        try:
            return engine.connect()
        except Exception as error:  # drivers raise what they like when they cannot connect
            _, said = self._explained(error, "cannot be connected to: see the options in storage.url")
            self._away = time.monotonic(), said
            raise StoreError(said) from None

    def _explained(self, error: Exception, otherwise: str = "failed") -> tuple[Fault | None, str]:
        """What is known of an error, and the one line that says it.

        The driver's own text is not repeated: it may hold values, and the password.
        """
        original = getattr(error, "orig", None) or error
        fault = self._kind.fault(original)
        advice = fault.advice if fault else f"{otherwise} ({type(original).__name__})"
        return fault, f"The store {self.address.name} {advice}."

    async def close(self) -> None:
        """Wait for what runs and close every connection."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._closing.set()
        for side in (self._writing, self._reading):
            side.close()
