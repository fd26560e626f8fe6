"""The store of responses that clients may come back to.

A response that was answered at once is written whole, later and in batches (`put`). One that is worked on without its
client is written before there is an answer (`add`), and then by the process that holds it: a holder says so every few
seconds, learns that way who wants it to stop, and only its writes count.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Update, and_, delete, insert, literal, or_, select, update

from grok2api.canonical.recorded import Piece
from grok2api.canonical.stored import OVER, Chain, Stored
from grok2api.storage import frames
from grok2api.storage.engine import Database
from grok2api.storage.packing import fitting, pack, unpack, unpacked
from grok2api.storage.reading import chunks
from grok2api.storage.rows import text
from grok2api.storage.tables import responses

_OPEN = responses.c.status.not_in(sorted(OVER))

#: How many links of a chain are followed by one query.
_LINKS = 100


class Held(msgspec.Struct, frozen=True):
    """What a holder is told of its responses: those that are still its own, and those of them that are to stop."""

    mine: frozenset[str]
    cancelling: frozenset[str]


class ResponseStore:
    """The responses in a database. Every method raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, stored: Sequence[Stored]) -> None:
        """Write these whole, over what there is of the same ids; what streams have sent is left alone."""
        rows = await asyncio.to_thread(lambda: [_row(one) for one in stored])
        await self._database.write(lambda connection: _put(connection, rows))

    async def add(self, stored: Stored, pieces: Sequence[Piece] = ()) -> None:
        """Write a new one, and what its stream has sent already."""
        row = await asyncio.to_thread(_row, stored)
        await self._database.write(lambda connection: _add(connection, row, pieces))

    async def get(self, ident: str) -> Stored | None:
        """The response of that id."""
        query = select(responses).where(responses.c.id == ident)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().one_or_none())
        return None if row is None else await asyncio.to_thread(_stored, row)

    async def some(self, idents: Collection[str]) -> dict[str, Stored]:
        """Those of these ids that are there."""
        rows = await self._database.read(lambda connection: _some(connection, idents))
        return await asyncio.to_thread(lambda: {row["id"]: _stored(row) for row in rows})

    async def chain(self, ident: str, most: int, largest: int) -> Chain:
        """The response of that id and all before it: at most `most`, whose bodies take at most `largest` bytes."""
        found = await self._database.read(lambda connection: _chain(connection, ident, most, largest))
        if isinstance(found, Chain):
            return found
        rows, size, missing = found
        return Chain(await asyncio.to_thread(lambda: tuple(_stored(row) for row in rows)), size, missing)

    async def remove(self, ident: str) -> bool:
        """Forget one; whether there was one."""
        gone = delete(responses).where(responses.c.id == ident)
        return await self._database.write(lambda connection: connection.execute(gone).rowcount > 0)

    # --- those that somebody works on

    async def take(self, holder: str, now: float, until: float, most: int) -> list[Stored]:
        """Hold at most `most` that are not over and that nobody holds, the oldest first."""
        rows = await self._database.write(lambda connection: _take(connection, holder, now, until, most))
        return await asyncio.to_thread(lambda: [_stored(row) for row in rows])

    async def keep(self, stored: Stored, holder: str, pieces: Sequence[Piece] = ()) -> bool:
        """Write what has become of one, and what its stream has sent; false when `holder` does not hold it any more.

        One that is over is held no longer. `cancelling` is not written here.
        """
        row = await asyncio.to_thread(_row, stored)
        for name in ("id", "cancelling", "holder", "held_until"):
            del row[name]
        if stored.over:
            row |= {"holder": None, "held_until": 0.0}
        mine = and_(responses.c.id == stored.id, responses.c.holder == holder)
        change = update(responses).where(mine).values(row)
        return await self._database.write(lambda connection: _keep(connection, change, {stored.id: pieces}))

    async def hold(self, idents: Collection[str], holder: str, until: float) -> Held:
        """Hold these longer, those that `holder` still holds."""
        return await self._database.write(lambda connection: _hold(connection, idents, holder, until))

    async def ask_to_stop(self, ident: str) -> bool:
        """Tell whoever works on this one that it is to stop; whether it is there and not over."""
        change = update(responses).where(responses.c.id == ident, _OPEN).values(cancelling=True)
        return await self._database.write(lambda connection: connection.execute(change).rowcount > 0)

    async def record(self, pieces: Mapping[str, Sequence[Piece]]) -> None:
        """Keep what streams have sent, by the ids of their responses."""
        await self._database.write(lambda connection: frames.write(connection, pieces))

    async def frames(self, ident: str, place: int, most: int) -> list[Piece]:
        """At most `most` pieces of a stream, in order, from the one that holds the frame of that number on."""
        found = await self._database.read(lambda connection: frames.read(connection, ident, place, most))
        pieces = await asyncio.to_thread(lambda: [Piece.again(first, data) for first, data in found])
        return [piece for piece in pieces if piece.behind > place]

    async def expire_frames(self, before: float, most: int) -> int:
        """Forget what the streams of at most `most` responses have sent, when those began before then and are over."""
        return await self._database.write(lambda connection: frames.expire(connection, before, most))


