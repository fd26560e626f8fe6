"""Periodic work: a table of jobs, and the runner that keeps each of them going.

A job is due `every` seconds after it was begun last, so it is scheduled anew before it runs, and nothing that happens
in it can end the cycle: an error is counted, said once, and the next turn comes all the same. `every` and `enabled`
are asked again and again, so that a changed setting is in force within half a minute. A job with a `wake` event runs
when the event is set, and then at most once in `every` seconds. Times come from the clock that is given, and so does
waiting, so tests wait for nothing.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec
import structlog

from grok2api.storage.errors import StoreError
from grok2api.transport.tasks import spawn, where

#: How long a sleeping job may take to notice that its interval has changed.
_LOOK_SEC = 30.0
_MOST_DOUBLINGS = 16

_log = structlog.stdlib.get_logger(__name__)


class Remembered(Protocol):
    """Small values that outlive the process. Raises what its store raises."""

    async def all(self) -> Mapping[str, str]:
        """Every value by name."""
        ...

    async def put(self, name: str, value: str, now: float) -> None:
        """Remember `value` by `name`."""
        ...


def _always() -> bool:
    return True


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    every: seconds between two beginnings, now. jitter: so much of `every` is added at random, from 0 to this share.
    wake: the job runs only when this is set. patience: after failures in a row the pause doubles, up to so many
    seconds. remembered: when it last succeeded survives a restart; without it a restart counts as a beginning.
    """

    name: str
    help: str
    every: Callable[[], float]
    work: Callable[[], Awaitable[object]]
    jitter: float = 0.0
    enabled: Callable[[], bool] = _always
    wake: asyncio.Event | None = None
    patience: float = 0.0
    remembered: bool = False


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a job is doing. Times are epoch seconds; `next_at` is `None` when it waits for something to happen."""

    name: str
    help: str
    enabled: bool
    running: bool
    runs: int
    failures: int
    started_at: float | None
    ended_at: float | None
    took_sec: float | None
    last_error: str
    next_at: float | None


class _Line:
    """A job and what has become of it. `since`: when its interval began; `None`: it is due."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.lock = asyncio.Lock()
        self.since: float | None = None
        self.stretch = 1.0
        self.streak = 0
        self.running = False
        self.runs = self.failures = 0
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.last_error = ""

    def due(self, now: float) -> float:
        """When it may run next."""
        if self.since is None:
            return now
        self.since = min(self.since, now)  # a clock that was set back must not stop the work
        pause = self.job.every() * self.stretch
        if self.streak:
            longest = max(pause, self.job.patience)
            pause = min(pause * 2.0 ** min(self.streak, _MOST_DOUBLINGS), longest)
        return self.since + pause

    def begin(self, now: float, stretch: float) -> None:
        self.since = self.started_at = now
        self.stretch = stretch
        self.running = True
        self.runs += 1

    def fail(self, words: str) -> None:
        self.streak += 1
        self.failures += 1
        self.last_error = words

    def status(self, now: float) -> JobStatus:
        enabled, due = self.job.enabled(), self.due(now)
        waits = not enabled or (self.job.wake is not None and due <= now)
        took = None if self.started_at is None or self.ended_at is None else self.ended_at - self.started_at
        return JobStatus(
            name=self.job.name,
            help=self.job.help,
            enabled=enabled,
            running=self.running,
            runs=self.runs,
            failures=self.failures,
            started_at=self.started_at,
            ended_at=self.ended_at,
            took_sec=None if self.running else took,
            last_error=self.last_error,
            next_at=None if waits else due,
        )


class JobRunner:
    """Runs the jobs of a table, each in a task of its own and never twice at once."""

    def __init__(
        self,
        jobs: Iterable[Job],
        now: Callable[[], float],
        rng: random.Random,
        remembered: Remembered,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._lines = {job.name: _Line(job) for job in jobs}
        self._now = now
        self._rng = rng
        self._remembered = remembered
        self._sleep = sleep

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run until the context ends; what runs then is cancelled. Raises what `remembered` raises."""
        self._recall(await self._remembered.all())
        tasks = [spawn(self._cycle(line), f"job {name}") for name, line in self._lines.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def status(self) -> tuple[JobStatus, ...]:
        """How each job is doing, in the order of the table."""
        now = self._now()
        return tuple(line.status(now) for line in self._lines.values())

    async def run_now(self, name: str) -> JobStatus:
        """Run a job at once, after the run that may be going on, and wait for its end. Raises `KeyError`."""
        line = self._lines[name]
        await self._run(line)
        return line.status(self._now())

    def _recall(self, values: Mapping[str, str]) -> None:
        now = self._now()
        for name, line in self._lines.items():
            job = line.job
            line.stretch = self._stretch(job)
            if job.remembered:
                line.since = _moment(values.get(_key(name), ""))
            elif job.wake is None:
                line.since = now

    async def _cycle(self, line: _Line) -> None:
        job = line.job
        while True:
            wait = line.due(self._now()) - self._now()
            if wait > 0:
                await self._sleep(min(wait, _LOOK_SEC))
                continue
            if job.wake is not None:
                await job.wake.wait()
                job.wake.clear()
            if job.enabled():
                await self._run(line)
            elif job.wake is None:
                await self._sleep(min(max(1.0, job.every()), _LOOK_SEC))

    async def _run(self, line: _Line) -> None:
        job = line.job
        async with line.lock:
            started = self._now()
            line.begin(started, self._stretch(job))
            try:
                await job.work()
                if job.remembered:
                    await self._remembered.put(_key(job.name), str(started), self._now())
                line.streak = 0
            except Exception as error:  # the edge: whatever happens in a job, the next turn comes
                line.fail(_words(error))
                if line.streak == 1:
                    _log.warning("job failed; it will be tried again", job=job.name, error=line.last_error)
            finally:
                line.running = False
                line.ended_at = self._now()

    def _stretch(self, job: Job) -> float:
        return 1.0 + job.jitter * self._rng.random()


def _key(name: str) -> str:
    return f"job.{name}"


def _moment(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _words(error: Exception) -> str:
    """One line. Only the store's own errors are quoted: the text of others may hold a secret."""
    return str(error) if isinstance(error, StoreError) else f"{type(error).__name__} at {where(error)}"
