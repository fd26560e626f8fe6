"""What the answers of this process learn from each other: one object for all, asked and told by the one loop.

Holds the clock; what it remembers and decides is in `budget` and `ways`.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from grok2api.canonical.problem import Kind, Problem
from grok2api.gateway.budget import STORM_SPAN_SEC, RetryBudget, Throttle
from grok2api.gateway.ways import Way, Ways

_LIMITS = frozenset({Kind.RATE_LIMITED, Kind.ACCOUNT_LIMITED})


class Routes(Protocol):
    """The names of the ways out; none of them holds a secret."""

    def of(self, account: str) -> str:
        """The way that calls of this account go."""
        ...

    def all(self) -> tuple[str, ...]:
        """Every way there is."""
        ...


class Watch:
    """Second attempts, storms of limits, and how each way out fares."""

    def __init__(self, now: Callable[[], float], routes: Routes) -> None:
        self._now = now
        self._routes = routes
        self._budget = RetryBudget()
        self._throttle = Throttle()
        self._ways = Ways(routes.of)

    def began(self) -> None:
        """A request is being answered."""
        self._budget.began(self._now())

    def held_back(self, mode: str) -> Problem | None:
        """Why a call of this mode must not go out now; `None` when it may."""
        if self._throttle.admits(mode, self._now()):
            return None
        message = (
            f"Grok answers nearly every request for mode {mode} by a rate limit now, whichever account asks. Most are "
            "held back until that is over; try again in a few seconds."
        )
        return Problem(
            kind=Kind.NO_ACCOUNT, code="rate_limit_exceeded", message=message, retry_after=float(STORM_SPAN_SEC)
        )

    def answered(self, mode: str, upstream: str, account: str, problem: Problem | None) -> None:
        """An attempt has been answered: by the beginning of an answer, or by `problem`."""
        now = self._now()
        self._throttle.ended(mode, now, limited=problem is not None and problem.kind in _LIMITS)
        self._ways.note(account, upstream, problem, now)

    def may_retry(self, share: float) -> str:
        """Take a second attempt out of the budget; words when it has none left, nothing when it had."""
        now = self._now()
        return "" if self._budget.take(now, share) else f"no second attempt: {self._budget.spent(now)} already"

    def ways(self) -> tuple[Way, ...]:
        """How each way out fares, those in trouble first."""
        return self._ways.report(self._routes.all())

    def storms(self) -> Mapping[str, float]:
        """The share of calls that go out, for each mode that is held back now."""
        return self._throttle.shares(self._now())
