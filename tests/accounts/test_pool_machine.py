"""Hypothesis plays with the pool and its store: whatever is done in whatever order, the promises hold.

A crash drops the pool and what was not written yet; a restart writes it first. Both open the same database again.
"""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pooling import AUTO, CONSOLE, FAST, account, problem

from grok2api.accounts.lanes import Lane, Slot
from grok2api.accounts.leases import Lease, Need
from grok2api.accounts.lifecycle import Effect, Persist, disabled, enabled
from grok2api.accounts.model import DAY, Account, State, moved
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.pool import AccountPool, Leasing
from grok2api.accounts.quota import learn
from grok2api.accounts.selection import Reason, standing
from grok2api.accounts.sync import Sync
from grok2api.canonical.problem import Kind, Refusal
from grok2api.catalog import LOWEST_FIRST, Tier
from grok2api.storage.opening import store_for
from grok2api.storage.write_behind import WriteBehind
from grok2api.upstreams.base import Told

T = TypeVar("T")

TIERS = [Tier.BASIC, Tier.BASIC, Tier.SUPER, Tier.SUPER, Tier.HEAVY, Tier.BASIC]
NUMBERS = st.integers(0, 8)
KINDS = [kind for kind in Kind if kind is not Kind.NO_ACCOUNT]
BOUND = 3 * 86_400.0
TALK = Need(tiers=LOWEST_FIRST, modes=("fast",), sticky="talk", prefer="vip")
VIP = Need(tiers=LOWEST_FIRST, modes=("fast", "console"), prefer="vip")


def ident(number: int) -> str:
    return f"acc_{number}"


