"""One account that alone will do, and asking whether anybody could serve without taking anything."""

import pytest
from pooling import FAST, World, account, problem

from grok2api.accounts.leases import Need
from grok2api.canonical.problem import Kind, Refusal
from grok2api.catalog import Tier

SECOND = Need(tiers=FAST.tiers, modes=FAST.modes, only="acc_2")


async def test_work_that_was_begun_goes_on_with_its_own_account() -> None:
    world = World([account(number) for number in range(1, 9)])
    assert {await world.attempt(SECOND) for _ in range(20)} == {"acc_2"}


async def test_an_account_that_rests_says_when_it_is_back() -> None:
    world = World([account(1), account(2)])
    await world.attempt(SECOND, problem(Kind.RATE_LIMITED, retry_after=90))
    with pytest.raises(Refusal) as refused:
        await world.attempt(SECOND)
    assert (refused.value.problem.kind, refused.value.problem.code) == (Kind.NO_ACCOUNT, "account_unavailable")
    assert refused.value.problem.retry_after == 90
    assert "acc_2 rests for" in refused.value.problem.message
    world.time += 91
    assert await world.attempt(SECOND) == "acc_2"


async def test_an_account_that_is_full_is_worth_waiting_for() -> None:
    world = World([account(1), account(2)], max_inflight=1)
    async with world.pool.lease(SECOND):
        with pytest.raises(Refusal) as refused:
            await world.attempt(SECOND)
        assert refused.value.problem.retry_after == 1
    assert await world.attempt(SECOND) == "acc_2"


@pytest.mark.parametrize("how", ["removed", "disabled", "of another tier"])
async def test_an_account_that_does_not_come_back_by_itself_is_not_waited_for(how: str) -> None:
    world = World([account(1), account(2)])
    need = SECOND
    if how == "removed":
        world.pool.remove("acc_2")
    elif how == "disabled":
        world.pool.disable("acc_2")
    else:
        need = Need(tiers=(Tier.SUPER,), modes=("heavy",), only="acc_2")
    with pytest.raises(Refusal) as refused:
        await world.attempt(need)
    assert refused.value.problem.retry_after is None
    assert world.pool.census().in_flight == 0


async def test_asking_whether_somebody_could_serve_takes_nothing() -> None:
    world = World([account(1)])
    assert world.pool.refuses(FAST) is None
    await world.attempt(FAST, problem(Kind.RATE_LIMITED, retry_after=30))
    refused = world.pool.refuses(FAST)
    assert refused is not None
    assert (refused.kind, refused.retry_after) == (Kind.NO_ACCOUNT, 30)
    world.time += 31
    assert world.pool.refuses(FAST) is None
    assert world.pool.census().in_flight == 0
    assert World().pool.refuses(FAST) is not None


async def test_asking_does_not_use_up_a_probe() -> None:
    world = World([account(1)])
    await world.attempt(FAST, problem(Kind.RATE_LIMITED, retry_after=156 * 3600))
    world.time += 16 * 60
    assert world.pool.refuses(FAST) is None
    assert world.pool.refuses(FAST) is None
    assert await world.attempt(FAST) == "acc_1"
