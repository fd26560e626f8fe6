"""When upstreams are asked about quotas, how often, how many at once, and what becomes of the answers."""

import asyncio
import random
from collections.abc import Callable

import msgspec
import pytest
from asked import Scene, several, unnamed
from pooling import AUTO, FAST, account, problem

from grok2api.accounts.asking import Way
from grok2api.accounts.leases import Need
from grok2api.accounts.lifecycle import Persist, RefreshQuota
from grok2api.accounts.model import Rest, Source, State, Window
from grok2api.accounts.resting import Policy
from grok2api.canonical.problem import Kind, Problem
from grok2api.catalog import Tier
from grok2api.jobs import Job, JobRunner
from grok2api.upstreams.base import Told

HOUR = 3600.0
REAL = Window(140, 140, 7200, None, Source.REAL)
DAY = 24 * HOUR
BASIC, SUPER, HEAVY, API = Tier.BASIC, Tier.SUPER, Tier.HEAVY, Tier.API


async def use(scene: Scene, need: Need = FAST, failing: Problem | None = None) -> str:
    async with scene.pool.lease(need) as lease:
        if failing is None:
            lease.succeeded()
        else:
            lease.failed(failing)
        return lease.credential.account_id


# --- after use


async def test_a_storm_of_uses_asks_once_for_each_pair_and_never_more_at_once_than_allowed() -> None:
    scene = Scene(several(20), concurrency=3)
    async with scene.running():
        for number in range(1000):
            scene.refresher.take([RefreshQuota(f"acc_{number % 20}", "fast")])
        assert scene.refresher.waiting == 20
        await scene.time.pass_(10)
    assert set(scene.web.asked.values()) == {1}
    assert len(scene.web.asked) == 20
    assert scene.web.peak == 3


async def test_a_use_is_asked_about_a_little_later_and_the_count_is_real_then() -> None:
    scene = Scene([account()])
    scene.web.says["fast"] = Told(17, 30, DAY)
    async with scene.running():
        await use(scene)
        assert scene.get().windows["fast"].source is Source.DEFAULT
        await scene.time.pass_(1)
        assert scene.web.calls == []
        await scene.time.pass_(2)
        assert scene.get().windows["fast"].remaining == 17
        assert scene.get().windows["fast"].source is Source.REAL
        await use(scene)
        assert scene.get().windows["fast"].source is Source.ESTIMATED
        await scene.time.pass_(3)
    assert scene.web.asked == {("acc_1", "fast"): 2}
    assert Persist("acc_1") in scene.effects


async def test_whoever_asks_what_is_in_flight_shares_the_answer() -> None:
    scene = Scene([account(1, SUPER)])
    scene.web.hold = asyncio.Event()
    async with scene.running():
        scene.refresher.welcome(scene.get(), new=True)
        first = asyncio.ensure_future(scene.by_hand(modes=["fast"]))
        second = asyncio.ensure_future(scene.by_hand())
        await scene.time.settle()
        scene.web.hold.set()
        results = [*await first, *await second]
        await scene.time.settle()
    assert set(scene.web.asked.values()) == {1}
    assert [result.problem for result in results] == [None, None]


async def test_an_asker_that_leaves_does_not_end_the_question_of_the_others() -> None:
    scene = Scene([account()])
    scene.web.hold = asyncio.Event()
    first = asyncio.ensure_future(scene.by_hand(modes=["fast"]))
    second = asyncio.ensure_future(scene.by_hand(modes=["fast"]))
    await scene.time.settle()
    first.cancel()
    await scene.time.settle()
    scene.web.hold.set()
    assert [result.modes for result in await second] == [("fast",)]
    assert first.cancelled()


async def test_a_smaller_bound_is_in_force_for_the_next_questions() -> None:
    scene = Scene(several(12), concurrency=6)
    async with scene.running():
        scene.options = msgspec.structs.replace(scene.options, concurrency=2)
        for number in range(12):
            scene.refresher.want(f"acc_{number}", "fast")
        await scene.time.pass_(1)
    assert scene.web.peak == 2
    assert len(scene.web.calls) == 12


