import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
from pooling import AUTO, CONSOLE, FAST, World, account, problem

from grok2api.accounts.leases import Need
from grok2api.accounts.lifecycle import Exhausted, Persist, RefreshQuota
from grok2api.accounts.model import State
from grok2api.canonical.problem import Kind, Refusal
from grok2api.catalog import Tier

HOUR = 3600.0
API = Need(tiers=(Tier.API,), modes=("api",))


async def refused(world: World, need: Need = FAST, *, without: tuple[str, ...] = ()) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await world.attempt(need, without=without)
    assert refusal.value.problem.kind is Kind.NO_ACCOUNT
    return refusal.value


async def test_P1_a_limited_mode_rests_alone() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.RATE_LIMITED, 60))
    await refused(world)
    assert await world.attempt(CONSOLE) == "acc_1"
    world.time += 61
    assert await world.attempt() == "acc_1"


async def test_P1_a_limit_that_names_the_account_rests_all_modes() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.ACCOUNT_LIMITED, 60))
    await refused(world)
    await refused(world, CONSOLE)


async def test_P2_a_long_rest_is_probed_every_fifteen_minutes_by_one_attempt() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.RATE_LIMITED, 156 * HOUR))
    await refused(world)
    world.time += 901
    async with world.pool.lease(FAST) as probe:
        assert "probe" in probe.trace
        await refused(world)
        probe.failed(problem(Kind.RATE_LIMITED, 156 * HOUR))
    await refused(world)
    world.time += 899
    await refused(world)
    world.time += 2
    assert await world.attempt() == "acc_1"
    assert [await world.attempt() for _ in range(5)] == ["acc_1"] * 5


async def test_P2_a_cancelled_probe_is_not_repeated_before_its_time() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.ACCOUNT_LIMITED, 156 * HOUR))
    world.time += 901
    async with world.pool.lease(CONSOLE):
        await refused(world, FAST)
    await refused(world, FAST)
    world.time += 901
    assert await world.attempt() == "acc_1"


async def test_P2_probes_are_few_while_others_serve() -> None:
    world = World([account(number) for number in range(10)])
    for number in range(5):
        without = tuple(f"acc_{other}" for other in range(10) if other != number)
        await world.attempt(failing=problem(Kind.RATE_LIMITED, 156 * HOUR), without=without)
    world.time += 901
    chosen = [await world.attempt(failing=problem(Kind.TIMEOUT)) for _ in range(100)]
    assert sum(ident in {f"acc_{number}" for number in range(5)} for ident in chosen) == 5


async def test_P3_a_suspect_is_tried_by_one_attempt_at_a_time() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.UNAUTHORIZED))
    async with world.pool.lease(FAST) as lease:
        refusal = await refused(world)
        assert refusal.problem.retry_after == 1
        lease.failed(problem(Kind.UNAUTHORIZED))
    refusal = await refused(world)
    assert "1 expired" in str(refusal)
    found = world.pool.get("acc_1")
    assert found is not None
    assert found.state is State.EXPIRED


async def test_P5_ten_thousand_leases_cancelled_at_random_leave_nothing_behind() -> None:
    world = World([account(number, Tier.API) for number in range(10)], max_inflight=4)
    rng = random.Random(3)
    outcomes = Counter[str]()

    async def one() -> None:
        try:
            async with world.pool.lease(API) as lease:
                for _ in range(rng.randrange(4)):
                    await asyncio.sleep(0)
                fate = rng.random()
                if fate < 0.3:
                    raise OSError("torn")
                if fate < 0.4:
                    lease.failed(problem(Kind.TIMEOUT))
                else:
                    lease.succeeded()
        except Refusal:
            outcomes["refused"] += 1
        except OSError:
            outcomes["torn"] += 1

    for _ in range(100):
        tasks = [asyncio.ensure_future(one()) for _ in range(100)]
        for _ in range(rng.randrange(4)):
            await asyncio.sleep(0)
        for task in rng.sample(tasks, 50):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes["torn"] > 100
    assert outcomes["refused"] > 100
    assert world.pool.census().in_flight == 0
    assert all(world.pool.in_flight(one.id) == 0 for one in world.pool.list())
    await world.attempt(API)


async def test_P6_the_refusal_counts_accounts_by_reason_and_says_when() -> None:
    world = World([account(number) for number in range(5)], max_inflight=1)
    only = [tuple(f"acc_{other}" for other in range(5) if other != number) for number in range(5)]
    await world.attempt(failing=problem(Kind.RATE_LIMITED, 42.5), without=only[0])
    await world.attempt(failing=problem(Kind.RATE_LIMITED, 300), without=only[1])
    await world.attempt(failing=problem(Kind.CREDENTIAL), without=only[2])
    world.pool.disable("acc_3")
    world.pool.disable("acc_4")
    refusal = await refused(world)
    said = "No account can serve mode fast: 2 resting (first back in 43 s), 1 expired, 2 disabled."
    assert refusal.problem.message == said
    assert refusal.problem.retry_after == 43
    assert refusal.problem.code == "rate_limit_exceeded"


