"""The store of conversations: items in the order in which they came, and what a client noted about them.

Turns of one conversation may end at the same time, in several processes: each adds its items as a block, one after the
other, and none takes another's place.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from grok2api.canonical.stored import Conversation
from grok2api.storage.engine import Database
from grok2api.storage.packing import fitting, pack, unpacked
from grok2api.storage.reading import chunks
from grok2api.storage.tables import conversation_items as items
from grok2api.storage.tables import conversations

Item = Mapping[str, Any]


class ConversationStore:
    """The conversations in a database. Every method raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, conversation: Conversation, first: Sequence[Item] = ()) -> None:
        """Write a new one, with its first items."""
        rows = await asyncio.to_thread(_rows, conversation.id, first)
        values = {**msgspec.structs.asdict(conversation), "about": msgspec.json.encode(conversation.about).decode()}

        def work(connection: Connection) -> None:
            connection.execute(insert(conversations).values(values))
            _insert(connection, conversation.id, rows)

        await self._database.write(work)

    async def get(self, ident: str) -> Conversation | None:
        """The conversation of that id."""
        query = select(conversations).where(conversations.c.id == ident)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().one_or_none())
        return None if row is None else _conversation(row)

    async def note(self, ident: str, about: Mapping[str, str]) -> bool:
        """Write what is noted about one, in place of what was; whether it is there."""
        change = update(conversations).where(conversations.c.id == ident)
        values = {"about": msgspec.json.encode(about).decode()}
        return await self._database.write(lambda connection: connection.execute(change.values(values)).rowcount > 0)

    async def remove(self, ident: str) -> bool:
        """Forget one and its items; whether it was there."""
        gone = delete(conversations).where(conversations.c.id == ident)
        return await self._database.write(lambda connection: connection.execute(gone).rowcount > 0)

    async def append(self, ident: str, more: Sequence[Item], now: float, account: str | None = None) -> bool:
        """Add items, behind all that are there; one that is there already stays where it is. Whether it is there."""
        rows = await asyncio.to_thread(_rows, ident, more)
        return await self._database.write(lambda connection: _append(connection, ident, rows, now, account))

    async def page(self, ident: str, after: str | None, limit: int, *, newest_first: bool) -> list[Item] | None:
        """At most `limit` items behind the item `after`; None when there is no such item."""
        found = await self._database.read(
            lambda connection: _page(connection, ident, after, limit, newest_first=newest_first)
        )
        return None if found is None else await asyncio.to_thread(lambda: [unpacked(one) for one in found])

    async def whole(self, ident: str, most: int, largest: int) -> tuple[list[Item], int] | None:
        """All items, in order, and their bytes; None when they are more than `most`, or take more than `largest`."""
        found = await self._database.read(lambda connection: _whole(connection, ident, most, largest))
        if found is None:
            return None
        return await asyncio.to_thread(lambda: [unpacked(one) for one in found[0]]), found[1]

    async def item(self, ident: str, item: str) -> Item | None:
        """One item."""
        query = select(items.c.content).where(items.c.conversation == ident, items.c.item == item)
        found = await self._database.read(lambda connection: connection.scalar(query))
        return None if found is None else unpacked(found)

    async def drop(self, ident: str, item: str) -> bool:
        """Forget one item; whether it was there."""
        gone = delete(items).where(items.c.conversation == ident, items.c.item == item)
        return await self._database.write(lambda connection: connection.execute(gone).rowcount > 0)

    async def find(self, wanted: Collection[str], owner: str) -> dict[str, Item]:
        """Items by their ids, in whichever conversation of this owner they are."""
        found = await self._database.read(lambda connection: _find(connection, wanted, owner))
        return {ident: unpacked(content) for ident, content in found.items()}


def _append(connection: Connection, ident: str, rows: list[dict[str, Any]], now: float, account: str | None) -> bool:
    """The row of the conversation is written first: who adds at the same time waits until this is done."""
    values = {"used_at": now, **({} if account is None else {"account": account})}
    there = connection.execute(update(conversations).where(conversations.c.id == ident).values(values)).rowcount
    if there:
        _insert(connection, ident, rows)
    return there > 0


def _insert(connection: Connection, ident: str, rows: list[dict[str, Any]]) -> None:
    known: set[str] = set()
    for some in chunks([row["item"] for row in rows]):
        query = select(items.c.item).where(items.c.conversation == ident, items.c.item.in_(some))
        known.update(connection.scalars(query))
    fresh = {row["item"]: row for row in rows if row["item"] not in known}
    if fresh:
        connection.execute(insert(items), list(fresh.values()))


def _page(
    connection: Connection, ident: str, after: str | None, limit: int, *, newest_first: bool
) -> Sequence[bytes] | None:
    number = items.c.number
    query = select(items.c.content).where(items.c.conversation == ident).limit(limit)
    query = query.order_by(number.desc() if newest_first else number)
    if after is not None:
        last = connection.scalar(select(number).where(items.c.conversation == ident, items.c.item == after))
        if last is None:
            return None
        query = query.where(number < last if newest_first else number > last)
    return connection.scalars(query).all()


def _whole(connection: Connection, ident: str, most: int, largest: int) -> tuple[Sequence[bytes], int] | None:
    mine = items.c.conversation == ident
    count, size = connection.execute(select(func.count(), func.sum(items.c.size)).where(mine)).one()
    if count > most or (size or 0) > largest:
        return None
    return connection.scalars(select(items.c.content).where(mine).order_by(items.c.number)).all(), int(size or 0)


def _find(connection: Connection, wanted: Collection[str], owner: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for some in chunks(list(wanted)):
        query = select(items.c.item, items.c.content).join(conversations, conversations.c.id == items.c.conversation)
        query = query.where(items.c.item.in_(some), conversations.c.owner == owner)
        found.update((row.item, row.content) for row in connection.execute(query))
    return found


def _rows(ident: str, more: Sequence[Item]) -> list[dict[str, Any]]:
    return [_row(ident, item) for item in more]


def _row(ident: str, item: Item) -> dict[str, Any]:
    content = msgspec.json.encode(item)
    packed = pack(content)
    fitting(packed)
    return {"conversation": ident, "item": item["id"], "size": len(content), "content": packed}


def _conversation(row: Mapping[Any, Any]) -> Conversation:
    values = {name: row[name] for name in Conversation.__struct_fields__}
    return Conversation(**values | {"about": msgspec.json.decode(row["about"])})