# --- new accounts


@pytest.mark.parametrize(
    ("tier", "modes", "others"),
    [
        (BASIC, ["fast"], (["console"], [])),
        (SUPER, ["auto", "expert", "fast", "grok43"], (["console"], [])),
        (HEAVY, ["auto", "expert", "fast", "grok43", "heavy"], (["console"], [])),
        (API, [], ([], ["api"])),
    ],
)
async def test_a_new_account_is_asked_about_every_mode_of_its_tier(
    tier: Tier, modes: list[str], others: tuple[list[str], list[str]]
) -> None:
    scene = Scene([account(1, tier)], tier=tier if tier is not API else BASIC)
    async with scene.running():
        scene.rounds.join(scene.get())
        await scene.time.settle()
    assert (scene.web.modes, (scene.console.modes, scene.api.modes)) == (modes, others)
    assert all(window.source is Source.REAL for window in scene.get().windows.values())
    assert scene.get().tier is tier
    assert scene.keeper.moves == []


@pytest.mark.parametrize("tier", [SUPER, HEAVY])
async def test_an_account_whose_tier_nobody_named_moves_to_the_tier_that_is_told(tier: Tier) -> None:
    scene = Scene([unnamed()], tier=tier)
    async with scene.running():
        scene.rounds.join(scene.get())
        await scene.time.settle()
        assert scene.web.modes == ["auto", "expert", "fast", "grok43", "heavy"], "each once"
        moved = scene.get()
        assert (moved.tier, moved.tier_known, moved.revision) == (tier, True, 100)
        assert all(window.source is Source.REAL for window in moved.windows.values())
        assert scene.keeper.moves == [("acc_1", tier)]
        assert await use(scene, AUTO) == "acc_1"


async def test_one_that_is_basic_indeed_is_known_without_an_administrative_write() -> None:
    scene = Scene([unnamed()])
    scene.web.says["heavy"] = problem(Kind.MODE_REFUSED)
    async with scene.running():
        scene.rounds.join(scene.get())
        await scene.time.settle()
    assert (scene.get().tier, scene.get().tier_known) == (BASIC, True)
    assert scene.get().windows["fast"].total == 30
    assert scene.keeper.moves == []
    assert Persist("acc_1") in scene.effects


async def test_a_tier_that_could_not_be_told_is_asked_for_again_later_each_time() -> None:
    scene = Scene([unnamed()], tier=SUPER)
    scene.web.says["auto"] = problem(Kind.UPSTREAM_DOWN)
    async with scene.running():
        scene.rounds.join(scene.get())
        await scene.time.settle()
        assert not scene.get().tier_known
        assert await use(scene) == "acc_1", "it serves as basic meanwhile"
        await scene.time.pass_(3)
        assert not scene.get().tier_known, "one mode alone tells no tier"
        await scene.time.pass_(340)
        before = len(scene.web.calls)
        await scene.time.pass_(540)
        assert len(scene.web.calls) == before
        del scene.web.says["auto"]
        await scene.time.pass_(800)
    assert scene.get().tier is SUPER


async def test_a_tier_does_not_count_before_it_is_written() -> None:
    scene = Scene([unnamed()], tier=SUPER)
    scene.keeper.revision = None
    async with scene.running():
        scene.rounds.join(scene.get())
        await scene.time.settle()
        assert (scene.get().tier, scene.get().tier_known) == (BASIC, False)
        scene.keeper.revision = 7
        await scene.time.pass_(340)
    assert (scene.get().tier, scene.get().revision) == (SUPER, 7)


