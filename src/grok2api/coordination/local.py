"""One process: locks in its own memory, nobody to tell anything."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

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

    @asynccontextmanager
    async def turn(self, name: str, period: float) -> AsyncIterator[bool]:
        async with self.hold(name, period) as mine:
            yield mine


class Local:
    """See `base.Coordinator`."""

    sharing = None
    tasks = None

    def __init__(self) -> None:
        self.locks = LocalLocks()

    def status(self) -> Status:
        return Status(kind="local")

    async def spread(self, kind: str, message: bytes, wait: float = 0.0) -> Spread:
        """There is nobody else."""
        return Spread()

    def handle(self, kinds: Mapping[str, Handler]) -> None:
        """Nobody sends anything."""

    @asynccontextmanager
    async def running(self, pool: Accounts) -> AsyncIterator[None]:
        """There is nothing to run."""
        yield
