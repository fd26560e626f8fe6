"""Windows run down and come back by the clock; totals tell the tier."""

import pytest

from grok2api.catalog import MEDIA_MODES, MODES, TIER_MODES, Tier
from grok2api.simulator.accounts import QUOTAS, SimAccount, Window
from grok2api.simulator.world import World, WorldOptions
from simulated import Clock, chat, cookie, post, respond, simulating


def test_a_window_begins_with_its_first_use_and_is_full_again_when_it_is_over():
    window = Window(total=2, seconds=60)
    assert [window.take(100), window.take(130), window.take(131)] == [True, True, False]
    assert (window.left(159), window.resets_in(150)) == (0, 10)
    assert (window.left(160), window.take(160), window.left(160)) == (2, True, 1)


def test_a_window_that_was_set_by_hand_stays_until_it_is_used():
    window = Window(total=10, seconds=60, remaining=0)
    assert not window.take(1)
    assert window.left(10_000) == 0


@pytest.mark.parametrize("tier", [Tier.BASIC, Tier.SUPER, Tier.HEAVY])
def test_a_tier_has_exactly_the_modes_of_the_catalog(tier):
    assert set(QUOTAS[tier]) == {MODES[mode] for mode in TIER_MODES[tier] - MEDIA_MODES}


async def test_quota_runs_down_is_reported_and_returns_by_the_clock():
    clock = Clock()
    account = SimAccount(token="t", tier=Tier.SUPER, windows={"expert": Window(total=2, seconds=60)})
    async with simulating(World([account], now=clock)) as running:

        async def left():
            got = await post(f"{running.url}/rest/rate-limits", {"modelName": "expert"}, cookie("t"))
            return got.json["remainingQueries"], got.json["totalQueries"], got.json["windowSizeSeconds"]

        statuses = [(await chat(running, "[user]: hi", token="t")).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert await left() == (0, 2, 60)
        assert (await chat(running, "[user]: hi", mode="fast", token="t")).status == 200
        clock.advance(60)
        assert await left() == (2, 2, 60)
        assert (await chat(running, "[user]: hi", token="t")).status == 200


async def test_an_exhausted_mode_says_too_many_requests_with_code_8():
    account = SimAccount(token="t", windows={"fast": Window(total=0 + 1, seconds=60)})
    async with simulating(World([account])) as running:
        await chat(running, "[user]: hi", mode="fast", token="t")
        got = await chat(running, "[user]: hi", mode="fast", token="t")
    assert (got.status, got.json["error"]["code"]) == (429, 8)


async def test_an_exhausted_console_says_when_it_resets():
    clock = Clock()
    account = SimAccount(token="t", windows={"console": Window(total=1, seconds=3600)})
    async with simulating(World([account], now=clock)) as running:
        assert (await respond(running, "hi", token="t")).status == 200
        clock.advance(60)
        got = await respond(running, "hi", token="t")
        assert (got.status, got.json["code"]) == (429, "resource-exhausted")
        assert "resets in: 1h 0m" in got.json["error"]
        clock.advance(3600)
        assert (await respond(running, "hi", token="t")).status == 200


async def test_a_mode_that_the_tier_lacks_is_refused_in_plain_words_and_is_0_of_0(simulator):
    got = await chat(simulator, "[user]: hi", mode="heavy", token="demo-super-1")
    assert (got.status, got.json["code"]) == (403, 7)
    limits = await post(f"{simulator.url}/rest/rate-limits", {"modelName": "heavy"}, cookie("demo-super-1"))
    assert (limits.json["remainingQueries"], limits.json["totalQueries"]) == (0, 0)


async def test_quota_can_be_restored_before_its_time(simulator):
    account = simulator.world.account("demo-super-1")
    window = account.window("fast")
    window.remaining, window.began = 0, simulator.world.now()
    assert (await chat(simulator, "[user]: hi", mode="fast")).status == 429
    window.restore()
    assert (await chat(simulator, "[user]: hi", mode="fast")).status == 200


async def test_an_account_can_change_its_tier_and_stays_the_same_user(simulator):
    before = simulator.world.account("demo-super-1")
    simulator.world.regrade("demo-super-1", "basic")
    assert (await chat(simulator, "[user]: hi", mode="auto")).status == 403
    limits = await post(f"{simulator.url}/rest/rate-limits", {"modelName": "auto"}, cookie())
    assert limits.json["totalQueries"] == 0
    assert simulator.world.account("demo-super-1").user_id == before.user_id


async def test_an_unmetered_world_counts_nothing():
    account = SimAccount(token="t", windows={"fast": Window(total=1, seconds=60)})
    async with simulating(World([account], WorldOptions(metered=False))) as running:
        assert [(await chat(running, "[user]: hi", mode="fast", token="t")).status for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("state", "status", "marker"),
    [
        ("expired", 401, "bad-credentials"),
        ("unauthorized", 401, ""),
        ("blocked", 403, "blocked-user"),
        ("challenged", 403, "Just a moment"),
    ],
)
async def test_an_account_that_is_not_well_answers_so_on_every_surface(simulator, state, status, marker):
    simulator.world.accounts["demo-super-1"].state = state
    answers = [
        await chat(simulator, "[user]: hi"),
        await respond(simulator, "hi"),
        await post(f"{simulator.url}/rest/rate-limits", {"modelName": "fast"}, cookie()),
    ]
    assert [(got.status, marker in got.text) for got in answers] == [(status, True)] * 3