async def test_P6_a_refusal_is_cheap_over_many_accounts() -> None:
    world = World([account(number) for number in range(5000)])
    for number in range(5000):
        world.pool.disable(f"acc_{number}")
    started = time.perf_counter()
    for _ in range(50):
        await refused(world)
    assert (time.perf_counter() - started) / 50 < 0.002


async def test_P6_without_any_account_the_refusal_says_how_to_add_one() -> None:
    refusal = await refused(World([account()]), AUTO)
    assert "grok2api accounts add" in str(refusal)
    assert refusal.problem.retry_after == 60


async def test_P6_accounts_at_capacity_are_back_soon() -> None:
    world = World([account()], max_inflight=1)
    async with world.pool.lease(FAST):
        refusal = await refused(world)
        assert refusal.problem.retry_after == 1
        assert "1 at capacity" in str(refusal)


async def test_accounts_that_were_tried_are_not_chosen_again() -> None:
    world = World([account(1), account(2)])
    assert {await world.attempt(without=("acc_1",)) for _ in range(5)} == {"acc_2"}
    assert "2 tried already" in str(await refused(world, without=("acc_1", "acc_2")))


@pytest.mark.parametrize("strategy", ["quota", "random"])
@pytest.mark.parametrize("tier", [Tier.API, Tier.HEAVY])
async def test_P7_a_thousand_requests_are_spread_evenly(strategy: str, tier: Tier) -> None:
    world = World([account(number, tier) for number in range(10)], strategy=strategy)
    need = API if tier is Tier.API else FAST
    counts: Counter[str] = Counter()
    for _ in range(100):
        leases = [world.pool.lease(need) for _ in range(10)]
        for lease in leases:
            counts[(await lease.__aenter__()).credential.account_id] += 1
            world.time += 0.01
        for lease in leases:
            await lease.__aexit__(None, None, None)
    assert sum(counts.values()) == 1000
    assert max(counts.values()) / min(counts.values()) <= 1.2


async def test_P7_a_pool_that_is_too_large_to_compare_all_is_served_evenly_too() -> None:
    world = World([account(number, Tier.API) for number in range(100)])
    counts = Counter([await world.attempt(API) for _ in range(10_000)])
    assert max(counts.values()) / min(counts.values()) <= 1.2


async def test_P7_large_quotas_do_not_take_everything() -> None:
    world = World([account(1, Tier.BASIC), account(2, Tier.BASIC), account(3, Tier.HEAVY)])
    need = Need(tiers=(Tier.BASIC,), modes=("fast",))
    counts = Counter([await world.attempt(need) for _ in range(40)])
    assert counts == {"acc_1": 20, "acc_2": 20}


async def test_P8_a_conversation_prefers_its_account_and_never_waits_for_it() -> None:
    world = World([account(number, Tier.API) for number in range(8)], max_inflight=1)
    need = Need(tiers=(Tier.API,), modes=("api",), sticky="conversation")
    first = await world.attempt(need)
    assert {await world.attempt(need) for _ in range(10)} == {first}
    async with world.pool.lease(need) as busy:
        assert busy.credential.account_id == first
        assert await world.attempt(need) != first


async def test_P8_an_account_that_is_known_from_elsewhere_is_preferred_and_never_waited_for() -> None:
    world = World([account(number, Tier.API) for number in range(8)], max_inflight=1)
    for ident in ("acc_3", "acc_5"):
        need = Need(tiers=(Tier.API,), modes=("api",), sticky="conversation", before=ident)
        assert {await world.attempt(need) for _ in range(4)} == {ident}
    async with world.pool.lease(need):
        other = await world.attempt(need)
        assert other != "acc_5"
        assert await world.attempt(need) == other
    gone = Need(tiers=(Tier.API,), modes=("api",), before="acc_99")
    assert await world.attempt(gone) != "acc_99"
    assert await world.attempt(need, without=("acc_5",)) != "acc_5"


async def test_P8_a_failure_or_an_hour_ends_the_preference() -> None:
    world = World([account(number, Tier.API) for number in range(8)])
    need = Need(tiers=(Tier.API,), modes=("api",), sticky="conversation")
    first = await world.attempt(need)
    await world.attempt(need, problem(Kind.RATE_LIMITED, 5))
    world.time += 10
    second = await world.attempt(need)
    assert second != first
    world.time += 3601
    assert await world.attempt(need) not in (first, second)


async def test_P12_the_trace_says_why_this_account_and_how_the_others_stood() -> None:
    world = World([account(1, Tier.SUPER), account(2, Tier.SUPER)])
    await world.attempt(AUTO, problem(Kind.RATE_LIMITED, 60), without=("acc_2",))
    async with world.pool.lease(AUTO) as lease:
        assert lease.trace == (
            "acc_2 (quota) for auto of super: 0 in flight, 50/50 left; auto of super: 1 ready, 1 resting"
        )
    async with world.pool.lease(AUTO, without=("acc_2",)) as lease:
        assert lease.mode == "fast"
        assert "auto of super" in lease.trace


