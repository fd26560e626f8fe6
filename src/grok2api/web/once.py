"""Requests with an `Idempotency-Key`: who sends the same one twice gets the same answer, made once (C8).

In memory, for an hour, and bounded in number and size. A request that comes while the first is being answered listens
to that; when nobody listens any more the work ends, as it does without a key (S13). What failed is forgotten, so that
it may be tried again.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec

from grok2api.canonical.events import Failed, Previewed, Produced
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Request
from grok2api.gateway.respond import Batch
from grok2api.transport.tasks import spawn

#: Seconds for which an answer is kept, how many are, and how many bytes of files they may hold together.
KEPT_SEC = 3600.0
MOST = 1000
LARGEST = 64 * 1024 * 1024

_REUSED = Problem(
    kind=Kind.CONFLICT,
    message="This Idempotency-Key was used for another request: send a new key, or the same request",
    param="idempotency-key",
    code="idempotency_key_reused",
)


def digest_of(request: Request, instead: str = "") -> bytes:
    """What makes two requests the same: what they ask for, however they were written down.

    instead: the model that a header asks for, in place of the request's.
    """
    drawing = msgspec.structs.replace(request.drawing, endpoint="") if request.drawing is not None else None
    asked = (instead or request.model, request.messages, drawing, request.stream, dict(request.given))
    return hashlib.sha256(msgspec.json.encode(asked)).digest()


class _Recording:
    """One answer: what came so far, and who listens."""

    def __init__(self, digest: bytes, since: float) -> None:
        self.digest = digest
        self.since = since
        self.batches: list[Batch] = []
        self.size = 0
        self.listeners = 0
        self.over = False
        self.error: Exception | None = None
        self.task: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    @property
    def failed(self) -> bool:
        return self.error is not None or not self.batches or isinstance(self.batches[-1][1][-1], Failed)

    async def record(self, answer: AsyncGenerator[Batch, None]) -> None:
        """Take the answer down to its end."""
        try:
            async with aclosing(answer):
                async for batch in answer:
                    self.batches.append(batch)
                    self.size += sum(len(event.data) for event in batch[1] if isinstance(event, Produced | Previewed))
                    self._wake()
        except Exception as error:  # a bug of ours: whoever listens raises it where it is rendered
            self.error = error
        finally:
            self.over = True
            self._wake()

    async def listen(self) -> AsyncGenerator[Batch, None]:
        """All batches, from the first on."""
        at = 0
        while True:
            more = self._more
            while at < len(self.batches):
                yield self.batches[at]
                at += 1
            if self.over:
                if self.error is not None:
                    raise self.error
                return
            if more is self._more:
                await more.wait()

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()


class Once:
    """The table of keys. `now` in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: OrderedDict[tuple[str, ...], _Recording] = OrderedDict()

    async def join(
        self, key: tuple[str, ...], digest: bytes, make: Callable[[], AsyncGenerator[Batch, None]]
    ) -> AsyncGenerator[Batch, None]:
        """The answer to the request of this key, made now or before."""
        recording = self._recording(key, digest, make)
        if recording.digest != digest:
            yield 0, [Failed(_REUSED)]
            return
        recording.listeners += 1
        try:
            async with aclosing(recording.listen()) as batches:
                async for batch in batches:
                    yield batch
        finally:
            recording.listeners -= 1
            await self._left(key, recording)

    def _recording(
        self, key: tuple[str, ...], digest: bytes, make: Callable[[], AsyncGenerator[Batch, None]]
    ) -> _Recording:
        self._forget_old()
        known = self._known.get(key)
        if known is None or (known.over and known.failed):
            known = self._known[key] = _Recording(digest, self._now())
            known.task = spawn(known.record(make()), "idempotent answer")
        return known

    async def _left(self, key: tuple[str, ...], recording: _Recording) -> None:
        """Nobody needs what is not over and has no listeners; what failed, and what is too large, is not kept."""
        if not recording.listeners and not recording.over and recording.task is not None:
            self._drop(key, recording)
            recording.task.cancel()
            await asyncio.gather(recording.task, return_exceptions=True)
        elif recording.over and recording.failed:
            self._drop(key, recording)
        self._forget_old()

    def _drop(self, key: tuple[str, ...], recording: _Recording) -> None:
        if self._known.get(key) is recording:
            del self._known[key]

    def _forget_old(self) -> None:
        """The oldest go first; what is still being answered stays."""
        now = self._now()
        over = [(key, known) for key, known in self._known.items() if known.over]
        size = sum(known.size for _, known in over)
        for key, known in over:
            if now - known.since <= KEPT_SEC and size <= LARGEST and len(self._known) <= MOST:
                return
            size -= known.size
            del self._known[key]
