"""Time in the test's hand: what sleeps wakes when the test moves the clock, in order, and nobody really waits.

And a memory that outlives what uses it, as the store does.
"""

import asyncio
import heapq
import itertools
from collections.abc import Mapping


class VirtualTime:
    """A clock, and the sleep that belongs to it."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Return when the clock has been moved so far."""
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._numbers), future))
        await future

    async def pass_(self, seconds: float) -> None:
        """Move the clock, waking everybody whose time comes, one after the other."""
        await self.settle()
        end = self.now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self.now = max(self.now, due)
            future.set_result(None)
            await self.settle()
        self.now = end
        await self.settle()

    @staticmethod
    async def settle(turns: int = 60) -> None:
        """Let everybody who can go on go on."""
        for _ in range(turns):
            await asyncio.sleep(0)


class InMemory:
    """Small values by name, as the store remembers them."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    async def all(self) -> Mapping[str, str]:
        return dict(self._values)

    async def put(self, name: str, value: str, now: float) -> None:
        self._values[name] = value
