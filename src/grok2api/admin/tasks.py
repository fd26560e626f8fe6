"""Work over many accounts that goes on by itself: started by one call, followed and cancelled by others.

A task is known for `KEPT_SEC` seconds after its end, and no more than `MOST` are known at a time. Whoever follows one
is told where it stands, then each step, then how it ended; who reads slowly misses steps, never the end.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import Any

import msgspec
import structlog

from grok2api.admin.codes import refuse
from grok2api.storage.errors import StoreError
from grok2api.transport.tasks import spawn

KEPT_SEC = 300.0
MOST = 100
MOST_RUNNING = 8
_BEHIND = 1000

_log = structlog.stdlib.get_logger("grok2api.admin")


class Step(msgspec.Struct, frozen=True):
    """What was done to one account: `detail` when it went well, else `error` in words. `item` is the account's id."""

    item: str
    detail: Mapping[str, Any] = {}
    error: str = ""


Steps = AsyncGenerator[Step, None]


class Status(StrEnum):
    """How a task stands."""

    RUNNING = "running"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"


class Summary(msgspec.Struct, frozen=True):
    """How many accounts were meant, and how they fared."""

    total: int
    ok: int
    fail: int


class Outcome(msgspec.Struct, frozen=True):
    """What came of a batch: by account id, or by the place in the request for what is no account."""

    status: str
    summary: Summary
    results: Mapping[str, Any]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a task stands, and the events of its stream. `result` is there once it is done."""

    type: str = ""
    task_id: str
    status: Status
    total: int
    processed: int
    ok: int
    fail: int
    warning: str | None
    item: str | msgspec.UnsetType = msgspec.UNSET
    detail: Any | msgspec.UnsetType = msgspec.UNSET
    error: str | msgspec.UnsetType | None = msgspec.UNSET
    result: Outcome | msgspec.UnsetType = msgspec.UNSET


class Work:
    """Steps as they are taken, counted: the core of a batch, synchronous or not."""

    def __init__(self, total: int, steps: Steps) -> None:
        self.total = total
        self.ok = 0
        self.fail = 0
        self._steps = steps
        self._results: dict[str, Any] = {}

    async def run(self, told: Callable[[Step], None] = lambda step: None) -> Outcome:
        """Take every step; what came of them."""
        async with aclosing(self._steps) as steps:
            async for step in steps:
                self._results[step.item] = {"error": step.error} if step.error else step.detail
                if step.error:
                    self.fail += 1
                else:
                    self.ok += 1
                told(step)
        return self.outcome()

    def outcome(self) -> Outcome:
        """What came of the steps so far."""
        return Outcome("success", Summary(self.total, self.ok, self.fail), self._results)


class Task:
    """One piece of work on its own."""

    def __init__(self, ident: str, work: Work, now: Callable[[], float]) -> None:
        self.ident = ident
        self.ended_at: float | None = None
        self._work = work
        self._now = now
        self._status = Status.RUNNING
        self._trouble = ""
        self._followers: set[asyncio.Queue[Snapshot]] = set()
        self._running = spawn(self._run(), f"batch {ident}")
        self._running.add_done_callback(self._stopped)

    def snapshot(self, kind: str = "", **more: Any) -> Snapshot:
        """How it stands now."""
        work = self._work
        if self._status is not Status.RUNNING:
            more |= {"result": work.outcome()}
        if self._trouble:
            more |= {"error": self._trouble}
        return Snapshot(
            type=kind,
            task_id=self.ident,
            status=self._status,
            total=work.total,
            processed=work.ok + work.fail,
            ok=work.ok,
            fail=work.fail,
            warning=f"{work.fail} of {work.total} failed" if work.fail else None,
            **more,
        )

    def cancel(self) -> None:
        """End it after the step that is being taken; nothing if it has ended."""
        self._running.cancel()

    async def wait(self) -> None:
        """Wait for its end."""
        await asyncio.wait([self._running])

    async def follow(self) -> AsyncGenerator[Snapshot, None]:
        """Where it stands, each step, and its end."""
        queue: asyncio.Queue[Snapshot] = asyncio.Queue(_BEHIND)
        self._followers.add(queue)
        try:
            if self._status is Status.RUNNING:
                yield self.snapshot("snapshot")
                while (event := await queue.get()).type == "progress":
                    yield event
                yield event
            else:
                yield self.snapshot("snapshot")
                yield self.snapshot(self._status.value)
        finally:
            self._followers.discard(queue)

    async def _run(self) -> None:
        try:
            await self._work.run(self._step)
            self._end(Status.DONE)
        except StoreError as error:
            self._trouble = str(error)
            self._end(Status.ERROR)
        except Exception:
            _log.exception("bug", task=self.ident)
            self._trouble = "The gateway made a mistake; its log has the details"
            self._end(Status.ERROR)

    def _stopped(self, _: asyncio.Task[None]) -> None:
        if self._status is Status.RUNNING:
            self._end(Status.CANCELLED)

    def _step(self, step: Step) -> None:
        if self._followers:
            detail = step.detail or None
            self._tell(self.snapshot("progress", item=step.item, detail=detail, error=step.error or None))

    def _end(self, status: Status) -> None:
        self._status = status
        self.ended_at = self._now()
        self._tell(self.snapshot(status.value))

    def _tell(self, event: Snapshot) -> None:
        for queue in self._followers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)


class Tasks:
    """The tasks that are known."""

    def __init__(self, now: Callable[[], float], new_id: Callable[[], str]) -> None:
        self._now = now
        self._new_id = new_id
        self._known: dict[str, Task] = {}

    def start(self, work: Work) -> Task:
        """Begin. Raises `Refusal` when too many run already."""
        self._forget(room=1)
        running = sum(task.ended_at is None for task in self._known.values())
        if running >= MOST_RUNNING:
            raise refuse("too_many_tasks", f"{running} tasks run already; wait for one, or cancel it", retry_after=5)
        task = Task(self._new_id(), work, self._now)
        self._known[task.ident] = task
        return task

    def find(self, ident: str) -> Task:
        """The task of that id. Raises `Refusal`."""
        self._forget(room=0)
        task = self._known.get(ident)
        if task is None:
            raise refuse("task_not_found", "There is no such task; a task is forgotten 300 s after its end", "task_id")
        return task

    async def close(self) -> None:
        """Cancel what runs and wait for it."""
        for task in self._known.values():
            task.cancel()
        for task in self._known.values():
            await task.wait()

    def _forget(self, room: int) -> None:
        """Drop what ended too long ago, and the oldest of too many: there is to be room for so many more."""
        before = self._now() - KEPT_SEC
        ended = [ident for ident, task in self._known.items() if task.ended_at is not None]
        over = len(self._known) - MOST + room
        for place, ident in enumerate(ended):
            if place < over or (self._known[ident].ended_at or before) < before:
                del self._known[ident]
