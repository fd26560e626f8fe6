"""Keeping memory and store abreast while the gateway runs: what others wrote is taken over, and whether the store is
there is known.

Serving goes on from memory when the store is away (D4); `trouble` then says so, and `/ready` repeats it.
"""

from collections.abc import Awaitable, Callable

import structlog

from grok2api.storage.errors import StoreError

#: Seconds between two looks at the store's revision.
LOOK_SEC = 2.0

_log = structlog.stdlib.get_logger(__name__)


class Following:
    """Work for a job. `sync` takes over what others wrote, and says whether there was anything."""

    def __init__(self, sync: Callable[[], Awaitable[bool]]) -> None:
        self._sync = sync
        self.trouble = ""

    async def look(self) -> None:
        """Take over what has changed. Raises `StoreError`."""
        try:
            changed = await self._sync()
        except StoreError:
            if not self.trouble:
                _log.warning("the store is away; serving goes on from memory")
            self.trouble = "storage"
            raise
        self.trouble = ""
        if changed:
            _log.info("accounts changed in the store were taken over")
