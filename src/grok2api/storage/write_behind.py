"""Writing behind: what serving changes is written later, in batches, by one task.

The hot path only marks an account as changed (D2), and what is to be added to its counters: several processes write
the same store, and each adds what it has counted itself. A store that is away costs nothing but patience (D4): marks
stay, and are tried again after a growing pause. Closing writes what is left, so counters survive a restart (D7).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec
import structlog

from grok2api.accounts.lifecycle import Effect, Persist
from grok2api.accounts.model import Account
from grok2api.storage.errors import StoreError

_BATCH = 200
_LONGEST_PAUSE_SEC = 30.0

_log = structlog.stdlib.get_logger(__name__)


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
    """Marks and the task that writes them. `lookup` finds the account as it is when its turn comes."""

    def __init__(self, store: RuntimeStore, lookup: Callable[[str], Account | None], interval_sec: float = 1.0) -> None:
        self._store = store
        self._lookup = lookup
        self._interval = interval_sec
        self._marked: dict[str, tuple[int, int]] = {}
        self._woken = asyncio.Event()
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
        self._woken.set()

    @property
    def waiting(self) -> int:
        """How many accounts are not written yet."""
        return len(self._marked)

    async def run(self) -> None:
        """Write marks for ever; cancel it, then `close`."""
        pause = self._interval
        while True:
            await self._woken.wait()
            await asyncio.sleep(pause)
            try:
                await self.flush()
                pause = self._interval
            except StoreError as error:
                pause = min(max(1.0, 2 * pause), _LONGEST_PAUSE_SEC)
                _log.warning("accounts not written, trying again", reason=str(error), waiting=self.waiting)

    async def flush(self) -> None:
        """Write every mark that is there now. Raises `StoreError`; what was not written stays marked.

        What is marked while this writes waits for the next turn: under load there is always more.
        """
        async with self._flushing:
            self._woken.clear()
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
