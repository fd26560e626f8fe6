"""One process: locks in its own memory, nobody to tell anything."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from grok2api.coordination.base import Accounts, Handler, Spread, Status


class LocalLocks:
    """See `base.Locks`."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    @asynccontextmanager
    async def hold(self, name: str, ttl: float = 10.0) -> AsyncIterator[bool]:
        if name in self._held:
            yield False
            return
        self._held.add(name)
        try:
            yield True
        finally:
            self._held.discard(name)


class Local:
    """See `base.Coordinator`."""

    sharing = None
    tasks = None
    leads = True

    def __init__(self) -> None:
        self.locks = LocalLocks()

    def when_leading(self, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """There is nobody to take the lead from."""

    def status(self) -> Status:
        return Status(kind="local")

    async def spread(self, kind: str, message: bytes, wait: float = 0.0) -> Spread:
        """There is nobody else."""
        return Spread()

    async def tell(self, kind: str, message: bytes = b"") -> None:
        """There is nobody else."""

    def handle(self, kinds: Mapping[str, Handler]) -> None:
        """Nobody sends anything."""

    @asynccontextmanager
    async def running(self, pool: Accounts) -> AsyncIterator[None]:
        """There is nothing to run."""
        yield
