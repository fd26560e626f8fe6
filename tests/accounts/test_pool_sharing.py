"""The pools of several workers: one cap, one probe at a time, and nothing left behind."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from pooling import CONSOLE, FAST, World, account, problem

from grok2api.accounts.leases import Lease
from grok2api.accounts.model import Account, State
from grok2api.accounts.sharing import FULL_SEC, TRIES
from grok2api.canonical.problem import Kind, Refusal
from grok2api.catalog import Tier


class Counts:
    """What all workers hold; `gate` keeps those waiting who ask."""

    def __init__(self) -> None:
        self.held: Counter[str] = Counter()
        self.asked = 0
        self.told: list[Account] = []
        self.gate: asyncio.Event | None = None

    async def take(self, name: str, cap: int) -> bool:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.held[name] >= cap:
            return False
        self.held[name] += 1
        return True

    def give(self, name: str) -> None:
        self.held[name] -= 1
        assert self.held[name] >= 0

    def changed(self, before: Account, after: Account) -> None:
        assert after is not before
        self.told.append(before)


def workers(count: int, *accounts: Account, **options: object) -> tuple[Counts, list[World]]:
    counts = Counts()
    worlds = [World(accounts, **options) for _ in range(count)]
    for world in worlds:
        world.pool.sharing = counts
    return counts, worlds


@pytest.mark.parametrize("strategy", ["quota", "random"])
async def test_P13_the_cap_holds_over_workers(strategy: str) -> None:
    counts, worlds = workers(3, account(1), account(2), strategy=strategy, max_inflight=4)
    out = []
    for number in range(8):
        leasing = worlds[number % 3].pool.lease(FAST)
        await leasing.__aenter__()
        out.append(leasing)
    assert counts.held == {"acc_1": 4, "acc_2": 4}
    for world in worlds:
        with pytest.raises(Refusal) as refusal:
            await world.pool.lease(FAST).__aenter__()
        assert refusal.value.problem.kind is Kind.NO_ACCOUNT
        assert refusal.value.problem.retry_after == 1
        assert "2 at capacity" in str(refusal.value)
    for leasing in out:
        await leasing.__aexit__(None, None, None)
        await leasing.__aexit__(None, None, None)
    assert counts.held.total() == 0
    assert all(world.pool.census().in_flight == 0 for world in worlds)


async def test_an_account_that_is_full_elsewhere_is_asked_about_again_a_moment_later() -> None:
    counts, (world,) = workers(1, account(1), account(2), max_inflight=4)
    counts.held.update({"acc_1": 4, "acc_2": 3})
    async with world.pool.lease(FAST) as lease:
        assert lease.credential.account_id == "acc_2"
    asked = counts.asked
    assert [await world.attempt(need) for need in (FAST, CONSOLE)] == ["acc_2", "acc_2"]
    assert counts.asked == asked + 2
    counts.held["acc_1"] = 0
    counts.held["acc_2"] = 4
    world.time += FULL_SEC + 0.01
    assert await world.attempt() == "acc_1"


async def test_an_account_that_is_full_has_room_again_when_a_lease_on_it_ends_here() -> None:
    counts, (world,) = workers(1, account(), max_inflight=4)
    counts.held["acc_1"] = 3
    async with world.pool.lease(FAST):
        with pytest.raises(Refusal):
            await world.attempt()
    assert await world.attempt() == "acc_1"


async def test_a_lease_asks_about_so_many_accounts_and_no_more() -> None:
    counts, (world,) = workers(1, *(account(number) for number in range(2 * TRIES)), max_inflight=1)
    counts.held.update({f"acc_{number}": 1 for number in range(2 * TRIES)})
    with pytest.raises(Refusal):
        await world.attempt()
    assert counts.asked == TRIES
    with pytest.raises(Refusal):
        await world.attempt()
    assert counts.asked == 2 * TRIES
    with pytest.raises(Refusal):
        await world.attempt()
    assert counts.asked == 2 * TRIES


async def test_P5_who_leaves_while_the_others_are_asked_leaves_nothing_behind() -> None:
    counts, (world,) = workers(1, account(), max_inflight=1)
    counts.gate = asyncio.Event()
    waiting = asyncio.ensure_future(world.attempt())
    await asyncio.sleep(0)
    assert world.pool.in_flight("acc_1") == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert world.pool.in_flight("acc_1") == 0
    assert world.effects == []
    counts.gate = None
    assert await world.attempt() == "acc_1"
    assert counts.held.total() == 0


@pytest.mark.parametrize("ready", [lambda found: State.SUSPECT, lambda found: found.state])
async def test_P2_one_probe_at_a_time_over_workers(ready: Callable[[Account], State]) -> None:
    counts, (one, other) = workers(2, account())
    for world in (one, other):
        if ready(account()) is State.SUSPECT:
            await world.attempt(FAST, problem(Kind.UNAUTHORIZED))
        else:
            await world.attempt(FAST, problem(Kind.RATE_LIMITED, 100_000))
            world.time += 1000
    async with one.pool.lease(FAST) as lease:
        assert "probe" in lease.trace
        with pytest.raises(Refusal):
            await other.attempt()
        assert counts.held == {"acc_1": 1, "acc_1/probe": 1}
        lease.succeeded()
    assert counts.held.total() == 0
    one.pool.replace(account())


async def test_a_probe_that_finds_no_room_is_no_probe() -> None:
    counts, (world,) = workers(1, account(), max_inflight=1)
    await world.attempt(FAST, problem(Kind.UNAUTHORIZED))
    counts.held["acc_1"] = 1
    with pytest.raises(Refusal):
        await world.attempt()
    assert counts.held == {"acc_1": 1, "acc_1/probe": 0}
    counts.held["acc_1"] = 0
    world.time += 1
    assert await world.attempt() == "acc_1"


async def test_the_others_are_told_what_serving_changes_and_nothing_else() -> None:
    counts, (world,) = workers(1, account(1, Tier.SUPER))
    first = world.pool.get("acc_1")
    await world.attempt(FAST, problem(Kind.RATE_LIMITED, 100_000))
    assert [before is first for before in counts.told] == [True]
    counts.told.clear()
    async with world.pool.lease(FAST.__class__(tiers=(Tier.SUPER,), modes=("auto",))):
        pass
    world.pool.replace(account(1, Tier.SUPER))
    world.pool.add(account(2))
    assert counts.told == []
    world.pool.disable("acc_1")
    assert [before.id for before in counts.told] == ["acc_1"]


async def test_P2_the_others_are_told_that_a_probe_begins() -> None:
    counts, (world,) = workers(1, account())
    await world.attempt(FAST, problem(Kind.RATE_LIMITED, 100_000))
    counts.told.clear()
    world.time += 1000
    async with world.pool.lease(FAST):
        assert [before.id for before in counts.told] == ["acc_1"]


async def test_an_account_removed_while_it_is_out_is_given_back() -> None:
    counts, (world,) = workers(1, account())
    async with world.pool.lease(FAST):
        world.pool.remove("acc_1")
    assert counts.held.total() == 0


def test_one_process_decides_without_waiting() -> None:
    world = World([account()])
    leasing = world.pool.lease(FAST)
    with pytest.raises(StopIteration) as entered:
        leasing.__aenter__().send(None)
    assert isinstance(entered.value.value, Lease)
    with pytest.raises(StopIteration):
        leasing.__aexit__(None, None, None).send(None)
