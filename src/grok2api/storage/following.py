"""Keeping memory and store abreast while the gateway runs: both directions, and whether the store is there.

Serving goes on from memory when the store is away (D4); `trouble` then says so, and `/ready` repeats it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from grok2api.storage.errors import StoreError
from grok2api.storage.write_behind import WriteBehind
from grok2api.transport.tasks import spawn

#: Seconds between two looks at the store's revision.
LOOK_SEC = 2.0

_log = structlog.stdlib.get_logger(__name__)


class Following:
    """The two background tasks of the store. `sync` takes over what others wrote."""

    def __init__(self, writer: WriteBehind, sync: Callable[[], Awaitable[bool]], every: float = LOOK_SEC) -> None:
        self._writer = writer
        self._sync = sync
        self._every = every
        self.trouble = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow until the context ends; then write what is left."""
        tasks = [spawn(self._writer.run(), "write-behind"), spawn(self._look(), "store-sync")]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(StoreError):
                await self._writer.close()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                if await self._sync():
                    _log.info("accounts changed in the store were taken over")
                self.trouble = ""
            except StoreError as error:
                if not self.trouble:
                    _log.warning("the store is away; serving goes on from memory", reason=str(error))
                self.trouble = "storage"
