"""Keeping the pool abreast of the store: what the command line or another process changed is taken over.

Each administrative write moves the store's revision on. When it has moved, rows that are newer than what the
pool knows are merged: what the operator decides comes from the store, counters and windows from memory.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import msgspec

from grok2api.accounts.model import Account
from grok2api.accounts.pool import AccountPool


class AccountSource(Protocol):
    """The part of the store that synchronising needs."""

    async def revision(self) -> int: ...

    async def load(self, since: int = -1) -> list[Account]: ...

    async def ids(self) -> set[str]: ...


def _nobody(accounts: Collection[Account]) -> None:
    """Nobody wants to know."""


class Sync:
    """Takes over administrative changes; `mark` has accounts whose counters were merged written again, `joined` is
    told of every account that is new or was changed."""

    def __init__(
        self,
        source: AccountSource,
        pool: AccountPool,
        mark: Callable[[Iterable[str]], None],
        revision: int,
        joined: Callable[[Collection[Account]], None] = _nobody,
    ) -> None:
        self._source = source
        self._pool = pool
        self._mark = mark
        self._joined = joined
        self.revision = revision

    async def sync(self) -> bool:
        """Take over what changed since the last time; whether anything had. Raises what the store raises."""
        revision = await self._source.revision()
        if revision == self.revision:
            return False
        changed = await self._source.load(since=self.revision)
        alive = await self._source.ids()
        self._joined([self._take(stored) for stored in changed])
        for account in self._pool.list():
            if account.id not in alive:
                self._pool.remove(account.id)
        self.revision = revision
        return True

    def _take(self, stored: Account) -> Account:
        """The account as the pool has it from now on."""
        known = self._pool.get(stored.id)
        if known is None:
            self._pool.add(stored)
            return stored
        if known.revision == stored.revision:
            return known
        account = merged(known, stored)
        self._pool.replace(account)
        self._mark([stored.id])
        return account


def merged(known: Account, stored: Account) -> Account:
    """The account after an administrative change: decisions as stored, counters and windows as known here."""
    same_tier = (known.tier, known.tier_known) == (stored.tier, stored.tier_known)
    return msgspec.structs.replace(
        stored,
        windows=known.windows if same_tier else stored.windows,
        use_count=max(known.use_count, stored.use_count),
        fail_count=max(known.fail_count, stored.fail_count),
        last_used_at=max(known.last_used_at or 0.0, stored.last_used_at or 0.0) or None,
    )
