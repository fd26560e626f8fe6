"""Writing behind: what serving changes is written later, in batches, by one job.

The hot path only marks an account as changed, or counts (D2). A store that is away costs nothing but patience (D4):
what is not written stays, and wakes the job again. Closing writes what is left, so that counters survive a restart
(D7).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import structlog

from grok2api.accounts.model import Account
from grok2api.storage.errors import RefusedValues, StoreError

#: Seconds between two flushes, and the longest pause while the store is away.
FLUSH_SEC = 1.0
PATIENCE_SEC = 30.0

_BATCH = 200

_log = structlog.stdlib.get_logger(__name__)


class RuntimeStore(Protocol):
    """Where batches of accounts go."""

    async def write_runtime(self, served: Sequence[Account]) -> None:
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
        self._marked: dict[str, None] = {}
        self._begun: dict[str, None] = {}
        self.woken = asyncio.Event()
        self._flushing = asyncio.Lock()
        self.trouble = ""

    def also(self, content: Content) -> None:
        """Write this too; `woken` says that there is some."""
        self._others.append(content)

    def mark(self, idents: Iterable[str]) -> None:
        """These accounts have changed."""
        self._marked.update(dict.fromkeys(idents))
        if self._marked:
            self.woken.set()

    @property
    def waiting(self) -> int:
        """How many accounts are not written yet."""
        return len(self._marked.keys() | self._begun.keys())

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
            idents = now[at : at + _BATCH]
            for ident in idents:
                self._marked.pop(ident, None)
            self._begun = dict.fromkeys(idents)
            try:
                found = (self._lookup(ident) for ident in idents)
                await self._write([account for account in found if account is not None])
            except BaseException:
                self.mark(idents)
                raise
            finally:
                self._begun = {}

    async def _write(self, served: Sequence[Account]) -> None:
        """Write a batch; when the database takes one of its accounts for impossible, the others are written."""
        try:
            await self._store.write_runtime(served)
        except RefusedValues as error:
            if len(served) == 1:
                _log.error("an account cannot be written", account=served[0].id, reason=str(error))
                return
            for account in served:
                await self._write([account])

    async def close(self) -> None:
        """Write what is left, once. Raises `StoreError`."""
        await self.flush()
