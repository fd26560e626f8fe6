"""Totals in the store. Several processes may add to the same ones; none reads before it adds."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import Connection, insert, select, update

from grok2api.storage.engine import Database
from grok2api.storage.rows import whole_number
from grok2api.storage.tables import counters


class CounterStore:
    """Totals by name. Every method raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> dict[str, int]:
        """Every total."""
        query = select(counters.c.name, counters.c.value)
        return await self._database.read(lambda connection: dict(connection.execute(query).all()))

    async def add(self, deltas: Mapping[str, int]) -> None:
        """Add to totals; those that are new begin at 0."""
        await self._database.write(lambda connection: _add(connection, deltas))


def _add(connection: Connection, deltas: Mapping[str, int]) -> None:
    # In order, so that two who add to the same totals wait for each other and are never in each other's way.
    for name, delta in sorted(deltas.items()):
        delta = whole_number(delta)
        mine = counters.c.name == name
        if not connection.execute(update(counters).where(mine).values(value=counters.c.value + delta)).rowcount:
            connection.execute(insert(counters).values(name=name, value=delta))


class Fresh(Protocol):
    """What was counted and is not written yet; see `observe.counters`."""

    def take_over(self, values: Mapping[str, int]) -> None: ...

    def drain(self) -> dict[str, int]: ...

    def give_back(self, deltas: Mapping[str, int]) -> None: ...


class CounterWriter:
    """Writes what was counted, as a part of writing behind, and reads what others have."""

    def __init__(self, fresh: Fresh, store: CounterStore) -> None:
        self._fresh = fresh
        self._store = store

    async def read(self) -> None:
        """Take over what others have counted. Raises `StoreError`."""
        self._fresh.take_over(await self._store.load())

    async def write(self) -> None:
        """Write what was counted since the last time. Raises `StoreError`; then it is written the next time.

        When this is cancelled, what has begun is waited for: only what was not written may be written again.
        """
        deltas = self._fresh.drain()
        if not deltas:
            return
        writing = asyncio.ensure_future(self._store.add(deltas))
        try:
            await asyncio.shield(writing)
        except BaseException:
            await asyncio.wait((writing,))
            if writing.exception() is not None:
                self._fresh.give_back(deltas)
            raise
