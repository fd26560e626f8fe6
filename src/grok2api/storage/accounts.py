"""The store of accounts.

Two kinds of writes. *Administrative* ones (`add`, `change`, `remove`, `undo`) are acknowledged: they are durable when
the call returns, and each moves the store's revision on. *Runtime* ones (`write_runtime`) come in batches from
the running server and touch only rows that nobody administered since the server read them.

Accounts that were removed are kept for a day and are not seen by any question here.
"""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from sqlalchemy import ColumnElement, Connection, case, func, select

from grok2api.accounts.credentials import CredentialError, clean
from grok2api.accounts.model import Account, State
from grok2api.accounts.query import Filter, Note, Order, Page, Status
from grok2api.catalog import Tier
from grok2api.storage import administering, audit, writing
from grok2api.storage.administering import Added as Added
from grok2api.storage.administering import Changed as Changed
from grok2api.storage.administering import Removed as Removed
from grok2api.storage.administering import Replaced as Replaced
from grok2api.storage.administering import Undone as Undone
from grok2api.storage.audit import Change as Change
from grok2api.storage.engine import Database
from grok2api.storage.filtering import sorting, wanted
from grok2api.storage.reading import ALIVE, alive, by_age, by_ids, chunks, every
from grok2api.storage.secrets import Vault
from grok2api.storage.tables import accounts, tags
from grok2api.storage.write_behind import Served

EVERYONE = Filter()
OLDEST_FIRST = Order()


class AccountStore:
    """Accounts in the database. Every method raises `StoreError`; administrative ones may raise `StoreConflict`."""

    def __init__(self, database: Database, vault: Vault, now: Callable[[], float] = time.time) -> None:
        self.database = database
        self._vault = vault
        self._now = now

    async def close(self) -> None:
        await self.database.close()

    # --- questions

    async def revision(self) -> int:
        """How many administrative writes there were."""
        return await self.database.read(writing.revision)

    async def load(self, since: int = -1) -> list[Account]:
        """The accounts that were administered after revision `since`; all of them by default. In order of age."""
        newer = () if since < 0 else (accounts.c.revision > since,)
        return await self.database.read(lambda connection: list(every(connection, self._vault, *newer)))

    async def ids(self) -> set[str]:
        return await self.database.read(lambda connection: set(connection.scalars(select(accounts.c.id).where(ALIVE))))

    async def removed(self, since: int) -> list[str] | None:
        """The accounts that were removed after revision `since`; None when some of them are known no longer."""
        return await self.database.read(lambda connection: _removed(connection, since))

    async def find(self, references: Sequence[str]) -> dict[str, str]:
        """Account id by reference, for those that are an account's id or credential, however it is spelled."""
        prints: defaultdict[str, list[str]] = defaultdict(list)
        for reference in references:
            if text := _cleaned(reference):
                prints[self._vault.fingerprint(text)].append(reference)
        return await self.database.read(lambda connection: _find(connection, references, prints))

    async def get(self, ids: Iterable[str]) -> list[Account]:
        """The accounts with these ids, those that exist, in order of age."""
        wanted_ids = dict.fromkeys(ids)
        found = await self.database.read(lambda connection: list(by_ids(connection, self._vault, wanted_ids)))
        return sorted((account for some in found for account in some), key=lambda one: (one.created_at, one.id))

    async def page(self, which: Filter, order: Order, offset: int, limit: int, now: float) -> Page:
        """At most `limit` of the accounts that are meant, after the first `offset` of them, and how many there are."""
        return await self.database.read(
            lambda connection: _page(connection, self._vault, which, order, offset, limit, now)
        )

    async def match(self, which: Filter, now: float) -> list[str]:
        """The ids of all accounts that are meant, the oldest first."""
        query = select(accounts.c.id).where(*wanted(which, now)).order_by(accounts.c.created_at, accounts.c.id)
        return await self.database.read(lambda connection: list(connection.scalars(query)))

    async def count(self, which: Filter, now: float) -> int:
        """How many accounts are meant."""
        return await self.database.read(lambda connection: _count(connection, which, now))

    async def tally(self, now: float) -> dict[tuple[Tier, Status], int]:
        """How many accounts of each tier are in each status; only what there is."""
        return await self.database.read(lambda connection: _tally(connection, now))

    async def tags(self) -> dict[str, int]:
        """Every tag, and how many accounts have it."""
        query = select(tags.c.tag, func.count()).join(accounts).where(ALIVE).group_by(tags.c.tag).order_by(tags.c.tag)
        return await self.database.read(lambda connection: dict(connection.execute(query).all()))

    async def iterate(self, which: Filter = EVERYONE, now: float = 0.0, *, batch: int = 1000) -> AsyncIterator[Account]:
        """The accounts that are meant, the oldest first, with `batch` of them in memory. Not one view of everything:
        what is changed meanwhile is seen or not."""
        conditions = wanted(which, now)
        found: list[Account] = []
        while True:
            after = found[-1] if found else None
            found = await self.database.read(partial(_next, self._vault, conditions, after, batch))
            for account in found:
                yield account
            if len(found) < batch:
                return

    async def changes(self, limit: int, before_id: int | None = None) -> list[Change]:
        """What was changed by hand, the newest first, from the change before `before_id` on."""
        return await self.database.read(lambda connection: audit.entries(connection, limit, before_id))

    # --- administrative writes

    async def add(self, fresh: Sequence[Account], note: Note | None = None) -> Added:
        """Store new accounts; one whose credential or user is there already is left as it is (P11).

        One that was removed comes back under its old id, with the tier and tags it is added with.
        """
        return await self.database.write(lambda connection: administering.add(connection, self._vault, fresh, note))

    async def change(
        self, ids: Collection[str], how: Callable[[Account], Account], note: Note | None = None
    ) -> Changed:
        """Replace each of these accounts by `how` of it, credential included; ids that are not here are skipped."""
        return await self.database.write(
            lambda connection: administering.change(connection, self._vault, ids, how, note)
        )

    async def remove(self, ids: Collection[str], note: Note | None = None) -> Removed:
        """Remove these accounts; ids that are not here are skipped. They are kept for a day."""
        now = self._now() if note is None else note.at
        return await self.database.write(
            lambda connection: administering.remove(connection, self._vault, ids, note, now)
        )

    async def replace(
        self,
        fresh: Sequence[Account],
        changed: Mapping[str, Callable[[Account], Account]],
        gone: Collection[str],
        note: Note,
    ) -> Replaced:
        """Remove `gone`, change each of `changed` by what stands with it, and store `fresh`: all or nothing.

        No account is in two of them.
        """
        return await self.database.write(
            lambda connection: administering.replace_some(connection, self._vault, fresh, changed, gone, note)
        )

    async def undo(self, change_id: int, note: Note) -> Undone:
        """Put the accounts of a change back to what they were, as far as the change touched them.

        Once, and for a day. Counters stay as they are; so does what a later change did to another part of an account.
        """
        return await self.database.write(
            lambda connection: administering.undo(connection, self._vault, change_id, note)
        )

    async def purge(self, now: float) -> int:
        """Drop for good what was removed more than a day before `now`; how many accounts."""
        return await self.database.write(lambda connection: administering.purge(connection, now))

    # --- runtime writes

    async def write_runtime(self, served: Sequence[Served]) -> None:
        """Write what serving changed, and add to the counters. Accounts that are gone are left alone; of those that
        were administered meanwhile, only the counters are touched."""
        await self.database.write(lambda connection: _write_runtime(connection, served))


