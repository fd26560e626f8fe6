"""Administrative writes: functions of a connection, each a whole transaction.

Each moves the revision on, so that running servers take it over, and is noted in the audit when a note is given. Work
is done for some accounts at a time; memory stays bounded for a hundred thousand.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from grok2api.accounts.model import DAY, Account
from grok2api.accounts.query import Note
from grok2api.storage import audit
from grok2api.storage.audit import Before, difference
from grok2api.storage.errors import StoreConflict
from grok2api.storage.identity import Owner, claim, keys_of, owners
from grok2api.storage.reading import alive, by_ids, chunks
from grok2api.storage.rows import stored
from grok2api.storage.secrets import Vault
from grok2api.storage.tables import accounts, meta
from grok2api.storage.writing import (
    clear_parts,
    insert_whole,
    locked,
    next_revision,
    remove_rows,
    set_revision,
    update_whole,
)

#: How long an account that was removed is kept.
KEPT_SEC = float(DAY)

_PURGED = select(meta.c.value).where(meta.c.name == "purged")

replace = msgspec.structs.replace


class Added(msgspec.Struct, frozen=True):
    """What `add` did.

    added: the accounts that are new. known: the ids of those that were there already, one for each time they came.
    restored: the ids of those among `added` that had been removed, and are back under their old id.
    """

    added: tuple[Account, ...]
    known: tuple[str, ...]
    restored: tuple[str, ...] = ()
    change_id: int | None = None


class Changed(msgspec.Struct, frozen=True):
    """The accounts as they are now, and the number of the change, by which it can be undone; None without a note."""

    accounts: tuple[Account, ...]
    change_id: int | None = None


class Removed(msgspec.Struct, frozen=True):
    """How many there were, and the number of the change; None without a note, or when there were none."""

    count: int
    change_id: int | None = None


class Replaced(msgspec.Struct, frozen=True):
    """The accounts that are new, and the number of the change."""

    added: tuple[Account, ...]
    change_id: int | None = None


class Undone(msgspec.Struct, frozen=True):
    """How many accounts were put back, and the ids of those that could not be."""

    count: int
    skipped: tuple[str, ...] = ()


def add(connection: Connection, vault: Vault, fresh: Sequence[Account], note: Note | None) -> Added:
    """Store new accounts; one whose credential or user is there already is left as it is (P11)."""
    revision = next_revision(connection, vault)
    entry = audit.begin(connection, note)
    added, known, restored = _add(connection, vault, fresh, revision, entry)
    if added:
        set_revision(connection, revision)
    return Added(tuple(added), tuple(known), tuple(restored), audit.finish(connection, entry, len(added)))


def _add(
    connection: Connection, vault: Vault, fresh: Sequence[Account], revision: int, entry: int | None
) -> tuple[list[Account], list[str], list[str]]:
    added: list[Account] = []
    known: list[str] = []
    restored: list[str] = []
    for some in chunks(fresh):
        new, back, there = _sorted_out(connection, vault, [stored(account, revision) for account in some])
        insert_whole(connection, vault, new)
        update_whole(connection, vault, back)
        audit.keep(connection, entry, ((account.id, Before(there=False)) for account in new))
        audit.keep(connection, entry, ((old.id, difference(old, now, vault, there=False)) for old, now in back))
        added += (*new, *(now for _, now in back))
        known += there
        restored += (old.id for old, _ in back)
    return added, known, restored


def _sorted_out(
    connection: Connection, vault: Vault, some: Sequence[Account]
) -> tuple[list[Account], list[tuple[Account, Account]], list[str]]:
    """Which are new, which come back (with what they were), and the ids of those that are there."""
    keys = [keys_of(account, vault) for account in some]
    found = owners(connection, chain.from_iterable(keys))
    new: list[Account] = []
    back: dict[str, Account] = {}
    there: list[str] = []
    for account, mine in zip(some, keys, strict=True):
        owner = min((found[key] for key in mine if key in found), key=lambda owner: not owner.there, default=None)
        if owner is not None and owner.there:
            there.append(owner.id)
            continue
        if owner is None:
            new.append(account)
        else:
            back[owner.id] = account
        ident = account.id if owner is None else owner.id
        found.update(dict.fromkeys(mine, Owner(ident, there=True)))
    were = (old for olds in by_ids(connection, vault, back, gone=True) for old in olds)
    return new, [(old, _returned(old, back[old.id])) for old in were], there


def _returned(old: Account, new: Account) -> Account:
    """An account that was removed, added once more: new but for its id and its counters."""
    return replace(
        new,
        id=old.id,
        use_count=old.use_count,
        fail_count=old.fail_count,
        last_used_at=old.last_used_at,
        user_id=new.user_id or old.user_id,
    )


def change(
    connection: Connection, vault: Vault, ids: Iterable[str], how: Callable[[Account], Account], note: Note | None
) -> Changed:
    """Replace each of these accounts by `how` of it, credential included. Raises `StoreConflict`."""
    revision = next_revision(connection, vault)
    entry = audit.begin(connection, note)
    changed = _change(connection, vault, ids, how, revision, entry)
    if changed:
        set_revision(connection, revision)
    return Changed(tuple(changed), audit.finish(connection, entry, len(changed)))


def _change(
    connection: Connection,
    vault: Vault,
    ids: Iterable[str],
    how: Callable[[Account], Account],
    revision: int,
    entry: int | None,
) -> list[Account]:
    changed: list[Account] = []
    for olds in by_ids(connection, vault, dict.fromkeys(ids)):
        pairs = [(old, stored(replace(how(old), id=old.id), revision)) for old in olds]
        wanted: dict[str, str] = {}
        for old, new in pairs:
            if old.secret != new.secret and wanted.setdefault(vault.fingerprint(new.secret), new.id) != new.id:
                raise StoreConflict(f"Account {new.id} cannot have the same credential as another one.")
        for other in claim(connection, wanted).values():
            raise StoreConflict(f"Account {other} already has this credential.")
        update_whole(connection, vault, pairs)
        audit.keep(connection, entry, ((old.id, difference(old, new, vault)) for old, new in pairs))
        changed += (new for _, new in pairs)
    return changed


def remove(connection: Connection, vault: Vault, ids: Iterable[str], note: Note | None, now: float) -> Removed:
    """Remove these accounts; they are kept for a day."""
    revision = next_revision(connection, vault)
    entry = audit.begin(connection, note)
    count = _remove(connection, ids, now, revision, entry)
    if count:
        set_revision(connection, revision)
    return Removed(count, audit.finish(connection, entry, count))


def _remove(connection: Connection, ids: Iterable[str], now: float, revision: int, entry: int | None) -> int:
    count = 0
    for some in chunks(dict.fromkeys(ids)):
        there = alive(connection, some)
        remove_rows(connection, there, now, revision)
        audit.keep(connection, entry, ((ident, Before(there=True)) for ident in there))
        count += len(there)
    return count


def replace_some(
    connection: Connection,
    vault: Vault,
    fresh: Sequence[Account],
    changed: Mapping[str, Callable[[Account], Account]],
    gone: Collection[str],
    note: Note,
) -> Replaced:
    """Remove, change and add in one transaction, noted as one change. Raises `StoreConflict`."""
    revision = locked(connection) + 1
    entry = audit.begin(connection, note)
    count = _remove(connection, gone, note.at, revision, entry)
    count += len(_change(connection, vault, changed, lambda account: changed[account.id](account), revision, entry))
    added, _, _ = _add(connection, vault, fresh, revision, entry)
    count += len(added)
    if count:
        set_revision(connection, revision)
    return Replaced(tuple(added), audit.finish(connection, entry, count))


def undo(connection: Connection, vault: Vault, ident: int, note: Note) -> Undone:
    """Put back what a change did. Raises `StoreConflict` when that was done, or can no longer be done."""
    revision = next_revision(connection, vault)
    audit.take_back(connection, ident, note.at)
    entry = audit.begin(connection, note, undoable=False)
    count = 0
    skipped: list[str] = []
    for items in audit.items_of(connection, ident):
        done = _put_back(connection, vault, items, revision, note.at)
        count += len(done)
        skipped += (account_id for account_id in items if account_id not in done)
    if count:
        set_revision(connection, revision)
    audit.finish(connection, entry, count)
    return Undone(count, tuple(skipped))


def _put_back(
    connection: Connection, vault: Vault, items: dict[str, Before], revision: int, now: float
) -> Collection[str]:
    """Put back some accounts; the ids of those that could be.

    Not those that a later change removed or, where they were removed, brought back; nor those whose credential another
    account has now.
    """
    there = alive(connection, items)
    pairs: list[tuple[Account, Account]] = []
    wanted: dict[str, str] = {}
    for old in chain.from_iterable(by_ids(connection, vault, items, gone=True)):
        before = items[old.id]
        if (old.id in there) is (before.there is True):
            continue
        new = replace(old, revision=revision, **before.fields)
        if before.sealed is not msgspec.UNSET and before.there is not False:
            new = replace(new, secret=vault.open(before.sealed, old.id))
        if before.there is not False:
            wanted[vault.fingerprint(new.secret)] = new.id
        pairs.append((old, new))
    taken = claim(connection, wanted)
    pairs = [(old, new) for old, new in pairs if new.id not in taken]
    update_whole(connection, vault, pairs)
    remove_rows(connection, [new.id for _, new in pairs if items[new.id].there is False], now, revision)
    return {new.id for _, new in pairs}


def purge(connection: Connection, now: float) -> int:
    """Drop for good what was removed a day ago, and what the audit need not keep; how many accounts."""
    locked(connection)
    late = (accounts.c.deleted_at > 0, accounts.c.deleted_at < now - KEPT_SEC)
    found = connection.execute(select(accounts.c.id, accounts.c.revision).where(*late)).all()
    for some in chunks([ident for ident, _ in found]):
        clear_parts(connection, some)
        connection.execute(delete(accounts).where(accounts.c.id.in_(some)))
    if found:
        _set_purged(connection, max(revision for _, revision in found))
    audit.forget(connection, now)
    return len(found)


def purged(connection: Connection) -> int:
    """The last revision whose removals are not all known any more."""
    return int(connection.scalar(_PURGED) or 0)


def _set_purged(connection: Connection, revision: int) -> None:
    known = connection.scalar(_PURGED)
    if known is None:
        connection.execute(insert(meta).values(name="purged", value=str(revision)))
    elif revision > int(known):
        connection.execute(update(meta).where(meta.c.name == "purged").values(value=str(revision)))