@pytest.mark.parametrize("strategy", ["quota", "random"])
async def test_P13_the_cap_holds_in_both_strategies(strategy: str) -> None:
    world = World([account(1, Tier.API), account(2, Tier.API)], strategy=strategy, max_inflight=3)
    leases = [world.pool.lease(API) for _ in range(6)]
    taken = Counter([(await lease.__aenter__()).credential.account_id for lease in leases])
    assert taken == {"acc_1": 3, "acc_2": 3}
    await refused(world, API)
    await leases[0].__aexit__(None, None, None)
    await world.attempt(API)
    for lease in leases[1:]:
        await lease.__aexit__(None, None, None)
    assert world.pool.census().in_flight == 0


async def test_a_smaller_cap_holds_as_soon_as_it_is_set() -> None:
    world = World([account()])
    async with world.pool.lease(FAST), world.pool.lease(FAST):
        world.options = type(world.options)(max_inflight=2)
        await refused(world)


async def test_auto_falls_back_to_the_next_mode_and_tiers_are_tried_in_order() -> None:
    world = World([account(1, Tier.SUPER), account(2, Tier.HEAVY)])
    async with world.pool.lease(AUTO) as lease:
        assert (lease.mode, lease.tier) == ("auto", Tier.SUPER)
    for ident, other in (("acc_1", "acc_2"), ("acc_2", "acc_1")):
        assert await world.attempt(AUTO, problem(Kind.RATE_LIMITED, 600), without=(other,)) == ident
    async with world.pool.lease(AUTO) as lease:
        assert (lease.mode, lease.tier) == ("fast", Tier.SUPER)
    best = Need(tiers=(Tier.HEAVY, Tier.SUPER), modes=("fast",))
    assert await world.attempt(best) == "acc_2"


async def test_a_lease_is_settled_once_and_its_effects_reach_the_sink() -> None:
    world = World([account()])
    leasing = world.pool.lease(FAST)
    lease = await leasing.__aenter__()
    lease.succeeded()
    await leasing.__aexit__(None, None, None)
    await leasing.__aexit__(None, None, None)
    assert world.effects == [Persist("acc_1", uses=1), RefreshQuota("acc_1", "fast")]
    assert world.pool.in_flight("acc_1") == 0


async def test_an_account_removed_during_its_lease_ends_without_a_trace() -> None:
    world = World([account()])
    async with world.pool.lease(FAST) as lease:
        assert world.pool.remove("acc_1")
        lease.succeeded()
    assert world.effects == []
    assert repr(world.pool) == "<AccountPool 0 accounts: none; 0 in flight>"
    assert not world.pool.remove("acc_1")


async def test_an_account_that_moves_to_another_tier_serves_there() -> None:
    world = World([account(1, Tier.BASIC)])
    assert not world.pool.serves((Tier.SUPER,), "auto")
    async with world.pool.lease(FAST) as lease:
        world.pool.replace(account(1, Tier.SUPER))
        lease.succeeded()
    assert world.pool.serves((Tier.SUPER,), "auto")
    assert not world.pool.serves((Tier.BASIC,), "fast")
    assert await world.attempt(AUTO) == "acc_1"


async def test_disabled_accounts_serve_nothing_until_they_are_enabled() -> None:
    world = World([account()])
    world.pool.disable("acc_1")
    assert not world.pool.serves((Tier.BASIC,), "fast")
    await refused(world)
    world.pool.enable("acc_1")
    assert await world.attempt() == "acc_1"
    assert Persist("acc_1") in world.effects
    assert repr(world.pool) == "<AccountPool 1 accounts: 1 active; 0 in flight>"


async def test_a_used_up_window_is_full_again_after_its_time() -> None:
    world = World([account()])
    for _ in range(30):
        await world.attempt()
    refusal = await refused(world)
    assert refusal.problem.retry_after == 86400
    world.time += 86401
    found = await world.attempt()
    assert found == "acc_1"
    again = world.pool.get("acc_1")
    assert again is not None
    assert again.windows["fast"].remaining == 29


async def test_the_random_strategy_counts_no_quota() -> None:
    world = World([account()], strategy="random")
    assert [await world.attempt() for _ in range(40)] == ["acc_1"] * 40
    assert not any(isinstance(effect, RefreshQuota) for effect in world.effects)


async def test_P9_choosing_among_very_many_accounts_is_measured(record_property: Callable[[str, object], None]) -> None:
    world = World([account(number) for number in range(20_000)])
    spent = []
    for _ in range(500):
        started = time.perf_counter()
        await world.attempt()
        spent.append(time.perf_counter() - started)
    spent.sort()
    record_property("selection_p99_us", round(spent[495] * 1e6))


async def test_P6_a_refusal_says_that_nothing_was_left() -> None:
    world = World([account()])
    world.pool.disable("acc_1")
    world.effects.clear()
    await refused(world, FAST)
    assert world.effects == [Exhausted(("fast",))]
