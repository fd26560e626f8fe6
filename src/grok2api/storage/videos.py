"""The store of films: each is written before its next step, so that a process that dies leaves no doubt.

Whoever works on a film holds it for some seconds at a time, and only the holder writes its course. A film whose holder
is silent may be taken by another process; the first one then finds out and stops. What is read needs no holding.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from grok2api.canonical.film import Film, Status
from grok2api.canonical.media import Checkpoint
from grok2api.storage.engine import Database
from grok2api.storage.rows import text
from grok2api.storage.tables import videos

_OPEN = videos.c.status.in_([status.value for status in Status if not status.over])
_COURSE = ("status", "progress", "account", "checkpoint", "file", "error_code", "error_message", "completed_at")

_checkpoint = msgspec.json.Decoder(Checkpoint)


class VideoStore:
    """The films in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, film: Film) -> Film:
        """Write a new film; the film that has its key already, when there is one. Raises `StoreError`."""
        return await self._database.write(lambda connection: _add(connection, film))

    async def get(self, ident: str) -> Film | None:
        """The film of that id. Raises `StoreError`."""
        return await self._database.read(lambda connection: _one(connection, ident))

    async def ordered(self, key: str) -> Film | None:
        """The film that was ordered with this key. Raises `StoreError`."""
        query = select(videos).where(videos.c.key == key)
        return await self._database.read(lambda connection: _first(connection.execute(query).mappings().all()))

    async def page(self, after: str | None, limit: int, *, newest_first: bool) -> list[Film]:
        """At most `limit` films behind the film `after`, by when they were ordered. Raises `StoreError`."""
        return await self._database.read(lambda connection: _page(connection, after, limit, newest_first=newest_first))

    async def take(self, holder: str, now: float, until: float, most: int) -> list[Film]:
        """Hold at most `most` films that are not over and that nobody holds, the oldest first. Raises `StoreError`."""
        return await self._database.write(lambda connection: _take(connection, holder, now, until, most))

    async def keep(self, film: Film, holder: str) -> bool:
        """Write how far a film has come; false when `holder` does not hold it any more. Raises `StoreError`."""
        mine = and_(videos.c.id == film.id, videos.c.holder == holder)
        course = {name: _row(film)[name] for name in _COURSE}
        return await self._database.write(
            lambda connection: connection.execute(update(videos).where(mine).values(course)).rowcount == 1
        )

    async def hold(self, progress: Mapping[str, int], holder: str, until: float) -> set[str]:
        """Write the progress of films and hold them longer; those that `holder` still holds. Raises `StoreError`."""
        return await self._database.write(lambda connection: _hold(connection, progress, holder, until))

    async def let_go(self, holder: str, idents: Collection[str]) -> None:
        """Hold these films no longer. Raises `StoreError`."""
        mine = and_(videos.c.id.in_(list(idents)), videos.c.holder == holder)
        await self._database.write(
            lambda connection: connection.execute(update(videos).where(mine).values(holder=None, held_until=0.0))
        )

    async def remove(self, ident: str) -> Film | None:
        """Forget a film, over or not; what it was. Raises `StoreError`."""
        return await self._database.write(lambda connection: _remove(connection, ident))

    async def expire(self, before: float, most: int) -> list[Film]:
        """Forget at most `most` films that were over before then; what they were. Raises `StoreError`."""
        return await self._database.write(lambda connection: _expire(connection, before, most))

    async def uses(self, file: str) -> bool:
        """Whether a film has this file. Raises `StoreError`."""
        query = select(videos.c.id).where(videos.c.file == file).limit(1)
        return await self._database.read(lambda connection: connection.scalar(query) is not None)

    async def unfinished(self) -> int:
        """How many films are not over. Raises `StoreError`."""
        query = select(videos.c.id).where(_OPEN)
        return await self._database.read(lambda connection: len(connection.scalars(query).all()))


def _add(connection: Connection, film: Film) -> Film:
    """A key is unique: of two orders that come at once, in whichever process, one is told the other's film."""
    try:
        with connection.begin_nested():
            connection.execute(insert(videos).values(_row(film)))
    except IntegrityError:
        query = select(videos).where(videos.c.key == film.key, videos.c.key.is_not(None))
        known = _first(connection.execute(query).mappings().all())
        if known is None:
            raise
        return known
    return film


def _one(connection: Connection, ident: str) -> Film | None:
    return _first(connection.execute(select(videos).where(videos.c.id == ident)).mappings().all())


def _page(connection: Connection, after: str | None, limit: int, *, newest_first: bool) -> list[Film]:
    age, ident = videos.c.created_at, videos.c.id
    query = select(videos).limit(limit)
    query = query.order_by(age.desc(), ident.desc()) if newest_first else query.order_by(age, ident)
    if after is not None:
        last = _one(connection, after)
        if last is None:
            return []
        if newest_first:
            query = query.where(or_(age < last.created_at, and_(age == last.created_at, ident < last.id)))
        else:
            query = query.where(or_(age > last.created_at, and_(age == last.created_at, ident > last.id)))
    return [_film(row) for row in connection.execute(query).mappings()]


def _take(connection: Connection, holder: str, now: float, until: float, most: int) -> list[Film]:
    free = and_(_OPEN, or_(videos.c.holder.is_(None), videos.c.held_until < now))
    query = select(videos.c.id).where(free).order_by(videos.c.created_at, videos.c.id).limit(most)
    mine = [
        ident
        for ident in connection.scalars(query).all()
        if connection.execute(
            update(videos).where(videos.c.id == ident, free).values(holder=holder, held_until=until)
        ).rowcount
    ]
    rows = connection.execute(select(videos).where(videos.c.id.in_(mine)).order_by(videos.c.created_at)).mappings()
    return [_film(row) for row in rows]


def _hold(connection: Connection, progress: Mapping[str, int], holder: str, until: float) -> set[str]:
    return {
        ident
        for ident, percent in progress.items()
        if connection.execute(
            update(videos)
            .where(videos.c.id == ident, videos.c.holder == holder)
            .values(progress=percent, held_until=until)
        ).rowcount
    }


def _remove(connection: Connection, ident: str) -> Film | None:
    found = _one(connection, ident)
    gone = connection.execute(delete(videos).where(videos.c.id == ident)).rowcount
    return found if gone else None


def _expire(connection: Connection, before: float, most: int) -> list[Film]:
    query = select(videos).where(videos.c.completed_at < before).order_by(videos.c.completed_at).limit(most)
    found = [_film(row) for row in connection.execute(query).mappings()]
    connection.execute(delete(videos).where(videos.c.id.in_([film.id for film in found])))
    return found


def _row(film: Film) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(film),
        "prompt": text(film.prompt),
        "model": text(film.model),
        "status": film.status.value,
        "checkpoint": msgspec.json.encode(film.checkpoint).decode(),
        "error_message": text(film.error_message),
    }


def _film(row: Mapping[Any, Any]) -> Film:
    values = {name: row[name] for name in Film.__struct_fields__}
    return Film(**values | {"status": Status(row["status"]), "checkpoint": _checkpoint.decode(row["checkpoint"])})


def _first(rows: Sequence[Mapping[Any, Any]]) -> Film | None:
    return _film(rows[0]) if rows else None
