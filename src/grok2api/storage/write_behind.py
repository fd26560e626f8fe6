"""Writing behind: what serving changes is written later, in batches, by one job.

The hot path only marks an account as changed (D2), and what is to be added to its counters: several processes write
the same store, and each adds what it has counted itself. A store that is away costs nothing but patience (D4): marks
stay, and wake the job again. Closing writes what is left, so counters survive a restart (D7).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from grok2api.accounts.lifecycle import Effect, Persist
from grok2api.accounts.model import Account

#: Seconds between two flushes, and the longest pause while the store is away.
FLUSH_SEC = 1.0
PATIENCE_SEC = 30.0

_BATCH = 200


class Served(msgspec.Struct, frozen=True):
    """An account as serving has left it, and how many more uses and failures it has than were written."""

    account: Account
    uses: int = 0
    fails: int = 0


class RuntimeStore(Protocol):
    """Where batches go."""

    async def write_runtime(self, served: Sequence[Served]) -> None:
        """Write what serving changed. Raises `StoreError`."""
        ...


class WriteBehind:
    """Marks, and how they are written. `lookup` finds the account as it is when its turn comes.

    woken: set while something is marked that no flush has begun to write.
    """

    def __init__(self, store: RuntimeStore, lookup: Callable[[str], Account | None]) -> None:
        self._store = store
        self._lookup = lookup
        self._marked: dict[str, tuple[int, int]] = {}
        self.woken = asyncio.Event()
        self._flushing = asyncio.Lock()

    def take(self, effects: Iterable[Effect]) -> None:
        """Note what the pool's outcomes demand."""
        for effect in effects:
            if isinstance(effect, Persist):
                self._add(effect.account_id, effect.uses, effect.fails)

    def mark(self, idents: Iterable[str]) -> None:
        """These accounts have changed, but for their counters."""
        for ident in idents:
            self._add(ident, 0, 0)

    def _add(self, ident: str, uses: int, fails: int) -> None:
        before = self._marked.get(ident, (0, 0))
        self._marked[ident] = (before[0] + uses, before[1] + fails)
        self.woken.set()

    @property
    def waiting(self) -> int:
        """How many accounts are not written yet."""
        return len(self._marked)

    async def flush(self) -> None:
        """Write every mark that is there now. Raises `StoreError`; what was not written stays marked.

        What is marked while this writes waits for the next turn: under load there is always more.
        """
        async with self._flushing:
            self.woken.clear()
            now = list(self._marked)
            for at in range(0, len(now), _BATCH):
                counts = {ident: self._marked.pop(ident) for ident in now[at : at + _BATCH]}
                found = ((self._lookup(ident), *count) for ident, count in counts.items())
                try:
                    await self._store.write_runtime([Served(one, *count) for one, *count in found if one is not None])
                except BaseException:
                    for ident, count in counts.items():
                        self._add(ident, *count)
                    raise

    async def close(self) -> None:
        """Write what is left, once. Raises `StoreError`."""
        await self.flush()
