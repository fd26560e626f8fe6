"""Answers that are made whoever waits for them: begun now, looked at, listened to, given up and fetched later.

An answer is a run of this process and a row of the store. The process holds the row for seconds at a time; every second
it writes what frames have come and learns who wants what to end. Other processes serve from the store, and end what a
dead one has left. Nothing is begun a second time.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.recorded import Piece, frames_of
from grok2api.canonical.stored import Stored
from grok2api.dialects.sse import encode_json
from grok2api.gateway.background_run import STOPPED, Run
from grok2api.gateway.exchange import Exchange
from grok2api.gateway.films import Busy
from grok2api.gateway.recording import frames_from
from grok2api.gateway.respond import Batch
from grok2api.storage.errors import RefusedValues, StoreError
from grok2api.transport.tasks import spawn

#: A run that nobody has said to hold for so long is free; holders say so, and write, several times in that span.
HOLD_SEC = 10.0
BEAT_SEC = 1.0
#: Seconds between two looks for what dead processes have left, and between two looks for new frames of others.
LOOK_SEC = 3.0
EXPIRE_SEC = 600.0
FOLLOW_SEC = 0.25
#: How long who gives an answer up waits for it to be written, or for its process to say so.
PATIENCE_SEC = 2.0
#: Pieces that are read from the store at a time, and runs that are taken up at a time.
_PIECES = 8
_LEFT = 50
_EXPIRE_STEP = 200
_SEE_SEC = 0.05
#: Seconds between two looks for an account that is free.
_LOOK_FOR_ACCOUNT_SEC = 1.0

_FULL = Problem(
    kind=Kind.NO_ACCOUNT,
    message="Too many answers wait to be made in the background; ask again in a few seconds",
    code="too_many_background",
    retry_after=5.0,
)
_UNKEPT = Problem(kind=Kind.INTERNAL, message="The answer was made, and is too large to be stored")
_BROKEN = Problem(kind=Kind.INTERNAL, message="The gateway made a mistake; its log has the details")

_log = structlog.stdlib.get_logger(__name__)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs are worked on in this process, and how many more it takes.

    Seconds: patience, for a free account; replay, for which a stream is kept.
    """

    at_once: int = 16
    waiting: int = 64
    patience: float = 600.0
    replay: float = 86400.0


class Held(Protocol):
    """What a holder is told of its rows: those that are its own still, and those of them that are to end."""

    @property
    def mine(self) -> Collection[str]: ...
    @property
    def cancelling(self) -> Collection[str]: ...


class RunStore(Protocol):
    """Responses in the store, as far as they are worked on; see `storage.responses`. Raises `StoreError`."""

    async def add(self, stored: Stored, pieces: Sequence[Piece]) -> None: ...
    async def get(self, ident: str) -> Stored | None: ...
    async def keep(self, stored: Stored, holder: str, pieces: Sequence[Piece]) -> bool: ...
    async def record(self, pieces: Mapping[str, Sequence[Piece]]) -> None: ...
    async def hold(self, idents: Collection[str], holder: str, until: float) -> Held: ...
    async def take(self, holder: str, now: float, until: float, most: int) -> list[Stored]: ...
    async def ask_to_stop(self, ident: str) -> bool: ...
    async def frames(self, ident: str, place: int, most: int) -> list[Piece]: ...
    async def expire_frames(self, before: float, most: int) -> int: ...


