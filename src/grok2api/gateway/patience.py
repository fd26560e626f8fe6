"""How long an attempt waits for its upstream.

One timer for an attempt, not one for each read: it looks whether the present read is overdue and
re-arms itself, so that a read costs two assignments. A read that is overdue is cancelled from within
and surfaces as `TimeoutError`; a cancellation from outside stays what it is.
"""

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


class Patience:
    """A context manager around one attempt's reads.

    Starts with `first` seconds to the first output; after `relax()` each read may take `idle` seconds.
    `until` is the loop time at which everything must be over.
    """

    __slots__ = ("_due", "_expired", "_first", "_first_due", "_handle", "_idle", "_loop", "_task", "_until")

    def __init__(self, first: float, idle: float, until: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._first = first
        self._first_due: float | None = self._loop.time() + first
        self._idle = idle
        self._until = until
        self._due = 0.0
        self._task: asyncio.Task[object] | None = None
        self._expired = False
        self._handle: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._arm()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def relax(self) -> None:
        """The first output is here: from now on only silence counts."""
        self._first_due = None

    def renew(self) -> None:
        """The upstream has not been asked yet: the wait for its first output begins now."""
        if self._first_due is not None:
            self._first_due = self._loop.time() + self._first

    async def read(self, source: AsyncGenerator[T, None]) -> T:
        """The next item. Raises `TimeoutError` when it takes too long, `StopAsyncIteration` at the end."""
        self._task = asyncio.current_task()
        if self._first_due is None:
            self._due = min(self._loop.time() + self._idle, self._until)
        else:
            self._due = min(self._first_due, self._until)
        try:
            return await source.__anext__()
        except asyncio.CancelledError:
            if self._expired and self._task is not None and self._task.uncancel() <= 0:
                raise TimeoutError from None
            raise
        finally:
            self._task = None

    def _arm(self) -> None:
        at = self._first_due if self._first_due is not None else self._loop.time() + self._idle
        self._handle = self._loop.call_at(min(at, self._until), self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if self._task is None:
            self._handle = self._loop.call_at(now + min(1.0, self._idle), self._look)
        elif now >= self._due:
            self._expired = True
            self._task.cancel()
        else:
            self._handle = self._loop.call_at(self._due, self._look)