async def test_what_the_operator_decides_meanwhile_stands() -> None:
    scene = Scene([unnamed()], tier=SUPER)
    scene.web.hold = asyncio.Event()
    async with scene.running():
        scene.rounds.join(scene.get())
        await scene.time.settle()
        decided = msgspec.structs.replace(account(1, HEAVY), secret="secret-1", revision=300)
        scene.pool.replace(decided)
        scene.web.hold.set()
        await scene.time.settle()
    assert (scene.get().tier, scene.get().revision) == (HEAVY, 300)


async def test_an_answer_about_a_credential_that_was_replaced_says_nothing() -> None:
    scene = Scene([account()])
    scene.web.hold = asyncio.Event()
    scene.web.says["fast"] = problem(Kind.CREDENTIAL)
    async with scene.running():
        scene.refresher.want("acc_1", "fast")
        await scene.time.settle()
        scene.pool.replace(msgspec.structs.replace(account(), secret="another"))
        scene.web.hold.set()
        await scene.time.settle()
    assert scene.get().state is State.ACTIVE


# --- failures


@pytest.mark.parametrize("kind", list(Kind))
async def test_P4_a_serving_account_goes_on_serving_whatever_its_quota_question_meets(kind: Kind) -> None:
    scene = Scene([account(1, SUPER)])
    scene.web.says["*"] = problem(kind, 60)
    async with scene.running():
        await use(scene, AUTO)
        windows = dict(scene.get().windows)
        await scene.time.pass_(3)
        assert scene.web.modes == ["auto"]
        after = scene.get()
    if kind in (Kind.CREDENTIAL, Kind.BLOCKED):
        assert after.state in (State.EXPIRED, State.DISABLED)
        return
    assert (after.state, after.rests, after.health) == (State.ACTIVE, {}, 1.0)
    assert dict(after.windows) == windows
    leases = [scene.pool.lease(AUTO) for _ in range(8)]
    assert {(await lease.__aenter__()).mode for lease in leases} == {"auto"}


async def test_P4_bare_401s_to_several_questions_at_once_make_an_idle_account_suspect_at_most() -> None:
    scene = Scene([account(1, SUPER)])
    scene.web.says["*"] = problem(Kind.UNAUTHORIZED)
    scene.console.says["*"] = problem(Kind.UNAUTHORIZED)
    async with scene.running():
        scene.refresher.want("acc_1")
        await scene.time.settle()
        assert scene.get().state is State.SUSPECT
        assert await use(scene) == "acc_1"
        assert scene.get().state is State.ACTIVE


async def test_a_bare_401_beside_an_answer_is_no_doubt() -> None:
    scene = Scene([account(1, SUPER)])
    scene.web.says["expert"] = problem(Kind.UNAUTHORIZED)
    await scene.by_hand()
    assert scene.get().state is State.ACTIVE


async def test_P3_a_suspect_is_asked_about_and_the_answer_ends_the_doubt() -> None:
    scene = Scene([account()])
    async with scene.running():
        await use(scene, failing=problem(Kind.UNAUTHORIZED))
        assert scene.get().state is State.SUSPECT
        await scene.time.pass_(3)
    assert (scene.get().state, scene.web.modes) == (State.ACTIVE, ["fast"])


async def test_a_window_whose_time_has_passed_is_full_again_though_nobody_tells() -> None:
    spent = msgspec.structs.replace(account(), windows={"fast": Window(0, 30, 86400, 1_000_050.0, Source.REAL)})
    scene = Scene([spent])
    scene.web.says["*"] = problem(Kind.UPSTREAM_DOWN)
    async with scene.running():
        await scene.time.pass_(100)
        scene.refresher.want("acc_1")
        await scene.time.settle()
    assert scene.get().windows["fast"] == Window(30, 30, 86400, None, Source.ESTIMATED)


