"""Keeping the pool abreast of the store: what the command line or another process changed is taken over.

Each administrative write moves the store's revision on. When it has moved, rows that are newer than what the
pool knows are merged: what the operator decides comes from the store, counters and windows from memory. A large
change is taken over in slices, with everybody else's turn between them: no stream waits for an import.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import msgspec

from grok2api.accounts.model import Account
from grok2api.accounts.pool import AccountPool

T = TypeVar("T")

#: Accounts taken over, or let go, in one turn of the event loop: about two milliseconds.
TAKEN = 200


class AccountSource(Protocol):
    """The part of the store that synchronising needs."""

    async def revision(self) -> int: ...

    async def load(self, since: int = -1) -> list[Account]: ...

    async def removed(self, since: int) -> list[str] | None: ...

    async def ids(self) -> set[str]: ...


def _nobody(accounts: Sequence[Account]) -> None:
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
        joined: Callable[[Sequence[Account]], None] = _nobody,
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
        here = self._pool.idents()  # before the store is asked: who comes meanwhile is not among those that are gone
        changed = await self._source.load(since=self.revision)
        gone = await self._source.removed(since=self.revision)
        if gone is None:  # so long ago that the store has forgotten some of them
            alive = await self._source.ids()
            gone = [ident for ident in here if ident not in alive]
        for some in _slices(changed, TAKEN):
            self._take(some)
            await asyncio.sleep(0)
        for idents in _slices(gone, TAKEN):
            for ident in idents:
                self._pool.remove(ident)
            await asyncio.sleep(0)
        self.revision = revision
        return True

    def _take(self, stored: Iterable[Account]) -> None:
        fresh: list[Account] = []
        changed: list[Account] = []
        stale: list[str] = []
        for account in stored:
            known = self._pool.get(account.id)
            if known is None:
                fresh.append(account)
            elif known.revision != account.revision:
                taken = merged(known, account)
                self._pool.replace(taken)
                changed.append(taken)
                if taken != account:
                    stale.append(taken.id)
        self._pool.add_many(fresh)
        self._mark(stale)
        self._joined([*fresh, *changed])


def _slices(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


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