def _cleaned(reference: str) -> str:
    try:
        return clean(reference)
    except CredentialError:
        return ""


def _removed(connection: Connection, since: int) -> list[str] | None:
    if since < administering.purged(connection):
        return None
    query = select(accounts.c.id).where(accounts.c.revision > since, accounts.c.deleted_at > 0)
    return list(connection.scalars(query))


def _find(connection: Connection, references: Sequence[str], prints: Mapping[str, list[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    found.update({ident: ident for ident in alive(connection, references)})
    columns = (accounts.c.fingerprint, accounts.c.id, accounts.c.deleted_at)
    for some in chunks(prints):
        for fingerprint, ident, gone in connection.execute(select(*columns).where(accounts.c.fingerprint.in_(some))):
            if not gone:
                found.update(dict.fromkeys(prints[fingerprint], ident))
    return found


def _page(
    connection: Connection, vault: Vault, which: Filter, order: Order, offset: int, limit: int, now: float
) -> Page:
    """Ids are sorted first and alone: sorting whole rows would move every credential about."""
    keys = sorting(order, now, nulls_are_large=connection.dialect.name == "postgresql")
    query = select(accounts.c.id).where(*wanted(which, now)).order_by(*keys).offset(offset).limit(limit)
    ids = connection.scalars(query).all()
    found = {account.id: account for some in by_ids(connection, vault, ids) for account in some}
    return Page(tuple(found[ident] for ident in ids), _count(connection, which, now))


def _next(
    vault: Vault, conditions: Sequence[ColumnElement[bool]], after: Account | None, size: int, connection: Connection
) -> list[Account]:
    return by_age(connection, vault, conditions, after, size)


def _count(connection: Connection, which: Filter, now: float) -> int:
    return connection.scalar(select(func.count()).select_from(accounts).where(*wanted(which, now))) or 0


def _tally(connection: Connection, now: float) -> dict[tuple[Tier, Status], int]:
    cooling = func.sum(case((accounts.c.cooling_until > now, 1), else_=0))
    columns = (accounts.c.tier, accounts.c.state, func.count(), cooling)
    found: dict[tuple[Tier, Status], int] = {}
    for tier, state, count, resting in connection.execute(
        select(*columns).where(ALIVE).group_by(accounts.c.tier, accounts.c.state)
    ):
        cooling_now = int(resting) if state == State.ACTIVE.value else 0
        found[Tier(tier), Status(state)] = count - cooling_now
        found[Tier(tier), Status.COOLING] = found.get((Tier(tier), Status.COOLING), 0) + cooling_now
    return {key: count for key, count in found.items() if count}


def _write_runtime(connection: Connection, served: Iterable[Served]) -> None:
    writing.locked(connection)
    for some in chunks(served):
        ids = [one.account.id for one in some]
        columns = (accounts.c.id, accounts.c.revision, accounts.c.deleted_at)
        rows = connection.execute(select(*columns).where(accounts.c.id.in_(ids)))
        revisions = {ident: revision for ident, revision, gone in rows if not gone}
        there = [one for one in some if one.account.id in revisions]
        writing.add_counts(connection, [(one.account.id, one.uses, one.fails) for one in there])
        ours = [one.account for one in there if revisions[one.account.id] == one.account.revision]
        writing.update_runtime(connection, ours)
