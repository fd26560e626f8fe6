"""Hypothesis plays with the pool: whatever is done in whatever order, the promises hold."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pooling import AUTO, CONSOLE, FAST, World, account, problem

from grok2api.accounts.lifecycle import Persist
from grok2api.accounts.model import State
from grok2api.accounts.selection import Reason
from grok2api.canonical.problem import Kind, Refusal
from grok2api.catalog import Tier

CAP = 2
IDS = [f"acc_{number}" for number in range(6)]
TIERS = [Tier.BASIC, Tier.BASIC, Tier.SUPER, Tier.SUPER, Tier.HEAVY, Tier.BASIC]
KINDS = [kind for kind in Kind if kind is not Kind.NO_ACCOUNT]


def now(coroutine: Any) -> Any:
    """The result of a coroutine that never waits."""
    return asyncio.run(coroutine)


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        accounts = [account(number, tier) for number, tier in enumerate(TIERS)]
        self.world = World(accounts, max_inflight=CAP)
        self.out: list[tuple[Any, Any]] = []

    @rule(
        need=st.sampled_from([FAST, AUTO, CONSOLE]),
        without=st.lists(st.sampled_from(IDS), max_size=3),
    )
    def lease(self, need: Any, without: list[str]) -> None:
        leasing = self.world.pool.lease(need, without=without)
        try:
            lease = now(leasing.__aenter__())
        except Refusal as refusal:
            self.check_refusal(refusal)
            return
        chosen = self.world.pool.get(lease.credential.account_id)
        assert chosen is not None
        assert chosen.id not in without
        assert chosen.state in (State.ACTIVE, State.SUSPECT)
        assert lease.mode in need.modes
        assert lease.tier in need.tiers
        self.out.append((leasing, lease))

    def check_refusal(self, refusal: Refusal) -> None:
        assert refusal.problem.retry_after is not None
        assert refusal.problem.retry_after >= 1

    @precondition(lambda self: self.out)
    @rule(data=st.data(), kind=st.sampled_from([None, "ok", *KINDS]), hint=st.sampled_from([None, 5.0, 5000.0, 1e6]))
    def settle(self, data: Any, kind: Any, hint: float | None) -> None:
        leasing, lease = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        if kind == "ok":
            lease.succeeded()
        elif kind is not None:
            lease.failed(problem(kind, hint))
        before = len(self.world.effects)
        now(leasing.__aexit__(None, None, None))
        now(leasing.__aexit__(None, None, None))
        assert sum(isinstance(effect, Persist) for effect in self.world.effects[before:]) <= 1

    @rule(seconds=st.sampled_from([1.0, 61.0, 901.0, 90_000.0]))
    def tick(self, seconds: float) -> None:
        self.world.time += seconds

    @rule(ident=st.sampled_from(IDS))
    def disable(self, ident: str) -> None:
        self.world.pool.disable(ident)

    @rule(ident=st.sampled_from(IDS))
    def enable(self, ident: str) -> None:
        self.world.pool.enable(ident)

    @invariant()
    def counts_hold(self) -> None:
        pool = self.world.pool
        counts = [pool.in_flight(ident) for ident in IDS]
        assert all(0 <= count <= CAP for count in counts)
        assert sum(counts) == len(self.out) == pool.census().in_flight

    @invariant()
    def lanes_agree_with_slots(self) -> None:
        for section in self.world.pool._seats.sections.values():
            for lane in section.lanes.values():
                assert sum(lane.counts.values()) == lane.size
                assert all(lane.reason(slot) is Reason.READY for slot in lane.ready.slots)

    def teardown(self) -> None:
        for leasing, _ in self.out:
            now(leasing.__aexit__(None, None, None))
        assert self.world.pool.census().in_flight == 0


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
