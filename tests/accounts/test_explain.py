"""What people are told about one account."""

import msgspec
import pytest
from pooling import CONSOLE, FAST, World, account, problem

from grok2api.accounts.explain import Explanation, ModeExplanation
from grok2api.accounts.leases import Need
from grok2api.accounts.model import State
from grok2api.accounts.query import Status
from grok2api.accounts.selection import Reason, cost, price
from grok2api.canonical.problem import Kind
from grok2api.catalog import Tier

HOUR = 3600.0


def of(world: World, ident: str = "acc_1") -> Explanation:
    found = world.pool.explain(ident)
    assert found is not None
    return found


def mode(world: World, name: str = "fast") -> ModeExplanation:
    return next(one for one in of(world).modes if one.mode == name)


async def test_an_account_that_can_serve_tells_what_it_costs() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.UPSTREAM_DOWN))
    await world.attempt(Need(tiers=FAST.tiers, modes=FAST.modes, sticky="talk"))
    async with world.pool.lease(CONSOLE):
        found = of(world)
        assert (found.status, found.in_flight, found.max_inflight, found.conversations) == (Status.ACTIVE, 1, 8, 1)
        assert (found.use_count, found.fail_count, found.last_error) == (1, 1, "upstream_down: as the upstream said")
        assert [one.mode for one in found.modes] == ["console", "fast"]
        fast = found.modes[1]
        assert (fast.reason, fast.words) == (Reason.READY, "can serve")
        assert fast.window is not None
        assert (fast.window.remaining, fast.window.total) == (29, 30)
        assert fast.price is not None
        assert fast.price.load == 20
        assert fast.price.quota == pytest.approx(50 * 2 / 30)
        assert fast.price.health == pytest.approx(13)
        slot = world.pool._seats.get("acc_1")
        assert slot is not None
        assert fast.price.total == pytest.approx(cost(slot, "fast", world.time))
        assert price(slot, "fast", world.time) == fast.price


async def test_a_resting_mode_tells_until_when_why_and_when_it_is_probed() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.RATE_LIMITED, 156 * HOUR))
    fast = mode(world)
    assert fast.words == "rests for 156 h (limited by the upstream); a probe in 15 min"
    assert (fast.until, fast.probe_at) == (world.time + 156 * HOUR, world.time + 900)
    assert fast.rest is not None
    assert fast.price is None
    assert mode(world, "console").reason is Reason.READY
    assert of(world).status is Status.ACTIVE
    world.time += 901
    assert mode(world).words.endswith("; a probe may try it now")
    async with world.pool.lease(FAST):
        assert mode(world).words.endswith("; a probe is under way")
    world.time += 156 * HOUR
    assert (mode(world).reason, mode(world).rest) == (Reason.READY, None)


async def test_an_account_that_rests_whole_tells_so_in_every_mode() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.ACCOUNT_LIMITED, 60))
    found = of(world)
    assert found.status is Status.COOLING
    assert found.whole is not None
    assert {one.words for one in found.modes} == {"rests for 60 s (limited by the upstream)"}


async def test_one_at_capacity_tells_how_many_attempts_are_under_way() -> None:
    world = World([account()], max_inflight=1)
    async with world.pool.lease(FAST):
        assert mode(world).words == "is at capacity: 1 of 1 attempts at once are under way"


async def test_a_suspect_tells_who_finds_out() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.UNAUTHORIZED))
    assert mode(world).words == "is suspect (one bare 401): one attempt at a time finds out"
    async with world.pool.lease(FAST):
        assert mode(world).words == "is suspect (one bare 401): an attempt is finding out now"


async def test_closed_accounts_tell_what_opens_them() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.CREDENTIAL))
    said = "is expired (the upstream no longer accepts this session) until its credential is replaced or it is enabled"
    assert mode(world).words == said
    world.pool.disable("acc_1")
    assert mode(world).words == "is disabled (by the operator) until it is enabled"
    assert (of(world).state, of(world).status) == (State.DISABLED, Status.DISABLED)


async def test_strikes_are_told_with_how_many_there_may_be() -> None:
    world = World([account()])
    await world.attempt(failing=problem(Kind.FORBIDDEN))
    assert (of(world).strikes, of(world).strikes_allowed) == (1, 3)


async def test_under_random_nothing_is_weighed() -> None:
    world = World([account(1, Tier.SUPER)], strategy="random")
    assert {one.price for one in of(world).modes} == {None}


def test_nobody_is_explained_who_is_not_here_and_no_secret_is_told() -> None:
    world = World([account()])
    assert world.pool.explain("acc_7") is None
    assert b"secret-1" not in msgspec.json.encode(of(world))