async def test_a_challenge_pauses_questions_that_nobody_waits_for_and_an_answer_by_hand_ends_the_pause() -> None:
    scene = Scene(several(10), concurrency=1)
    scene.web.says["*"] = problem(Kind.CHALLENGE)
    async with scene.running():
        for number in range(10):
            scene.refresher.want(f"acc_{number}", "fast")
        await scene.time.pass_(290)
        assert len(scene.web.calls) == 1
        assert scene.refresher.waiting == 9
        scene.web.says.clear()
        assert [result.problem for result in await scene.by_hand("acc_3", modes=["fast"])] == [None]
        await scene.time.pass_(60)
    assert len(scene.web.calls) == 11
    assert all(one.state is State.ACTIVE for one in scene.pool.list())


async def test_a_challenge_at_one_upstream_leaves_the_others_asked() -> None:
    scene = Scene([account(1, SUPER)])
    scene.web.says["*"] = problem(Kind.CHALLENGE)
    async with scene.running():
        scene.refresher.want("acc_1", "fast")
        await scene.time.settle()
        scene.refresher.want("acc_1")
        await scene.time.pass_(1)
    assert (scene.web.modes, scene.console.modes) == (["fast"], ["console"])


def test_a_way_is_left_alone_longer_each_time_and_an_answer_forgets_it() -> None:
    way, now, pauses = Way(), 1000.0, []
    for _ in range(6):
        assert way.note(problem(Kind.CHALLENGE), now)
        assert not way.note(problem(Kind.CHALLENGE), now), "others in flight say the same, once"
        pauses.append(way.until - now)
        now = way.until
    assert pauses == [300, 600, 1200, 2400, 3600, 3600]
    assert not way.note(None, now)
    assert way.until == 0
    assert way.note(problem(Kind.CHALLENGE), now)
    assert way.until == now + 300


def test_a_way_that_is_only_rough_gets_three_chances() -> None:
    way = Way()
    noted = [way.note(problem(kind), 0.0) for kind in (Kind.TIMEOUT, Kind.UNREACHABLE, Kind.RATE_LIMITED)]
    assert noted == [False, False, True]
    assert way.until == 60


@pytest.mark.parametrize("kind", [Kind.MODE_REFUSED, Kind.CREDENTIAL, Kind.UNAUTHORIZED, Kind.BLOCKED])
def test_what_an_upstream_says_of_an_account_says_nothing_of_the_way(kind: Kind) -> None:
    way = Way()
    assert not any(way.note(problem(kind), 0.0) for _ in range(20))


async def test_a_source_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grok2api.accounts.asking._TIMEOUT_SEC", 0.01)
    scene = Scene([account()])
    scene.web.hold = asyncio.Event()
    (result,) = await scene.by_hand(modes=["fast"])
    assert result.problem is not None
    assert result.problem.kind is Kind.TIMEOUT


# --- by hand


async def test_by_hand_each_account_says_what_was_told_and_what_went_wrong() -> None:
    scene = Scene([account(1), account(2, SUPER), account(3, API)])
    scene.web.says["acc_2", "expert"] = problem(Kind.UPSTREAM_DOWN)
    for mode, total in (("auto", 50), ("fast", 140), ("grok43", 50)):
        scene.web.says["acc_2", mode] = Told(1, total, 7200)
    results = {one.account_id: one for one in await scene.by_hand("acc_1", "acc_2", "acc_3", "acc_none")}
    assert (results["acc_1"].modes, results["acc_1"].problem) == (("console", "fast"), None)
    assert results["acc_2"].modes == ("auto", "console", "fast", "grok43")
    assert (results["acc_2"].before, results["acc_2"].after) == (SUPER, SUPER)
    assert results["acc_2"].problem is not None
    assert (results["acc_3"].modes, results["acc_3"].after) == (("api",), API)
    assert results["acc_none"].problem is not None
    assert results["acc_none"].problem.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(("before", "after"), [(BASIC, SUPER), (SUPER, BASIC), (SUPER, HEAVY), (HEAVY, BASIC)])