class House:
    """A pool with its store, as the server has them, and what the store has acknowledged."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.time = 1_000_000.0
        self.options = PoolOptions(max_inflight=2, max_rest_sec=BOUND)
        self.effects: list[Effect] = []
        self.known: dict[str, Account] = {}
        self.open()
        self.take_in([account(number, tier) for number, tier in enumerate(TIERS)])

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def open(self) -> None:
        self.store = self.run(store_for("", Path(self.folder.name), {}))
        revision, loaded = self.run(self.store.revision()), self.run(self.store.load())
        self.pool = AccountPool(loaded, lambda: self.options, lambda: self.time, random.Random(7), self.sink)
        self.behind = WriteBehind(self.store, lambda one: self.pool.get(one))
        self.sync = Sync(self.store, self.pool, self.behind.mark, revision)

    def sink(self, effects: tuple[Effect, ...]) -> None:
        self.effects.extend(effects)
        self.behind.mark(effect.account_id for effect in effects if isinstance(effect, Persist))

    def take_in(self, fresh: list[Account]) -> None:
        """Store new accounts and take them into the pool, as an import does."""
        added = self.run(self.store.add(fresh)).added
        self.pool.add_many(added)
        self.known.update({one.id: one for one in added})

    def edit(self, number: int, how: Callable[[Account], Account]) -> None:
        """Have the store change an account, as an administrator does, and let the pool follow."""
        for changed in self.run(self.store.change([ident(number)], how)).accounts:
            self.known[changed.id] = changed
        self.run(self.sync.sync())

    def close(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        self.folder.cleanup()


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.out: list[tuple[Leasing, Lease]] = []

    @property
    def pool(self) -> AccountPool:
        return self.house.pool

    # --- serving

    @rule(need=st.sampled_from([FAST, AUTO, CONSOLE, TALK, VIP]), without=st.lists(NUMBERS.map(ident), max_size=3))
    def lease(self, need: Need, without: list[str]) -> None:
        leasing = self.pool.lease(need, without=without)
        before = {one.id: self.pool.in_flight(one.id) for one in self.pool.list()}
        try:
            lease = self.house.run(leasing.__aenter__())
        except Refusal as error:
            refusal = error.problem
        else:
            refusal = None
        if refusal is not None:
            assert refusal.retry_after is not None
            assert refusal.retry_after >= 1
            return
        chosen = self.pool.get(lease.credential.account_id)
        assert chosen is not None
        assert chosen.id not in without
        assert chosen.state in (State.ACTIVE, State.SUSPECT)
        assert (lease.mode in need.modes, lease.tier in need.tiers) == (True, True)
        assert before[chosen.id] < self.house.options.max_inflight
        self.out.append((leasing, lease))

    @precondition(lambda self: self.out)
    @rule(data=st.data(), kind=st.sampled_from([None, "ok", *KINDS]), hint=st.sampled_from([None, 5.0, 5000.0, 1e6]))
    def settle(self, data: Any, kind: Any, hint: float | None) -> None:
        leasing, lease = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        if kind == "ok":
            lease.succeeded()
        elif kind is not None:
            lease.failed(problem(kind, hint))
        before = len(self.house.effects)
        self.house.run(leasing.__aexit__(None, None, None))
        self.house.run(leasing.__aexit__(None, None, None))
        written = [effect for effect in self.house.effects[before:] if isinstance(effect, Persist)]
        assert len(written) <= 1
        assert kind is not None or not written

    @rule(seconds=st.sampled_from([1.0, 61.0, 901.0, 90_000.0, 300_000.0]))
    def tick(self, seconds: float) -> None:
        self.house.time += seconds

    @rule(number=NUMBERS, mode=st.sampled_from(["fast", "auto"]), remaining=st.sampled_from([0, 3]))
    def refresh(self, number: int, mode: str, remaining: int) -> None:
        now, policy = self.house.time, self.house.options.policy
        found = self.pool.change(ident(number), lambda one: learn(one, mode, Told(remaining, 50, 7200), now, policy))
        if found is not None and remaining:
            assert mode not in found.rests
            assert found.state is not State.SUSPECT

    # --- administration

    @rule(number=NUMBERS, tier=st.sampled_from(LOWEST_FIRST))
    def take_in(self, number: int, tier: Tier) -> None:
        if ident(number) not in self.house.known:
            self.house.take_in([account(number, tier)])

    @rule(number=NUMBERS, tier=st.sampled_from(LOWEST_FIRST), tags=st.sampled_from([(), ("vip",), ("vip", "old")]))
    def edit(self, number: int, tier: Tier, tags: tuple[str, ...]) -> None:
        self.house.edit(number, lambda one: msgspec.structs.replace(moved(one, tier), tags=tags))

    @rule(number=NUMBERS, secret=st.text("abc", min_size=4, max_size=12))
    def replace_credential(self, number: int, secret: str) -> None:
        if all(one.secret != secret for one in self.house.known.values()):
            self.house.edit(number, lambda one: msgspec.structs.replace(enabled(one), secret=secret))

    @rule(number=NUMBERS, how=st.sampled_from([enabled, disabled]))
    def switch(self, number: int, how: Callable[[Account], Account]) -> None:
        self.house.edit(number, how)

    @rule(number=NUMBERS)
    def disable_at_once(self, number: int) -> None:
        self.pool.disable(ident(number))

    @rule(number=NUMBERS, told=st.booleans())
    def remove(self, number: int, told: bool) -> None:
        self.house.run(self.house.store.remove([ident(number)]))
        self.house.run(self.house.store.purge(time.time() + 2 * DAY))  # ids are used again here, which nobody else does
        self.house.known.pop(ident(number), None)
        if told:
            self.pool.remove(ident(number))
        self.house.run(self.house.sync.sync())
        assert self.pool.get(ident(number)) is None

    @rule(
        cap=st.integers(1, 3),
        strategy=st.sampled_from(["quota", "random"]),
        tags=st.sampled_from([(), ("vip",), ("old",)]),
    )
    def choose_options(self, cap: int, strategy: Any, tags: tuple[str, ...]) -> None:
        self.house.options = msgspec.structs.replace(
            self.house.options, max_inflight=cap, strategy=strategy, preferred_tags=frozenset(tags)
        )

    # --- the process

    @rule()
    def write_behind(self) -> None:
        self.house.run(self.house.behind.flush())

    @rule()
    def crash(self) -> None:
        """Nothing is settled, and what was not written is lost; nothing that was acknowledged is."""
        self.out.clear()
        self.house.run(self.house.store.close())
        self.house.open()
        self.everybody_is_back()

    @rule()
    def restart(self) -> None:
        """Leases end as cancelled, what changed is written, and everything is as it was."""
        self.end_leases()
        before = {one.id: one for one in self.pool.list()}
        self.house.run(self.house.behind.close())
        self.house.run(self.house.store.close())
        self.house.open()
        self.everybody_is_back()
        for one in self.pool.list():
            kept = (
                "state",
                "state_reason",
                "use_count",
                "fail_count",
                "strikes",
                "health",
                "tier",
                "tags",
                "last_error",
            )
            assert [getattr(one, name) for name in kept] == [getattr(before[one.id], name) for name in kept]

    def everybody_is_back(self) -> None:
        assert set(self.pool.idents()) == set(self.house.known)
        for one in self.pool.list():
            known = self.house.known[one.id]
            assert (one.secret, one.tags, one.created_at) == (known.secret, known.tags, known.created_at)
        assert self.pool.census().in_flight == 0

    # --- what always holds

    @invariant()
    def leases_are_counted(self) -> None:
        held = Counter(leasing._held.slot for leasing, _ in self.out if leasing._held is not None)
        assert sum(held.values()) == len(self.out) == self.pool.census().in_flight
        assert all(slot.inflight == held[slot] for slot in self.pool._seats)
        assert {slot for slot in self.pool._seats if slot.inflight} == self.pool._seats._busy
        assert all(slot.inflight > 0 for slot in self.pool._seats._left.values())

    @invariant()
    def probes_are_one_a_pair(self) -> None:
        out = Counter(
            (leasing._held.slot, lease.mode) for leasing, lease in self.out if leasing._held and leasing._held.probe
        )
        assert all(count == 1 for count in out.values())
        assert all(Counter(slot.probes) == Counter(mode for s, mode in out if s is slot) for slot in self.pool._seats)

    @invariant()
    def lanes_agree_with_slots(self) -> None:
        seats = self.pool._seats
        seats.follow(self.house.options, self.house.time)
        seats.catch_up()
        for tier, section in seats.sections.items():
            slots = [slot for slot in seats if slot.account.tier is tier]
            for lane in section.lanes.values():
                self.lane_agrees(lane, slots)

    def lane_agrees(self, lane: Lane, slots: list[Slot]) -> None:
        reasons = {slot: lane.reason(slot) for slot in slots}
        assert lane.size == len(slots)
        assert Counter(reasons.values()) == +lane.counts
        ready = {slot for slot, reason in reasons.items() if reason is Reason.READY}
        assert (set(lane.ready.slots), len(lane.ready)) == (ready, len(ready))
        assert set(lane.tagged) == self.house.options.preferred_tags
        for tag, shelf in lane.tagged.items():
            assert set(shelf.slots) == {slot for slot in ready if tag in slot.account.tags}
        now, cap = self.house.time, self.house.options.max_inflight
        for slot, reason in reasons.items():
            due = standing(slot.account, lane.mode, slot.inflight, slot.probes, now, cap).reason
            assert reason is due or reason is Reason.RESTING, (slot.account, lane.mode, reason, due)

    @invariant()
    def rests_are_bounded(self) -> None:
        for one in self.pool.list():
            assert all(rest.until <= min(rest.since, self.house.time) + BOUND for rest in one.rests.values())

    @invariant()
    def the_census_counts_everybody(self) -> None:
        census, now = self.pool.census(), self.house.time
        states = Counter(one.state for one in self.pool.list())
        counted = {State.ACTIVE: census.active, State.SUSPECT: census.suspect, State.EXPIRED: census.expired}
        assert {state: states[state] for state in counted} == counted
        assert (census.disabled, census.total) == (states[State.DISABLED], states.total())
        resting = [one for one in self.pool.list() if any(rest.until > now for rest in one.rests.values())]
        assert census.resting == len(resting)

    def end_leases(self) -> None:
        for leasing, _ in self.out:
            self.house.run(leasing.__aexit__(None, None, None))
        self.out.clear()

    def teardown(self) -> None:
        self.end_leases()
        assert self.pool.census().in_flight == 0
        assert all(slot.inflight == 0 for slot in self.pool._seats)
        assert self.pool._seats._left == {}
        self.house.close()


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
