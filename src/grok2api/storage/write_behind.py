"""Writing behind: what serving changes is written later, in batches, by one job.

The hot path only marks an account as changed (D2). A store that is away costs nothing but patience (D4): marks
stay, and wake the job again. Closing writes what is left, so counters survive a restart (D7).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from grok2api.accounts.model import Account

#: Seconds between two flushes, and the longest pause while the store is away.
FLUSH_SEC = 1.0
PATIENCE_SEC = 30.0

_BATCH = 200


class RuntimeStore(Protocol):
    """Where batches go."""

    async def write_runtime(self, served: Sequence[Account]) -> None:
        """Write what serving changed. Raises `StoreError`."""
        ...


class WriteBehind:
    """Marks, and how they are written. `lookup` finds the account as it is when its turn comes.

    woken: set while something is marked that no flush has begun to write.
    """

    def __init__(self, store: RuntimeStore, lookup: Callable[[str], Account | None]) -> None:
        self._store = store
        self._lookup = lookup
        self._marked: dict[str, None] = {}
        self.woken = asyncio.Event()
        self._flushing = asyncio.Lock()

    def mark(self, idents: Iterable[str]) -> None:
        """These accounts have changed."""
        self._marked.update(dict.fromkeys(idents))
        if self._marked:
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
                idents = now[at : at + _BATCH]
                for ident in idents:
                    self._marked.pop(ident, None)
                try:
                    found = (self._lookup(ident) for ident in idents)
                    await self._store.write_runtime([account for account in found if account is not None])
                except BaseException:
                    self.mark(idents)
                    raise

    async def close(self) -> None:
        """Write what is left, once. Raises `StoreError`."""
        await self.flush()