async def test_by_hand_an_account_follows_what_was_bought_or_has_lapsed(before: Tier, after: Tier) -> None:
    scene = Scene([account(1, before)], tier=after)
    (result,) = await scene.by_hand()
    assert (result.before, result.after, result.problem) == (before, after, None)
    assert scene.get().tier is after


async def test_by_hand_totals_that_say_nothing_leave_a_named_tier_as_it_is() -> None:
    scene = Scene([account(1, SUPER)])
    scene.web.says["*"] = Told(3, 33, 7200)
    scene.web.says["heavy"] = Told(0, 0, 7200)
    (result,) = await scene.by_hand()
    assert result.after is SUPER


async def test_on_schedule_a_named_tier_is_left_as_it_is() -> None:
    scene = Scene([account(1, SUPER)], tier=BASIC)
    async with scene.running():
        scene.refresher.want("acc_1")
        await scene.time.settle()
    assert scene.get().tier is SUPER
    assert scene.web.modes == ["auto", "expert", "fast", "grok43"]


async def test_by_hand_only_the_modes_that_are_named_are_asked_about() -> None:
    scene = Scene([account(1, SUPER)], tier=SUPER)
    (result,) = await scene.by_hand(modes=["fast", "auto", "heavy", "none"])
    assert result.modes == ("auto", "fast")
    assert scene.web.modes == ["auto", "fast"]


async def test_by_hand_an_expired_account_whose_session_lives_is_back_and_a_disabled_one_is_not() -> None:
    dead = [msgspec.structs.replace(account(1), state=State.EXPIRED), account(2)]
    scene = Scene(dead)
    scene.pool.disable("acc_2")
    await scene.by_hand("acc_1", "acc_2")
    assert (scene.get("acc_1").state, scene.get("acc_2").state) == (State.ACTIVE, State.DISABLED)


async def test_by_hand_many_are_asked_a_few_at_once_and_leaving_ends_the_rest() -> None:
    scene = Scene(several(50), concurrency=4)
    looking = scene.refresher.refresh(f"acc_{number}" for number in range(50))
    async for _ in looking:
        break
    await looking.aclose()
    asked = len(scene.web.calls)
    assert 0 < asked <= 20
    assert scene.web.peak <= 4
    await scene.time.settle()
    assert scene.web.at_once == 0


async def test_in_the_background_nobody_is_asked_about_who_cannot_serve() -> None:
    scene = Scene([msgspec.structs.replace(account(1), state=State.EXPIRED), account(2)])
    scene.pool.disable("acc_2")
    async with scene.running():
        for ident in ("acc_1", "acc_2", "acc_none"):
            scene.refresher.want(ident)
        await scene.time.pass_(1)
    assert (scene.web.calls, scene.refresher.waiting) == ([], 0)


async def test_an_account_that_was_put_into_another_tier_is_asked_about_and_at_a_start_only_the_untold_are() -> None:
    half_told = msgspec.structs.replace(account(1, SUPER), windows={**account(1, SUPER).windows, "fast": REAL})
    scene = Scene([half_told, account(2, SUPER)], tier=SUPER)
    async with scene.running(scene.pool.list()):
        await scene.time.settle()
        assert {ident for _, ident, _ in scene.web.calls} == {"acc_2"}
        scene.rounds.join(scene.get("acc_1"))
        await scene.time.settle()
        assert {ident for _, ident, _ in scene.web.calls} == {"acc_1", "acc_2"}


# --- random


async def test_random_asks_only_for_the_tier_of_a_new_account_and_by_hand() -> None:
    scene = Scene([account(1, SUPER), unnamed(2)], tier=SUPER, asks=False, policy=Policy(counts_quota=False))
    async with scene.running():
        for one in scene.pool.list():
            scene.rounds.join(one)
        for _ in range(3):
            await use(scene, AUTO)
        await use(scene, failing=problem(Kind.UNAUTHORIZED))
        await scene.time.pass_(10)
        assert scene.web.asked == {("acc_2", mode): 1 for mode in ("auto", "fast", "heavy")}
        assert scene.console.calls == []
        assert scene.get("acc_2").tier is SUPER
        await scene.by_hand("acc_1", modes=["fast"])
    assert scene.web.asked["acc_1", "fast"] == 1


