"""Asking upstreams about quotas: who is asked about which mode, how many at once, and when to leave them alone.

The same question is never in flight twice: whoever asks meanwhile shares the answer, and another worker leaves it be.
A way that is blocked or broken (`Way`) is left alone for a while by questions that nobody waits for; what people ask by
hand goes through.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec
import structlog

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.transport.tasks import spawn
from grok2api.upstreams.base import Credential, Told, TransportError

_TIMEOUT_SEC = 25.0
#: How long nobody else asks after a worker was killed in mid-question.
_LOCK_SEC = 10.0
_LONGEST_PAUSE_SEC = 3600.0
_MOST_DOUBLINGS = 8

#: Failures in a row, of these kinds, after which a way is left alone, and for how many seconds at first.
_PATIENCE: Mapping[Kind, tuple[int, float]] = {
    Kind.CHALLENGE:     (1, 300.0),
    Kind.UNREACHABLE:   (3, 60.0),
    Kind.TIMEOUT:       (3, 60.0),
    Kind.CUT:           (3, 60.0),
    Kind.UPSTREAM_DOWN: (3, 60.0),
    Kind.RATE_LIMITED:  (3, 60.0),
    Kind.NOT_FOUND:     (3, 3600.0),
    Kind.UPSTREAM:      (10, 300.0),
}  # fmt: skip

#: Another worker asks just now.
ASKED_ELSEWHERE = Problem(kind=Kind.CONFLICT, code="asked_elsewhere", message="Another worker asks about this just now")

_log = structlog.stdlib.get_logger(__name__)


class QuotaSource(Protocol):
    """Whoever can tell quotas. `name` is the upstream, as people know it."""

    name: str

    async def ask(self, credential: Credential, mode: str) -> Told | None:
        """What is left of `mode`; `None` says that the credential works and there is no count to tell.

        Raises `Refusal` and `TransportError`.
        """
        ...


class Locks(Protocol):
    """Locks over all workers."""

    def hold(self, name: str, ttl: float) -> AbstractAsyncContextManager[bool]:
        """Try to take a lock for the length of the context; yields whether it is held."""
        ...


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one question: a count, a `problem`, or neither, when the credential works and nothing counts."""

    mode: str
    asked_at: float
    told: Told | None = None
    problem: Problem | None = None


class Way:
    """How the way to one source has been lately. `until`: when to go there again."""

    __slots__ = ("_failures", "_pauses", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self._failures = 0
        self._pauses = 0

    def note(self, problem: Problem | None, now: float) -> bool:
        """Take in what became of a question; whether the way is left alone from now on."""
        if problem is None or problem.kind not in _PATIENCE:
            self.until, self._failures, self._pauses = 0.0, 0, 0
            return False
        if now < self.until:
            return False
        self._failures += 1
        failures, pause = _PATIENCE[problem.kind]
        if self._failures < failures:
            return False
        pause = min(pause * 2.0 ** min(self._pauses, _MOST_DOUBLINGS), _LONGEST_PAUSE_SEC)
        self.until = now + max(pause, min(problem.retry_after or 0.0, _LONGEST_PAUSE_SEC))
        self._failures, self._pauses = 0, self._pauses + 1
        return True


class Asking:
    """Questions in flight. `sources`: who is asked, by mode. `bound`: how many at once, now. `locks`: so that no other
    worker asks the same meanwhile, if there are others."""

    def __init__(
        self,
        sources: Mapping[str, QuotaSource],
        bound: Callable[[], int],
        now: Callable[[], float],
        locks: Locks | None = None,
    ) -> None:
        self._locks = locks
        self._sources = sources
        self._bound = bound
        self._now = now
        self._flights: dict[tuple[Credential, str], asyncio.Task[Answer]] = {}
        self._ways = {source.name: Way() for source in sources.values()}
        self._room = asyncio.Semaphore(bound())
        self._room_for = bound()

    def knows(self, mode: str) -> bool:
        """Whether anybody can be asked about this mode."""
        return mode in self._sources

    def until(self, mode: str) -> float:
        """When questions that nobody waits for may go there again; a time that is over means now."""
        source = self._sources.get(mode)
        return 0.0 if source is None else self._ways[source.name].until

    async def ask(self, credential: Credential, mode: str) -> Answer:
        """The answer; shared with everybody who asks the same meanwhile. Asking goes on when one of them leaves."""
        key = (credential, mode)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = spawn(self._ask_alone(credential, mode), "quota question")
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """End what is in flight."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _ask_alone(self, credential: Credential, mode: str) -> Answer:
        """The answer, unless another worker asks the same: what it is told is known here a moment later."""
        if self._locks is None:
            return await self._ask(credential, mode)
        async with self._locks.hold(f"quota/{credential.account_id}/{mode}", _LOCK_SEC) as mine:
            if not mine:
                return Answer(mode=mode, asked_at=self._now(), problem=ASKED_ELSEWHERE)
            return await self._ask(credential, mode)

    async def _ask(self, credential: Credential, mode: str) -> Answer:
        source = self._sources[mode]
        async with self._free():
            asked_at = self._now()
            told, problem = await _told(source, credential, mode)
        if self._ways[source.name].note(problem, self._now()) and problem is not None:
            _log.warning(
                "quotas are not asked for a while", upstream=source.name, problem=problem.kind, said=problem.message
            )
        _log.debug(
            "quota asked",
            account=credential.account_id,
            mode=mode,
            left=None if told is None else told.remaining,
            problem=None if problem is None else problem.kind,
        )
        return Answer(mode=mode, asked_at=asked_at, told=told, problem=problem)

    def _free(self) -> asyncio.Semaphore:
        """The room for questions; made anew when the bound has changed, and those inside leave by the old one."""
        if self._bound() != self._room_for:
            self._room_for = self._bound()
            self._room = asyncio.Semaphore(self._room_for)
        return self._room


async def _told(source: QuotaSource, credential: Credential, mode: str) -> tuple[Told | None, Problem | None]:
    try:
        async with asyncio.timeout(_TIMEOUT_SEC):
            return await source.ask(credential, mode), None
    except (Refusal, TransportError) as error:
        return None, error.problem
    except TimeoutError:
        message = f"{source.name} did not tell its quota within {_TIMEOUT_SEC:.0f} s"
        return None, Problem(kind=Kind.TIMEOUT, message=message)
