"""Keeping memory and store abreast while the gateway runs: what others wrote is taken over, and whether the store is
there is known.

Serving goes on from memory when the store is away (D4); `health` then says so, and `/ready` repeats it.
"""

import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from grok2api.storage.errors import StoreError
from grok2api.storage.write_behind import WriteBehind

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
    """Work for a job. `sync` takes over what others wrote, and says whether there was anything."""

    def __init__(
        self, sync: Callable[[], Awaitable[bool]], writer: WriteBehind, now: Callable[[], float] = time.time
    ) -> None:
        self._sync = sync
        self._writer = writer
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

    async def look(self) -> None:
        """Take over what has changed. Raises `StoreError`."""
        before = self._unread
        try:
            changed = await self._sync()
        except StoreError as error:
            self._unread = str(error)
            if not before:
                _log.warning("the store is away; serving goes on from memory", reason=self._unread)
            raise
        else:
            self._unread = ""
            if changed:
                _log.info("accounts changed in the store were taken over")
            if before:
                _log.info("the store is back", waiting=self._writer.waiting)
        finally:
            self._noticed()

    def _noticed(self) -> str:
        """What is wrong; the time at which that changed is kept."""
        reason = self._unread or self._writer.trouble
        if bool(reason) is self._ok:
            self._ok, self._since = not reason, self._now()
        return reason
