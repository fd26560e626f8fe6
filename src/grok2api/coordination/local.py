"""One process: locks and task logs in its own memory, nobody to tell anything."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from grok2api.coordination.base import Accounts, Handler, Spread, Status

#: How long the log of a task is kept after its last word.
KEEP_SEC = 300.0


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


class _Log:
    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.said_at = 0.0
        self.stopped = False
        self.changed = asyncio.Event()


class LocalTasks:
    """See `base.TaskLog`. `now` is any clock that goes forward."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._logs: dict[str, _Log] = {}

    async def say(self, task: str, event: bytes) -> None:
        if task not in self._logs:
            self._forget()
        log = self._logs.setdefault(task, _Log())
        log.events.append(event)
        log.said_at = self._now()
        log.changed.set()
        log.changed = asyncio.Event()

    async def known(self, task: str) -> bool:
        return task in self._logs

    async def events(self, task: str) -> AsyncIterator[bytes]:
        told = 0
        while (log := self._logs.get(task)) is not None:
            changed = log.changed
            for event in log.events[told:]:
                told += 1
                yield event
            if told == len(log.events):
                await changed.wait()

    async def cancel(self, task: str) -> None:
        if task in self._logs:
            self._logs[task].stopped = True

    async def cancelled(self, task: str) -> bool:
        return task in self._logs and self._logs[task].stopped

    def said(self, task: str, after: int) -> list[bytes]:
        """The events from number `after` on."""
        return self._logs[task].events[after:] if task in self._logs else []

    def _forget(self) -> None:
        old = self._now() - KEEP_SEC
        for task in [task for task, log in self._logs.items() if log.said_at < old]:
            del self._logs[task]


class Local:
    """See `base.Coordinator`."""

    sharing = None

    def __init__(self, now: Callable[[], float]) -> None:
        self.locks = LocalLocks()
        self.tasks = LocalTasks(now)

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
