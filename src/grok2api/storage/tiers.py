"""Writing the tiers that were told: an administrative write, since other processes have to know.

Moves that come while one is being written are written together, so that an import of many costs few transactions.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

from grok2api.accounts.model import Account, moved
from grok2api.accounts.query import Note
from grok2api.catalog import Tier
from grok2api.storage.administering import Changed
from grok2api.storage.errors import StoreError

_BATCH = 200

_log = structlog.stdlib.get_logger(__name__)

_Move = tuple[Account, Tier, "asyncio.Future[int | None]"]


class ChangingStore(Protocol):
    """The part of the store that moving needs."""

    async def change(
        self, ids: Collection[str], how: Callable[[Account], Account], note: Note | None = None
    ) -> Changed: ...


class Tiers:
    """The `TierKeeper` of the refresher."""

    def __init__(self, store: ChangingStore, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._moves: list[_Move] = []
        self._writing = asyncio.Lock()

    async def move(self, account: Account, tier: Tier) -> int | None:
        """Write the tier; the store's revision of the account from now on.

        `None` when nothing was written: the store is away, or has a decision that is newer than `account`.
        """
        written: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._moves.append((account, tier, written))
        async with self._writing:
            if not written.done():
                batch, self._moves = self._moves[:_BATCH], self._moves[_BATCH:]
                await self._write(batch)
        return written.result()

    async def _write(self, batch: list[_Move]) -> None:
        """Settle every move of the batch, whatever happens."""
        wanted = {account.id: (account.revision, tier) for account, tier, _ in batch}
        stale: set[str] = set()

        def how(stored: Account) -> Account:
            revision, tier = wanted[stored.id]
            if stored.revision == revision:
                return moved(stored, tier)
            stale.add(stored.id)
            return stored

        revisions: dict[str, int] = {}
        try:
            note = Note(action="tier", actor="refresh", at=self._now())
            changed = await self._store.change(list(wanted), how, note)
            revisions = {account.id: account.revision for account in changed.accounts if account.id not in stale}
        except StoreError as error:
            _log.warning("tiers that were told are not written yet", reason=str(error), accounts=len(wanted))
        finally:
            for account, _, written in batch:
                if not written.done():
                    written.set_result(revisions.get(account.id))