def _add(connection: Connection, row: dict[str, Any], pieces: Sequence[Piece]) -> None:
    connection.execute(insert(responses).values(row))
    frames.write(connection, {row["id"]: pieces})


def _keep(connection: Connection, change: Update, pieces: Mapping[str, Sequence[Piece]]) -> bool:
    mine = connection.execute(change).rowcount == 1
    if mine:
        frames.write(connection, pieces)
    return mine


def _put(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    idents = [row["id"] for row in rows]
    known = {ident for some in chunks(idents) for ident in _ids(connection, some)}
    fresh = [row for row in rows if row["id"] not in known]
    if fresh:
        connection.execute(insert(responses), fresh)
    for row in rows:
        if row["id"] in known:
            connection.execute(update(responses).where(responses.c.id == row["id"]).values(row))


def _ids(connection: Connection, idents: Sequence[str]) -> Sequence[str]:
    return connection.scalars(select(responses.c.id).where(responses.c.id.in_(idents))).all()


def _some(connection: Connection, idents: Collection[str]) -> list[Mapping[Any, Any]]:
    return [
        row
        for some in chunks(list(idents))
        for row in connection.execute(select(responses).where(responses.c.id.in_(some))).mappings()
    ]


def _chain(
    connection: Connection, ident: str, most: int, largest: int
) -> Chain | tuple[list[Mapping[Any, Any]], int, str | None]:
    """The rows, the oldest first, their size, and what is missing before them. Bodies are read last."""
    order: list[str] = []
    size = 0
    wanted: str | None = ident
    while wanted is not None:
        links = _links(connection, wanted)
        for link in links:
            order.append(link["id"])
            size += link["size"]
        if len(order) > most or size > largest:
            return Chain(too_long=True)
        if not links:
            break
        wanted = links[-1]["previous"]
    rows = {row["id"]: row for row in _some(connection, order)}
    return [rows[ident] for ident in reversed(order)], size, wanted


def _links(connection: Connection, ident: str) -> Sequence[Mapping[Any, Any]]:
    """This response and those before it, backwards, without their bodies."""
    here = (responses.c.id, responses.c.previous, responses.c.size)
    first = select(*here, literal(1).label("depth")).where(responses.c.id == ident).cte("links", recursive=True)
    step = (
        select(*here, first.c.depth + 1).join(first, responses.c.id == first.c.previous).where(first.c.depth < _LINKS)
    )
    links = first.union_all(step)
    return connection.execute(select(links).order_by(links.c.depth)).mappings().all()


def _take(connection: Connection, holder: str, now: float, until: float, most: int) -> list[Mapping[Any, Any]]:
    free = and_(_OPEN, or_(responses.c.holder.is_(None), responses.c.held_until < now))
    query = select(responses.c.id).where(free).order_by(responses.c.created_at, responses.c.id).limit(most)
    mine = [
        ident
        for ident in connection.scalars(query).all()
        if connection.execute(
            update(responses).where(responses.c.id == ident, free).values(holder=holder, held_until=until)
        ).rowcount
    ]
    return sorted(_some(connection, mine), key=lambda row: (row["created_at"], row["id"]))


def _hold(connection: Connection, idents: Collection[str], holder: str, until: float) -> Held:
    mine = and_(responses.c.id.in_(list(idents)), responses.c.holder == holder)
    connection.execute(update(responses).where(mine).values(held_until=until))
    rows = connection.execute(select(responses.c.id, responses.c.cancelling).where(mine)).all()
    return Held(frozenset(row.id for row in rows), frozenset(row.id for row in rows if row.cancelling))


def _row(one: Stored) -> dict[str, Any]:
    bodies = {
        "input": msgspec.json.encode(one.input),
        "response": one.response,
        "kept": msgspec.json.encode(one.kept) if one.kept else b"",
    }
    packed = {name: pack(body) for name, body in bodies.items()}
    fitting(*packed.values())
    return {
        **msgspec.structs.asdict(one),
        "model": text(one.model),
        "sticky": None if one.sticky is None else text(one.sticky),
        "size": sum(len(body) for body in bodies.values()),
        **packed,
    }


def _stored(row: Mapping[Any, Any]) -> Stored:
    values = {name: row[name] for name in Stored.__struct_fields__}
    bodies = {
        "input": unpacked(row["input"]),
        "response": unpack(row["response"]),
        "kept": unpacked(row["kept"]) if row["kept"] else {},
    }
    return Stored(**values | bodies)
