"""Accounts out of the tables, whole, with bounded memory: functions of a connection."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, or_, select

from grok2api.accounts.model import Account, Rest, Source, Window
from grok2api.storage.rows import account_from
from grok2api.storage.secrets import Vault
from grok2api.storage.tables import accounts, rests, tags, windows

T = TypeVar("T")

#: Values in one statement; engines limit them.
CHUNK = 500

ALIVE = accounts.c.deleted_at == 0


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    everything = values if isinstance(values, Sequence) else list(values)
    for start in range(0, len(everything), size):
        yield list(everything[start : start + size])


def by_ids(connection: Connection, vault: Vault, ids: Iterable[str], *, gone: bool = False) -> Iterator[list[Account]]:
    """The accounts with these ids, some at a time, in no order; those that were removed only when `gone` is true.

    Nothing but the id is asked for: databases that know nothing of the rows yet would take a longer way.
    """
    for some in chunks(ids):
        rows = connection.execute(select(accounts).where(accounts.c.id.in_(some))).all()
        yield _whole(connection, vault, [row for row in rows if gone or not row.deleted_at])


def alive(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of these ids whose accounts are there."""
    found: set[str] = set()
    for some in chunks(ids):
        rows = connection.execute(select(accounts.c.id, accounts.c.deleted_at).where(accounts.c.id.in_(some)))
        found.update(row.id for row in rows if not row.deleted_at)
    return found


def by_age(
    connection: Connection, vault: Vault, conditions: Sequence[ColumnElement[bool]], after: Account | None, size: int
) -> list[Account]:
    """The next `size` accounts that fit, the oldest first, from the one after `after` on."""
    if after is not None:
        conditions = [
            *conditions,
            accounts.c.created_at >= after.created_at,
            or_(accounts.c.created_at > after.created_at, accounts.c.id > after.id),
        ]
    query = select(accounts).where(*conditions).order_by(accounts.c.created_at, accounts.c.id).limit(size)
    return _whole(connection, vault, connection.execute(query).all())


def every(connection: Connection, vault: Vault, *conditions: ColumnElement[bool]) -> Iterator[Account]:
    """All accounts that are there and fit, the oldest first."""
    last: Account | None = None
    while True:
        found = by_age(connection, vault, (ALIVE, *conditions), last, 4 * CHUNK)
        yield from found
        if len(found) < 4 * CHUNK:
            return
        last = found[-1]


def _whole(connection: Connection, vault: Vault, rows: Sequence[Any]) -> list[Account]:
    words, left, paused = _parts(connection, [row.id for row in rows])
    return [account_from(row, tuple(words[row.id]), left[row.id], paused[row.id], vault) for row in rows]


Parts = tuple[defaultdict[str, list[str]], defaultdict[str, dict[str, Window]], defaultdict[str, dict[str, Rest]]]


def _parts(connection: Connection, ids: Sequence[str]) -> Parts:
    """Tags, windows and rests by account."""
    words: defaultdict[str, list[str]] = defaultdict(list)
    left: defaultdict[str, dict[str, Window]] = defaultdict(dict)
    paused: defaultdict[str, dict[str, Rest]] = defaultdict(dict)
    t, w, r = tags.c, windows.c, rests.c
    for some in chunks(ids):
        mine = select(t.account_id, t.tag).where(t.account_id.in_(some)).order_by(t.account_id, t.place)
        for ident, tag in connection.execute(mine).all():
            words[ident].append(tag)
        columns = (w.account_id, w.mode, w.remaining, w.total, w.window_sec, w.resets_at, w.source)
        rows = connection.execute(select(*columns).where(w.account_id.in_(some))).all()
        for ident, mode, remaining, total, length, resets_at, source in rows:
            left[ident][sys.intern(mode)] = Window(remaining, total, length, resets_at, Source(source))
        pauses = (r.account_id, r.mode, r.until, r.since, r.probe_at, r.count, r.reason)
        for ident, mode, *values in connection.execute(select(*pauses).where(r.account_id.in_(some))).all():
            paused[ident][sys.intern(mode)] = Rest(*values)
    return words, left, paused
