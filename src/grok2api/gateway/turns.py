"""Which account makes the next attempt, and whether there is one: the one rule for answers and for pictures.

A lease for each attempt; who takes it makes the attempt while it lasts and says in his run what came of it. Another
account is tried only while the client has seen nothing that would be repeated, and only as far as the policy and the
budget of all requests allow.
"""

from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec

from grok2api.accounts.leases import Lease, Need, Pool
from grok2api.canonical.events import Usage
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.gateway.policy import OF_ONE_MODE, Policy, may_retry
from grok2api.gateway.watch import Watch


class Attempt(msgspec.Struct, kw_only=True):
    """What one attempt came to, for the log."""

    account: str
    mode: str
    trace: str
    problem: Problem | None = None


class Report(msgspec.Struct, kw_only=True):
    """What the log wants to know of a request; filled as it goes.

    held: why no further attempt was made, when that was for the sake of all. first_at: loop time.
    """

    attempts: list[Attempt] = msgspec.field(default_factory=list)
    held: str = ""
    usage: Usage | None = None
    finish: str = ""
    first_at: float | None = None


class Run(Protocol):
    """What the attempts work on. problem: why the last one failed. seen: whether a repetition would show."""

    problem: Problem | None
    seen: bool

    def asks_again(self) -> bool:
        """Whether the failure is to be answered by the same question in other words, which costs no attempt."""
        ...


async def turns(
    run: Run, need: Need, pool: Pool, policy: Policy, watch: Watch, report: Report
) -> AsyncGenerator[Lease, None]:
    """Yield a lease for each attempt. Raises `Refusal` when all that may be made have failed."""
    watch.began()
    without: list[str] = []
    failures = 0
    last: Problem | None = None
    while True:
        try:
            async with pool.lease(need, without=without) as lease:
                _let_out(watch, lease, report)
                yield lease
        except Refusal as refusal:
            raise Refusal(_worst(last, refusal.problem)) from None
        problem = run.problem
        if problem is None:
            return
        if run.asks_again():
            continue
        failures += 1
        if len(need.modes) == 1 or problem.kind not in OF_ONE_MODE:
            without.append(lease.credential.account_id)
        if run.seen or not may_retry(problem, policy, failures) or not _affords_another(watch, policy, report):
            raise Refusal(problem)
        last = problem


def _affords_another(watch: Watch, policy: Policy, report: Report) -> bool:
    """Whether all requests together leave room for one more attempt."""
    report.held = watch.may_retry(policy.retry_share)
    return not report.held


def _let_out(watch: Watch, lease: Lease, report: Report) -> None:
    """Raises `Refusal` when calls of this mode are held back; the lease then ends as if the client had left."""
    problem = watch.held_back(lease.mode)
    if problem is not None:
        report.held = f"not sent: calls of mode {lease.mode} are held back"
        raise Refusal(problem)


def _worst(last: Problem | None, refusal: Problem) -> Problem:
    """What the caller is told when no account is left: why the last attempt failed, or when to come back."""
    if last is None or last.kind in (Kind.RATE_LIMITED, Kind.ACCOUNT_LIMITED):
        return refusal
    return last if refusal.kind is Kind.NO_ACCOUNT else refusal
