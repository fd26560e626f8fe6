"""Ten thousand answers that end anyhow: finished, failed, broken, given up by their client, cancelled in any moment."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from gateway_fakes import FakeUpstream, request, watch, work

from grok2api.accounts.leases import Need
from grok2api.accounts.model import Kind, State, new_account
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.pool import AccountPool
from grok2api.canonical.events import Ended, Fact, Failed, Said
from grok2api.canonical.problem import Kind as Cause
from grok2api.canonical.problem import Problem
from grok2api.catalog import Tier
from grok2api.gateway.policy import Policy
from grok2api.gateway.respond import respond
from grok2api.gateway.turns import Report
from grok2api.upstreams.base import Task

ACCOUNTS, CAP, WAVES, WAVE = 10, 4, 100, 100
NEED = Need(tiers=(Tier.API,), modes=("api",))
FAILURES = (Cause.RATE_LIMITED, Cause.UPSTREAM_DOWN, Cause.UNAUTHORIZED, Cause.CHALLENGE, Cause.EMPTY, Cause.FORBIDDEN)


class Restless(FakeUpstream):
    """Waits, speaks, fails or breaks as chance has it; knows how many attempts an account has at once."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng
        self.running: Counter[str] = Counter()
        self.most = 0

    async def converse(self, task: Task) -> AsyncGenerator[list[Fact], None]:
        account = task.credential.account_id
        self.running[account] += 1
        self.most = max(self.most, self.running[account])
        try:
            while self.rng.random() < 0.7:
                await asyncio.sleep(0)
                if self.rng.random() < 0.5:
                    yield [Said("x")]
            fate = self.rng.random()
            if fate < 0.1:
                raise ZeroDivisionError
            if fate < 0.4:
                yield [Failed(Problem(kind=self.rng.choice(FAILURES), message="", retry_after=1))]
            else:
                yield [Said("y"), Ended()]
        finally:
            self.running[account] -= 1


async def listen(pool: AccountPool, upstream: Restless, patience: int) -> str:
    """Ask, and leave after `patience` batches; how it ended."""
    report, last = Report(), None
    job = work(upstream, request=request(), need=NEED)
    try:
        async with aclosing(respond(job, pool, Policy(accounts=3), watch(), report)) as batches:
            async for _, batch in batches:
                last, patience = batch[-1], patience - 1
                if patience == 0:
                    return "left"
                await asyncio.sleep(0)
    except ZeroDivisionError:
        return "bug"
    return type(last).__name__


@pytest.mark.parametrize("strategy", ["quota", "random"])
async def test_P5_P13_ten_thousand_answers_that_end_anyhow_leave_no_lease_and_keep_the_cap(strategy: str) -> None:
    rng, clock = random.Random(11), [1_000_000.0]
    options = PoolOptions(strategy=strategy, max_inflight=CAP)  # type: ignore[arg-type]
    accounts = [new_account(f"acc_{number}", f"s{number}", Kind.API, Tier.API, 0.0) for number in range(ACCOUNTS)]
    pool = AccountPool(accounts, lambda: options, lambda: clock[0], random.Random(5), lambda _: None)
    upstream, ended = Restless(rng), Counter[str]()
    for _ in range(WAVES):
        tasks = [asyncio.ensure_future(listen(pool, upstream, rng.choice([1, 2, 99, 99]))) for _ in range(WAVE)]
        for _ in range(rng.randrange(12)):
            await asyncio.sleep(0)
        for task in rng.sample(tasks, WAVE // 4):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        ended.update(result if isinstance(result, str) else type(result).__name__ for result in results)
        assert pool.census().in_flight == sum(upstream.running.values()) == 0
        clock[0] += 90.0
        for one in pool.list():
            if one.state is not State.ACTIVE:
                pool.enable(one.id)
    assert ended.total() == WAVES * WAVE
    assert all(ended[way] > 100 for way in ("Finished", "Failed", "left", "bug", "CancelledError")), ended
    assert upstream.most == CAP
    assert all(pool.in_flight(one.id) == 0 for one in pool.list())
