"""Keeping the pool abreast of the store: what the command line or another process changed is taken over.

Each administrative write moves the store's revision on. When it has moved, rows that are newer than what the
pool knows are merged: what the operator decides comes from the store, counters and windows from memory.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from grok2api.accounts.model import Account
from grok2api.accounts.pool import AccountPool


class AccountSource(Protocol):
    """The part of the store that synchronising needs."""

    async def revision(self) -> int: ...

    async def load(self, since: int = -1) -> list[Account]: ...

    async def ids(self) -> set[str]: ...


class Sync:
    """Takes over administrative changes; `mark` has accounts whose counters were merged written again."""

    def __init__(
        self, source: AccountSource, pool: AccountPool, mark: Callable[[Iterable[str]], None], revision: int
    ) -> None:
        self._source = source
        self._pool = pool
        self._mark = mark
        self.revision = revision

    async def sync(self) -> bool:
        """Take over what changed since the last time; whether anything had. Raises what the store raises."""
        revision = await self._source.revision()
        if revision == self.revision:
            return False
        changed = await self._source.load(since=self.revision)
        alive = await self._source.ids()
        for stored in changed:
            self._take(stored)
        for account in self._pool.list():
            if account.id not in alive:
                self._pool.remove(account.id)
        self.revision = revision
        return True

    def _take(self, stored: Account) -> None:
        known = self._pool.get(stored.id)
        if known is None:
            self._pool.add(stored)
        elif known.revision != stored.revision:
            self._pool.replace(merged(known, stored))
            self._mark([stored.id])


def merged(known: Account, stored: Account) -> Account:
    """The account after an administrative change: decisions as stored, counters and windows as known here."""
    return msgspec.structs.replace(
        stored,
        windows=known.windows if known.tier is stored.tier else stored.windows,
        use_count=max(known.use_count, stored.use_count),
        fail_count=max(known.fail_count, stored.fail_count),
        last_used_at=max(known.last_used_at or 0.0, stored.last_used_at or 0.0) or None,
    )