class Background:
    """All runs.

    answer, refused: the gateway's. ended: the response object and the last frames, from a number on, of a response
    whose process is gone; no problem: it was given up. tell: has other processes hear of an id. holder: this process.
    """

    def __init__(
        self,
        answer: Callable[[Exchange], AsyncGenerator[Batch, None]],
        refused: Callable[[Exchange], Problem | None],
        store: RunStore,
        ended: Callable[[Mapping[str, Any], int, Problem | None], tuple[Mapping[str, Any], bytes]],
        options: Callable[[], Options],
        now: Callable[[], float],
        holder: str,
        busy: Busy,
        tell: Callable[[str], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._answer = answer
        self._refused = refused
        self._store = store
        self._ended = ended
        self._options = options
        self._now = now
        self._holder = holder
        self._busy = busy
        self._tell = tell
        self._sleep = sleep
        self._runs: dict[str, Run] = {}
        self._waiting: deque[Run] = deque()
        self._working = 0
        self._writing = asyncio.Lock()
        self._closed = False
        self._trust_after = 0.0

    # --- for the endpoints

    async def begin(self, run: Run) -> None:
        """Take a run on, whatever becomes of the caller. Raises `Refusal` and `StoreError`; then nothing is left of it.

        Refused at once when too many wait, and when no account could begin it.
        """
        options = self._options()
        full = len(self._runs) >= options.at_once + options.waiting
        refused = _FULL if full else self._refused(run.exchange)
        if refused is not None:
            run.discard()
            raise Refusal(refused)
        self._runs[run.id] = run
        run.older = partial(self._pieces, run.id)
        await asyncio.shield(spawn(self._admit(run), "background answer taken on"))

    async def cancel(self, ident: str) -> None:
        """Have an answer end, and wait until it has; one that has ended stays as it is. Raises `StoreError`."""
        run = self._runs.get(ident)
        if run is not None:
            await self._stop(run, None)
        elif await self._store.ask_to_stop(ident):
            await self._tell(ident)
            await self._see_it_end(ident)

    async def forget(self, ident: str) -> None:
        """An answer was deleted: whoever works on it stops."""
        run = self._runs.get(ident)
        if run is None:
            await self._tell(ident)
        else:
            await self._stop(run, None)

    def heard(self, ident: str) -> None:
        """Another process was asked to end this one."""
        run = self._runs.get(ident)
        if run is not None:
            spawn(self._stop(run, None), "background answer given up")

    async def get(self, ident: str) -> Stored | None:
        """A response that this process works on, and knows better than the store; `None` when it does not."""
        run = self._runs.get(ident)
        if run is None:
            return None
        await run.presentable()
        return run.stored()

    async def recorded(self, ident: str) -> bool:
        """Whether frames of that response can be read. Raises `StoreError`."""
        return ident in self._runs or bool(await self._store.frames(ident, 0, 1))

    def frames(self, ident: str, after: int) -> AsyncGenerator[bytes, None]:
        """The frames behind the one of that number, live until the last. Raises `StoreError` and `Missing`."""
        run = self._runs.get(ident)
        return self._follow(ident, after) if run is None else run.listen(after)

    async def _pieces(self, ident: str, place: int) -> Sequence[Piece]:
        return await self._store.frames(ident, place, _PIECES)

    async def _follow(self, ident: str, after: int) -> AsyncGenerator[bytes, None]:
        """The same for a run of another process, or of one that is gone: from the store, as it is written there."""
        place = after + 1
        while True:
            known = await self._store.get(ident)
            while pieces := await self._pieces(ident, place):
                for piece in pieces:
                    yield frames_from(piece, place)
                    place = piece.behind
            if known is None or known.over:
                return
            await self._sleep(FOLLOW_SEC)

    async def _see_it_end(self, ident: str) -> None:
        for _ in range(round(PATIENCE_SEC / _SEE_SEC)):
            known = await self._store.get(ident)
            if known is None or known.over:
                return
            if known.held_until < self._now():
                await self.look()
            await self._sleep(_SEE_SEC)

    # --- work

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until the context ends. What is not over then has failed, and says why."""
        with suppress(StoreError):
            await self.look()
        try:
            yield
        finally:
            self._closed = True
            stops = [self._stop(run, STOPPED) for run in self._runs.values()]
            await asyncio.gather(*stops, return_exceptions=True)

    async def beat(self) -> None:
        """Write what has come, hold on, and end what somebody has given up. Raises `StoreError`."""
        if not self._runs:
            return
        async with self._writing:
            runs = [run for run in self._runs.values() if run.known is not None]
            await self._record([run for run in runs if not run.over])
            held = await self._store.hold([run.id for run in runs], self._holder, self._now() + HOLD_SEC)
        for run in runs:
            if run.id not in held.mine:
                self._lose(run)
            elif run.over:
                await self._end(run)
            elif run.id in held.cancelling:
                spawn(self._stop(run, None), "background answer given up")

    async def look(self) -> None:
        """End what dead processes have left. Raises `StoreError`.

        After the store was away every holder gets the time to say that it is alive.
        """
        now = self._now()
        if now < self._trust_after or self._closed:
            return
        try:
            found = await self._store.take(self._holder, now, now + HOLD_SEC, _LEFT)
            for left in found:
                if left.id not in self._runs:
                    await self._bury(left)
        except StoreError:
            self._trust_after = now + HOLD_SEC
            raise

    async def expire(self) -> None:
        """Forget what streams have sent that began long ago. Raises `StoreError`."""
        before = self._now() - self._options().replay
        while await self._store.expire_frames(before, _EXPIRE_STEP) == _EXPIRE_STEP:
            pass

    async def _bury(self, left: Stored) -> None:
        """Say the end of an answer whose process is gone."""
        place = 0
        while pieces := await self._pieces(left.id, place):
            place = pieces[-1].behind
        document = msgspec.json.decode(left.response)
        document, frames = self._ended(document, place, None if left.cancelling else STOPPED)
        over = msgspec.structs.replace(left, status=document["status"], response=encode_json(document))
        await self._store.keep(over, self._holder, [Piece.of(place, frames_of(frames))])

    async def _admit(self, run: Run) -> None:
        document, pieces = run.writer.document, run.recording.unsaved()
        held = {"holder": self._holder, "held_until": self._now() + HOLD_SEC}
        try:
            await self._store.add(msgspec.structs.replace(run.stored(), **held), pieces)
        except BaseException:
            del self._runs[run.id]
            run.discard()
            raise
        run.known = document
        run.recording.saved(pieces)
        if run.over:
            await self._end(run)  # the process stops at this very moment
        else:
            self._waiting.append(run)
            self._advance()

    def _advance(self) -> None:
        """Begin with as many as there is room for."""
        while self._waiting and self._working < self._options().at_once and not (self._closed or self._busy.draining):
            run = self._waiting.popleft()
            self._working += 1
            run.task = spawn(self._work(run), "background answer")

    async def _work(self, run: Run) -> None:
        """One run, to its end."""
        run.started = True
        self._busy.enter()
        try:
            if not run.stopping:
                await self._make(run)
        except asyncio.CancelledError:
            pass  # whoever cancels has said why in the run
        except Exception:
            _log.exception("bug", response=run.id)
            run.reason = _BROKEN
        finally:
            self._busy.leave()
            self._working -= 1
            run.close()
            self._advance()
        await self._end(run)

    async def _make(self, run: Run) -> None:
        until = self._now() + self._options().patience
        while self._refused(run.exchange) is not None and self._now() < until:
            await self._sleep(_LOOK_FOR_ACCOUNT_SEC)
        run.begin()
        async with aclosing(self._answer(run.exchange)) as batches:
            async for choice, events in batches:
                run.feed(events, choice)

    async def _stop(self, run: Run, reason: Problem | None) -> None:
        """Have a run end, and wait until it has, and a little for that to be written."""
        if not (run.over or run.stopping):
            run.stopping, run.reason = True, reason
            if run.task is None:
                with suppress(ValueError):  # it is being taken on at this moment
                    self._waiting.remove(run)
                run.close()
                run.task = spawn(self._end(run), "background answer's end")
            elif run.started:
                run.task.cancel()
        if run.task is not None:
            await asyncio.wait([run.task], timeout=PATIENCE_SEC)

    async def _end(self, run: Run) -> None:
        """Write the end and show it; when the store is away, the next beat writes it."""
        try:
            async with self._writing:
                if run.known is not None and run.id in self._runs:
                    await self._save(run)
                    del self._runs[run.id]
            await run.written()
        except StoreError as error:
            _log.warning("the end of a background answer is not stored yet", response=run.id, reason=str(error))
        finally:
            run.show()

    async def _save(self, run: Run) -> None:
        try:
            await self._store.keep(run.stored(), self._holder, run.unsaved())
        except RefusedValues as error:
            _log.error("a background answer cannot be stored", response=run.id, reason=str(error))
            document, _ = self._ended(msgspec.json.decode(run.first), 0, _UNKEPT)
            lost = msgspec.structs.replace(run.stored(), status=document["status"], response=encode_json(document))
            await self._store.keep(lost, self._holder, ())

    async def _record(self, runs: Sequence[Run]) -> None:
        new = {run.id: pieces for run in runs if (pieces := run.recording.unsaved())}
        try:
            if new:
                await self._store.record(new)
        except RefusedValues:
            await self._record_each(new)
        for run in runs:
            run.recording.saved(new.get(run.id, ()))
            document = run.writer.document
            if run.changed and not run.over and await self._store.keep(run.stored(), self._holder, ()):
                run.known = document

    async def _record_each(self, new: Mapping[str, Sequence[Piece]]) -> None:
        """Piece by piece; one that the store cannot take is missing there, and who needs it is cut off."""
        for ident, pieces in new.items():
            for piece in pieces:
                try:
                    await self._store.record({ident: [piece]})
                except RefusedValues as error:
                    _log.error("frames cannot be stored", response=ident, first=piece.first, reason=str(error))

    def _lose(self, run: Run) -> None:
        """It is in the store no more, or somebody else's there."""
        if self._runs.pop(run.id, None) is not None:
            spawn(self._stop(run, STOPPED), "background answer lost")
