"""Writing behind: what serving changes is written later, in batches, by one job.

The hot path only marks an account as changed, or counts (D2). Several processes write the same store, so counters are
added to, by each what it has counted. A store that is away costs nothing but patience (D4): what is not written stays,
and wakes the job again. Closing writes what is left, so that counters survive a restart (D7).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec
import structlog

from grok2api.accounts.lifecycle import Effect, Persist
from grok2api.accounts.model import Account
from grok2api.storage.errors import RefusedValues, StoreError

#: Seconds between two flushes, and the longest pause while the store is away.
FLUSH_SEC = 1.0
PATIENCE_SEC = 30.0

_BATCH = 200

_log = structlog.stdlib.get_logger(__name__)

#: Uses and failures that were not written yet.
_Counts = tuple[int, int]


class Served(msgspec.Struct, frozen=True):
    """An account as serving has left it, and how many more uses and failures it has than were written."""

    account: Account
    uses: int = 0
    fails: int = 0


class RuntimeStore(Protocol):
    """Where batches of accounts go."""

    async def write_runtime(self, served: Sequence[Served]) -> None:
        """Write what serving changed. Raises `StoreError`."""
        ...


class Content(Protocol):
    """Something else that is written behind."""

    async def write(self) -> None:
        """Write what there is. Raises `StoreError`; what was not written stays for the next time."""
        ...


class WriteBehind:
    """Marks, and how they are written. `lookup` finds the account as it is when its turn comes.

    woken: set while there is something that no flush has begun to write. trouble: why the last flush came to nothing;
    empty when it did not.
    """

    def __init__(self, store: RuntimeStore, lookup: Callable[[str], Account | None]) -> None:
        self._store = store
        self._lookup = lookup
        self._others: list[Content] = []
        self._marked: dict[str, _Counts] = {}
        self._begun: frozenset[str] = frozenset()
        self.woken = asyncio.Event()
        self._flushing = asyncio.Lock()
        self.trouble = ""

    def also(self, content: Content) -> None:
        """Write this too; `woken` says that there is some."""
        self._others.append(content)

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
        return len(self._marked.keys() | self._begun)

    async def flush(self) -> None:
        """Write everything that is there now. Raises `StoreError`; what was not written stays.

        What is marked while this writes waits for the next turn: under load there is always more.
        """
        async with self._flushing:
            self.woken.clear()
            try:
                await self._write_marked()
                for content in self._others:
                    await content.write()
            except StoreError as error:
                self.trouble = str(error)
                self.woken.set()
                raise
            self.trouble = ""

    async def _write_marked(self) -> None:
        now = list(self._marked)
        for at in range(0, len(now), _BATCH):
            self._begun = frozenset(now[at : at + _BATCH])
            try:
                await self._write([(ident, self._marked.pop(ident)) for ident in now[at : at + _BATCH]])
            finally:
                self._begun = frozenset()

    async def _write(self, batch: Sequence[tuple[str, _Counts]]) -> None:
        """Write these, or mark them again. When the database takes one for impossible, the others are written."""
        found = [(self._lookup(ident), counts) for ident, counts in batch]
        served = [Served(one, *counts) for one, counts in found if one is not None]
        writing = asyncio.ensure_future(self._store.write_runtime(served))
        try:
            await asyncio.shield(writing)
        except RefusedValues as error:
            if len(batch) == 1:
                _log.error("an account cannot be written", account=batch[0][0], reason=str(error))
            else:
                await self._write_each(batch)
        except BaseException:
            await asyncio.wait((writing,))  # cancelled or not: only what was not written may be written again
            if writing.exception() is not None:
                self._again(batch)
            raise

    async def _write_each(self, batch: Sequence[tuple[str, _Counts]]) -> None:
        for place, one in enumerate(batch, 1):
            try:
                await self._write([one])
            except BaseException:
                self._again(batch[place:])
                raise

    def _again(self, batch: Iterable[tuple[str, _Counts]]) -> None:
        for ident, counts in batch:
            self._add(ident, *counts)

    async def close(self) -> None:
        """Write what is left, once. Raises `StoreError`."""
        await self.flush()
