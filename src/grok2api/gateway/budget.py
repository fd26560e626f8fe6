"""What all answers of this process together may ask of the upstreams: second attempts, and calls in a storm of limits.

Pure: time is an argument. A share of the requests of the last seconds may be tried twice (P10), and a handful always,
so that somebody who is alone with his gateway gets his second attempt. When nearly every call of a mode is answered by
a limit, calls of it are held back in proportion: the upstream has said what it wants, and trying account after account
would only put all of them to rest. A few still go out, and as soon as some are answered all of them do.
"""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

RETRY_SPAN_SEC = 10.0
#: Second attempts that are free in that time.
RETRY_FLOOR = 5

STORM_SPAN_SEC = 5.0
#: Limits that are no storm yet, in that time.
STORM_FLOOR = 20
#: A call that was taken stands for so many that may be tried.
_PER_TAKEN = 3


class Tally:
    """How often something happened in the last `span` seconds, told in tenths of them."""

    __slots__ = ("_buckets", "_span", "_total")

    def __init__(self, span: float) -> None:
        self._span = _tenths(span)
        self._buckets: deque[tuple[int, int]] = deque()
        self._total = 0

    def add(self, now: float) -> None:
        """It happened."""
        tenth = _tenths(now)
        if self._buckets and self._buckets[-1][0] >= tenth:
            self._forget_after(tenth)
        if self._buckets and self._buckets[-1][0] == tenth:
            self._buckets[-1] = (tenth, self._buckets[-1][1] + 1)
        else:
            self._buckets.append((tenth, 1))
        self._total += 1

    def total(self, now: float) -> int:
        """How often, until `now`."""
        tenth = _tenths(now)
        self._forget_after(tenth)
        while self._buckets and self._buckets[0][0] <= tenth - self._span:
            self._total -= self._buckets.popleft()[1]
        return self._total

    def _forget_after(self, tenth: int) -> None:
        """A clock that was put back would else keep what lies ahead of it for long."""
        while self._buckets and self._buckets[-1][0] > tenth:
            self._total -= self._buckets.pop()[1]


def _tenths(seconds: float) -> int:
    return int(seconds * 10 + 1e-6)


class Spent(NamedTuple):
    """The second attempts and the requests of the last seconds."""

    retries: int
    requests: int

    def __str__(self) -> str:
        return f"{self.retries} second attempts for {self.requests} requests in {RETRY_SPAN_SEC:.0f} s"


class RetryBudget:
    """Second attempts as a share of requests."""

    def __init__(self) -> None:
        self._requests = Tally(RETRY_SPAN_SEC)
        self._retries = Tally(RETRY_SPAN_SEC)

    def began(self, now: float) -> None:
        """A request is being answered."""
        self._requests.add(now)

    def take(self, now: float, share: float) -> bool:
        """Take one second attempt, if the budget has one left. A share of 0 has none."""
        spent = self.spent(now)
        if share <= 0 or spent.retries >= max(RETRY_FLOOR, share * spent.requests):
            return False
        self._retries.add(now)
        return True

    def spent(self, now: float) -> Spent:
        return Spent(self._retries.total(now), self._requests.total(now))


class _Mode:
    """How the calls of one mode fared, and the part of a call that may go out next."""

    __slots__ = ("credit", "held", "limited", "taken")

    def __init__(self) -> None:
        self.limited = Tally(STORM_SPAN_SEC)
        self.taken = Tally(STORM_SPAN_SEC)
        self.held = Tally(STORM_SPAN_SEC)
        self.credit = 0.0


class Throttle:
    """Holds calls back while a mode is limited and limited again."""

    def __init__(self) -> None:
        self._modes: dict[str, _Mode] = {}

    def ended(self, mode: str, now: float, *, limited: bool) -> None:
        """A call was answered: by a limit, or by anything else."""
        known = self._mode(mode)
        (known.limited if limited else known.taken).add(now)

    def admits(self, mode: str, now: float) -> bool:
        """Whether a call may go out. What is held back adds up until one may."""
        known = self._mode(mode)
        share = self.share(mode, now)
        if share >= 1.0:
            return True
        known.credit += share
        if known.credit >= 1.0:
            known.credit -= 1.0
            return True
        known.held.add(now)
        return False

    def share(self, mode: str, now: float) -> float:
        """The share of calls that may go out: 1 in good times."""
        known = self._mode(mode)
        taken = known.taken.total(now)
        asked = taken + known.limited.total(now) + known.held.total(now)
        return 1.0 - max(0.0, (asked - STORM_FLOOR - _PER_TAKEN * taken) / (asked + 1))

    def shares(self, now: float) -> Mapping[str, float]:
        """The share of each mode whose calls are held back now."""
        return {mode: share for mode in self._modes if (share := self.share(mode, now)) < 1.0}

    def _mode(self, mode: str) -> _Mode:
        return self._modes.setdefault(mode, _Mode())
