"""Forgetting what clients left here: what is too old, and the oldest when there is too much.

A chain of responses goes as a whole, and so does a conversation; either is as old as its newest part.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select

from grok2api.storage.engine import Database
from grok2api.storage.reading import chunks
from grok2api.storage.tables import conversation_items, conversations, response_frames, responses

#: Chains and conversations that are forgotten in one transaction.
_STEP = 100


class Retention:
    """What is done from time to time. Every method raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def size(self) -> int:
        """Bytes that the bodies take, before they are compressed."""
        return await self._database.read(_size)

    async def expire(self, before: float) -> int:
        """Forget all of which nothing is newer than that; how many chains and conversations it was."""
        gone = 0
        while step := await self._database.write(lambda connection: _expire(connection, before)):
            gone += step
        return gone

    async def trim(self, most: int) -> int:
        """Forget the oldest until the bodies take at most so many bytes; how many chains and conversations it was."""
        gone = 0
        while step := await self._database.write(lambda connection: _trim(connection, most)):
            gone += step
        return gone


def _size(connection: Connection) -> int:
    tables = (responses, response_frames, conversation_items)
    return sum(int(connection.scalar(select(func.sum(table.c.size))) or 0) for table in tables)


def _expire(connection: Connection, before: float) -> int:
    chains: Sequence[str] = ()
    if connection.scalar(select(responses.c.id).where(responses.c.created_at < before).limit(1)) is not None:
        last = func.max(responses.c.created_at)
        query = select(responses.c.root).group_by(responses.c.root).having(last < before).limit(_STEP)
        chains = connection.scalars(query).all()
    old = select(conversations.c.id).where(conversations.c.used_at < before).limit(_STEP)
    talks = connection.scalars(old).all()
    _forget(connection, chains, talks)
    return len(chains) + len(talks)


def _trim(connection: Connection, most: int) -> int:
    """One step: as many of the oldest as are needed, of a bounded number."""
    excess = _size(connection) - most
    if excess <= 0:
        return 0
    chains: list[str] = []
    talks: list[str] = []
    for _, ident, size, is_chain in sorted([*_oldest_chains(connection), *_oldest_talks(connection)]):
        if excess <= 0 or len(chains) + len(talks) >= _STEP:
            break
        excess -= size
        (chains if is_chain else talks).append(ident)
    _forget(connection, chains, talks)
    return len(chains) + len(talks)


def _oldest_chains(connection: Connection) -> list[tuple[float, str, int, bool]]:
    last, size = func.max(responses.c.created_at), func.sum(responses.c.size)
    query = select(responses.c.root, last, size).group_by(responses.c.root).order_by(last, responses.c.root)
    return [(at, root, int(size), True) for root, at, size in connection.execute(query.limit(_STEP))]


def _oldest_talks(connection: Connection) -> list[tuple[float, str, int, bool]]:
    size = select(func.sum(conversation_items.c.size)).where(conversation_items.c.conversation == conversations.c.id)
    query = select(conversations.c.used_at, conversations.c.id, size.scalar_subquery())
    query = query.order_by(conversations.c.used_at, conversations.c.id).limit(_STEP)
    return [(at, ident, int(size or 0), False) for at, ident, size in connection.execute(query)]


def _forget(connection: Connection, chains: Sequence[str], talks: Sequence[str]) -> None:
    for some in chunks(chains):
        connection.execute(delete(responses).where(responses.c.root.in_(some)))
    for some in chunks(talks):
        connection.execute(delete(conversations).where(conversations.c.id.in_(some)))