# --- on demand


def on_demand(scene: Scene) -> JobRunner:
    job = Job(
        name="on-demand",
        help="",
        every=lambda: scene.options.on_demand_sec,
        work=scene.rounds.sweep,
        wake=scene.refresher.exhausted,
        enabled=lambda: scene.options.asks,
    )
    return JobRunner([job], scene.time, random.Random(1), scene.memory, scene.time.sleep)


async def refused(scene: Scene, need: Need = FAST) -> bool:
    try:
        await use(scene, need)
    except Exception:
        return True
    return False


async def test_P2_quota_that_is_restored_early_makes_a_resting_account_active_at_once() -> None:
    scene = Scene([account(1, SUPER)], tier=SUPER)
    need = Need(tiers=(SUPER,), modes=("auto",))
    async with scene.running(scene.pool.list()), on_demand(scene).running():
        await scene.time.pass_(1)
        await use(scene, need, failing=problem(Kind.RATE_LIMITED, 156 * HOUR))
        await scene.time.pass_(10)
        assert scene.get().rests["auto"].until > scene.time.now + 155 * HOUR
        scene.web.calls.clear()
        assert await refused(scene, need)
        assert scene.web.calls == [], "the refused request itself asks nobody"
        await scene.time.settle()
        assert scene.web.modes == ["auto"], "only what rests is asked about"
        assert scene.get().rests == {}
        assert await use(scene, need) == "acc_1"


async def test_P6_all_spent_accounts_are_asked_about_at_most_once_in_the_interval() -> None:
    rests = {"fast": Rest(1_000_000.0 + DAY, 999_000.0)}
    scene = Scene([*(msgspec.structs.replace(one, rests=rests) for one in several(5)), account(9, SUPER)])
    scene.web.says = {(f"acc_{number}", "fast"): Told(0, 30, DAY) for number in range(5)}
    scene.web.tier = SUPER
    need = Need(tiers=(BASIC,), modes=("fast",))
    async with scene.running(scene.pool.list()), on_demand(scene).running():
        await scene.time.pass_(1)
        scene.web.calls.clear()
        for _ in range(290):
            assert await refused(scene, need)
            await scene.time.pass_(1)
        assert scene.web.asked == {(f"acc_{number}", "fast"): 1 for number in range(5)}
        for _ in range(20):
            assert await refused(scene, need)
            await scene.time.pass_(1)
        assert set(scene.web.asked.values()) == {2}


async def test_a_short_rest_is_not_asked_about() -> None:
    scene = Scene([account()])
    async with scene.running():
        scene.rounds.join(scene.get())
        await scene.time.settle()
        scene.web.calls.clear()
        await use(scene, failing=problem(Kind.RATE_LIMITED, 30))
        await scene.rounds.sweep()
        await scene.time.pass_(1)
    assert scene.web.calls == []


