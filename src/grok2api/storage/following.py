"""Keeping memory and store abreast while the gateway runs: both directions, and whether the store is there.

Serving goes on from memory when the store is away (D4); `health` then says so, and `/ready` repeats it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import structlog

from grok2api.storage.errors import StoreError
from grok2api.storage.write_behind import WriteBehind
from grok2api.transport.tasks import spawn

#: Seconds between two looks at the store's revision.
LOOK_SEC = 2.0

_log = structlog.stdlib.get_logger(__name__)


class StoreHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the store is: whether it can be read and written, since when it is so, why not in one line, and how many
    accounts wait to be written."""

    ok: bool
    since: float
    reason: str
    waiting: int


class Following:
    """The two background tasks of the store. `sync` takes over what others wrote."""

    def __init__(
        self,
        writer: WriteBehind,
        sync: Callable[[], Awaitable[bool]],
        every: float = LOOK_SEC,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._writer = writer
        self._sync = sync
        self._every = every
        self._now = now
        self._unread = ""
        self._ok = True
        self._since = now()

    @property
    def trouble(self) -> str:
        """A word for what is wrong; empty when nothing is."""
        return "" if self.health.ok else "storage"

    @property
    def health(self) -> StoreHealth:
        """How the store is now."""
        reason = self._noticed()
        return StoreHealth(ok=self._ok, since=self._since, reason=reason, waiting=self._writer.waiting)

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
            await self.look()

    async def look(self) -> None:
        """Take over what others wrote, and note whether that was possible."""
        before = self._unread
        try:
            if await self._sync():
                _log.info("accounts changed in the store were taken over")
            self._unread = ""
        except StoreError as error:
            self._unread = str(error)
        if self._unread and not before:
            _log.warning("the store is away; serving goes on from memory", reason=self._unread)
        if before and not self._unread:
            _log.info("the store is back", waiting=self._writer.waiting)
        self._noticed()

    def _noticed(self) -> str:
        """What is wrong; the time at which that changed is kept."""
        reason = self._unread or self._writer.trouble
        if bool(reason) is self._ok:
            self._ok, self._since = not reason, self._now()
        return reason
