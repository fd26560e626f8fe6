"""How many leases all workers hold together: the cap of an account holds over every process and machine (P13).

Each worker has a *session* in the books: a hash of counts that lives as long as the worker's beats come, so that the
leases of one that was killed are free again seconds later, all at once (P5). Counting is one script for all that was
asked while the last one ran: exact, in order, and cheaper the busier it gets. `give` only queues, so that giving back
can neither wait nor be cancelled.

While the books are away each worker keeps to an even share of the cap, and whoever waits is answered from that. What a
call that failed did is unknown; the next session begins with the worker's own truth and the old one is struck out.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import msgspec
import structlog

from grok2api.coordination.base import Away
from grok2api.transport.tasks import spawn

#: Seconds between two beats, and how long the leases of a worker live on without one.
BEAT_SEC = 1.0
TTL_SEC = 5.0

#: How long a give waits for others to go along; a take goes at once, and takes everything along.
GIVE_SEC = 0.005
#: Takes and gives in one call.
_BATCH = 512

_log = structlog.stdlib.get_logger(__name__)


class Entry(msgspec.Struct, eq=False):
    """One take, or with `future` None one give, of the counter `name`. Takes stay below `cap`."""

    name: str
    cap: int = 0
    future: asyncio.Future[bool] | None = None


class Books(Protocol):
    """Where the counts of all workers are. Every method raises `Away`."""

    async def hello(self, worker: str, session: str, held: Mapping[str, int]) -> int:
        """The worker lives and holds so much, in this session and no other; how many workers live."""
        ...

    async def enter(self, session: str, entries: Sequence[Entry]) -> Sequence[int] | None:
        """1 for each take that had room, 0 for the others and for gives; None when the session is not known."""
        ...

    async def bye(self, session: str) -> None:
        """Strike out the session."""
        ...


class Ledger:
    """This worker's side of the books. `living` workers were seen at the last beat; at least `expected` share a cap."""

    def __init__(self, books: Books, worker: str, expected: int = 1, beat: float = BEAT_SEC) -> None:
        self._books = books
        self._worker = worker
        self._beat = beat
        self._held: Counter[str] = Counter()
        self._queue: list[Entry] = []
        self._number = 0
        self._session = ""
        self._open = False
        self._due = True
        self._woken = asyncio.Event()
        self._expected = expected
        self.living = 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the books until the context ends; then strike this worker out. They are opened before it begins, if they
        are there: the first request finds them."""
        with suppress(Away):
            await self._turn()
        task = spawn(self._run(), "lease-ledger")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._lose(())
            with suppress(Away):  # then the session ends by itself
                await self._books.bye(self._session)

    async def take(self, name: str, cap: int) -> bool:
        """Count one more under `name`, unless `cap` are counted over all workers."""
        if not self._open:
            return self._alone(name, cap)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append(Entry(name, cap, future))
        self._woken.set()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.result():
                self.give(name)
            raise

    def give(self, name: str) -> None:
        """Count one less under `name`."""
        if not self._open:
            self._less(name)
            return
        if not self._queue:
            asyncio.get_running_loop().call_later(GIVE_SEC, self._woken.set)
        self._queue.append(Entry(name))

    def held(self, name: str) -> int:
        """What this worker counts under `name`."""
        return self._held[name]

    def _alone(self, name: str, cap: int) -> bool:
        if self._held[name] >= max(1, cap // max(self.living, self._expected)):
            return False
        self._held[name] += 1
        return True

    def _less(self, name: str) -> None:
        self._held[name] -= 1
        if self._held[name] <= 0:
            del self._held[name]

    async def _run(self) -> None:
        while True:
            try:
                await self._turn()
            except Away:
                self._lose(())
            except Exception:  # a bug of ours: nobody may wait for books that are not kept
                _log.exception("the lease ledger failed")
                self._lose(())
            await self._woken.wait()
            self._woken.clear()

    def _beat_is_due(self) -> None:
        self._due = True
        self._woken.set()

    async def _turn(self) -> None:
        if self._due:
            self._due = False
            asyncio.get_running_loop().call_later(self._beat, self._beat_is_due)
            if self._open:
                await self._hello()
            else:
                await self._begin()
        if self._queue:
            await self._settle()

    async def _begin(self) -> None:
        """Open a session, once the books were seen to be there: nobody waits for books that may be away."""
        self._number += 1
        self._session = f"{self._worker}.{self._number}"
        await self._hello()
        self._open = True  # from here on entries queue behind the truth that is told next
        await self._hello()

    async def _hello(self) -> None:
        self.living = await self._books.hello(self._worker, self._session, dict(self._held))

    async def _settle(self) -> None:
        """Enter what is queued, in order."""
        waiting = [entry for entry in self._queue if entry.future is None or not entry.future.done()]
        batch, self._queue = waiting[:_BATCH], waiting[_BATCH:]
        if self._queue:
            self._woken.set()
        if not batch:
            return
        try:
            results = await self._books.enter(self._session, batch)
            if results is None:
                await self._begin()
                results = await self._books.enter(self._session, batch)
        except BaseException:
            self._lose(batch)
            raise
        if results is None:
            self._lose(batch)
            return
        for entry, granted in zip(batch, results, strict=True):
            self._entered(entry, bool(granted))

    def _entered(self, entry: Entry, granted: bool) -> None:
        if entry.future is None:
            self._less(entry.name)
            return
        if granted:
            self._held[entry.name] += 1
        if not entry.future.done():
            entry.future.set_result(granted)
        elif granted:
            self.give(entry.name)  # whoever asked has left

    def _lose(self, batch: Sequence[Entry]) -> None:
        """The books are away: answer everybody from this worker's share."""
        self._open = False
        waiting, self._queue = [*batch, *self._queue], []
        for entry in waiting:
            if entry.future is None:
                self._less(entry.name)
            elif not entry.future.done():
                entry.future.set_result(self._alone(entry.name, entry.cap))