# --- on schedule


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is looked at every few seconds only: days go by in these tests."""
    monkeypatch.setattr("grok2api.accounts.refresh._BEAT_SEC", 5.0)


async def turned(scene: Scene, tier: Tier, seconds: float) -> None:
    """Let the job of a tier run for so long."""
    end = scene.time.now + seconds
    while scene.time.now < end:
        await scene.time.pass_(scene.rounds.every(tier))
        await scene.rounds.turn(tier)
    await scene.time.pass_(scene.rounds.every(tier))


def told(one: Callable[[], Scene]) -> Scene:
    """A scene whose accounts were asked about already, so that only the schedule asks."""
    scene = one()
    for known in scene.pool.list():
        windows = {mode: msgspec.structs.replace(w, source=Source.REAL) for mode, w in known.windows.items()}
        scene.pool.replace(msgspec.structs.replace(known, windows=windows))
    return scene


@pytest.mark.parametrize(("tier", "interval"), [(BASIC, DAY), (SUPER, 2 * HOUR)])
@pytest.mark.usefixtures("calm")
async def test_on_schedule_every_account_of_a_tier_is_asked_once_a_round_and_never_many_at_once(
    tier: Tier, interval: float
) -> None:
    scene = told(lambda: Scene([*several(300, tier), account(999, HEAVY)], tier=tier))
    async with scene.running(scene.pool.list()):
        await turned(scene, tier, interval)
        fast = [moment for moment, _, mode in scene.web.calls if mode == "fast"]
        assert {ident for _, ident, _ in scene.web.calls} == {f"acc_{number}" for number in range(300)}
        assert 300 <= len(fast) <= 306
        busiest = max(sum(moment <= other < moment + interval / 20 for other in fast) for moment in fast)
        assert busiest < 300 / 20 * 3
        await turned(scene, tier, interval)
    assert 1 <= min(scene.web.asked.values()) <= max(scene.web.asked.values()) <= 3


@pytest.mark.usefixtures("calm")
async def test_a_restart_goes_on_with_the_round_and_asks_nobody_twice() -> None:
    scene = told(lambda: Scene(several(300, SUPER), tier=SUPER))
    async with scene.running(scene.pool.list()):
        await turned(scene, SUPER, HOUR)
    first = {ident for _, ident, _ in scene.web.calls}
    scene.web.calls.clear()
    scene.begin(scene.pool.list())
    async with scene.running(scene.pool.list()):
        await turned(scene, SUPER, HOUR - 240)
    second = {ident for _, ident, _ in scene.web.calls}
    assert len(first & second) <= 3
    assert len(first | second) > 270


@pytest.mark.usefixtures("calm")
async def test_after_a_long_stop_what_was_missed_is_caught_up_with_but_not_all_at_once() -> None:
    scene = told(lambda: Scene(several(300, SUPER), tier=SUPER))
    await scene.rounds.turn(SUPER)
    await scene.time.pass_(30 * DAY)
    scene.begin(scene.pool.list())
    async with scene.running(scene.pool.list()):
        await turned(scene, SUPER, 60)
        assert len({ident for _, ident, _ in scene.web.calls}) < 60
        await turned(scene, SUPER, 900)
        assert len({ident for _, ident, _ in scene.web.calls}) == 300


@pytest.mark.usefixtures("calm")
async def test_a_way_that_is_left_alone_loses_no_turn_of_the_schedule() -> None:
    scene = told(lambda: Scene(several(200, SUPER), tier=SUPER))
    async with scene.running(scene.pool.list()):
        scene.web.says["*"] = problem(Kind.CHALLENGE)
        await scene.by_hand("acc_1", modes=["fast"])
        await turned(scene, SUPER, 240)
        assert len(scene.web.calls) == 1
        assert scene.refresher.waiting == 0
        scene.web.says.clear()
        await turned(scene, SUPER, 2 * HOUR - 240)
    assert len({ident for _, ident, _ in scene.web.calls}) == 200


@pytest.mark.usefixtures("calm")
async def test_accounts_that_are_gone_or_moved_are_not_asked_for_in_their_old_place() -> None:
    scene = told(lambda: Scene(several(50, SUPER), tier=HEAVY))
    for number in range(25):
        scene.pool.remove(f"acc_{number}")
    for number in range(25, 30):
        scene.pool.replace(msgspec.structs.replace(scene.get(f"acc_{number}"), tier=HEAVY))
    async with scene.running(scene.pool.list()):
        await turned(scene, SUPER, 2 * HOUR)
    assert {ident for _, ident, _ in scene.web.calls} == {f"acc_{number}" for number in range(30, 50)}
