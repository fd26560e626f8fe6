"""The audit: what was changed by hand, by whom, and what it takes to undo it for a day.

For each account a change keeps what the account was, as far as the change touched it, and nothing else: undoing puts
that back and leaves alone what others changed since. Counters are never put back. Credentials stay sealed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, delete, insert, select, update

from grok2api.accounts.model import DAY, Account, Kind, Rest, State, Window
from grok2api.accounts.query import Note
from grok2api.catalog import Tier
from grok2api.storage.errors import StoreConflict
from grok2api.storage.reading import CHUNK
from grok2api.storage.rows import text
from grok2api.storage.secrets import Vault
from grok2api.storage.tables import audit, audit_items

#: How long a change can be undone, and how long it is remembered.
UNDO_SEC = float(DAY)
KEPT_SEC = 180.0 * DAY

_ACTION = 64


class Before(msgspec.Struct, omit_defaults=True):
    """What an account was. there: whether it was; for accounts that were added or removed."""

    there: bool | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    tier: Tier | UnsetType = UNSET
    state: State | UnsetType = UNSET
    state_reason: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    windows: Mapping[str, Window] | UnsetType = UNSET
    rests: Mapping[str, Rest] | UnsetType = UNSET
    health: float | UnsetType = UNSET
    strikes: tuple[float, ...] | UnsetType = UNSET
    last_error: str | UnsetType = UNSET
    last_error_at: float | UnsetType | None = UNSET
    user_id: str | UnsetType | None = UNSET
    sealed: bytes | UnsetType = UNSET

    @property
    def fields(self) -> dict[str, Any]:
        """What to put back into an account, its credential apart."""
        named = {name: getattr(self, name) for name in _FIELDS}
        return {name: value for name, value in named.items() if value is not UNSET}


_FIELDS = tuple(name for name in Before.__struct_fields__ if name not in ("there", "sealed"))

_before = msgspec.json.Decoder(Before)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the audit. count: accounts. undo_until: None for what cannot be undone."""

    id: int
    at: float
    actor: str
    action: str
    detail: str
    count: int
    undone_at: float | None
    undo_until: float | None

    def can_be_undone(self, now: float) -> bool:
        return self.undone_at is None and self.undo_until is not None and now <= self.undo_until


def difference(old: Account, new: Account, vault: Vault, there: bool | UnsetType = UNSET) -> Before:
    """What `old` had that `new` has not. Windows belong to the tier: only a move changes them."""
    found: dict[str, Any] = {
        name: getattr(old, name)
        for name in _FIELDS
        if getattr(old, name) != getattr(new, name) and (name != "windows" or old.tier is not new.tier)
    }
    sealed = UNSET if old.secret == new.secret else vault.seal(old.secret, old.id)
    return Before(there=there, sealed=sealed, **found)


def begin(connection: Connection, note: Note | None, *, undoable: bool = True) -> int | None:
    """A new entry, for `keep` and `finish`; None when the change is not to be noted."""
    if note is None:
        return None
    row = {
        "at": note.at,
        "actor": text(note.actor)[:_ACTION],
        "action": text(note.action)[:_ACTION],
        "detail": text(note.detail),
        "count": 0,
        "undo_until": note.at + UNDO_SEC if undoable else None,
    }
    (ident,) = connection.execute(insert(audit).values(row)).inserted_primary_key or (None,)
    return None if ident is None else int(ident)


def keep(connection: Connection, ident: int | None, items: Iterable[tuple[str, Before]]) -> None:
    """Keep what these accounts were before the change."""
    if ident is None:
        return
    rows = [
        {"audit_id": ident, "account_id": account_id, "before": msgspec.json.encode(before)}
        for account_id, before in items
        if before != Before()
    ]
    if rows:
        connection.execute(insert(audit_items), rows)


def finish(connection: Connection, ident: int | None, count: int) -> int | None:
    """Close the entry; a change of nothing leaves none."""
    if ident is None:
        return None
    mine = audit.c.id == ident
    if not count:
        connection.execute(delete(audit).where(mine))
        return None
    connection.execute(update(audit).where(mine).values(count=count))
    return ident


def entries(connection: Connection, limit: int, before_id: int | None) -> list[Change]:
    """The newest entries first, from the one before `before_id` on."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(audit.c.id < before_id)
    return [Change(**row) for row in connection.execute(query).mappings()]


def take_back(connection: Connection, ident: int, now: float) -> Change:
    """Mark the entry as undone. Raises `StoreConflict` when it cannot be."""
    row = connection.execute(select(audit).where(audit.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise StoreConflict(f"No change has the number {ident}.")
    change = Change(**row)
    if change.undone_at is not None:
        raise StoreConflict(f"Change {ident} was undone already.")
    if not change.can_be_undone(now):
        raise StoreConflict(f"Change {ident} can no longer be undone; that is possible for a day.")
    connection.execute(update(audit).where(audit.c.id == ident).values(undone_at=now))
    return change


def items_of(connection: Connection, ident: int) -> Iterator[dict[str, Before]]:
    """What each account of a change was, some at a time."""
    columns = (audit_items.c.account_id, audit_items.c.before)
    query = select(*columns).where(audit_items.c.audit_id == ident).order_by(audit_items.c.account_id).limit(CHUNK)
    last = ""
    while found := connection.execute(query.where(audit_items.c.account_id > last)).all():
        last = found[-1].account_id
        yield {account_id: _before.decode(before) for account_id, before in found}


def forget(connection: Connection, now: float) -> None:
    """Drop what can no longer be undone, and entries that are too old."""
    late = select(audit_items.c.audit_id).join(audit).where(audit.c.undo_until < now).distinct()
    for ident in connection.scalars(late).all():
        connection.execute(delete(audit_items).where(audit_items.c.audit_id == ident))
    connection.execute(delete(audit).where(audit.c.at < now - KEPT_SEC))
