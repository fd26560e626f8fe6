"""Quotas, through a whole gateway: asked after use, on import, on demand; told by the simulator."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from asking import TEXT, ask
from grok2api.accounts.importing import entry
from grok2api.accounts.model import Account, Source, State
from grok2api.catalog import Tier
from grok2api.simulator.accounts import Window
from grok2api.storage.opening import store_for
from grok2api.storage.remembered import Remembered
from rig import BASIC, CHAT, HEAVY, SUPER, Rig
from rig import rigged as plain_rigged

#: Accounts as they are after an import.
rigged = partial(plain_rigged, fresh=True)

TOKEN = "sim-super-1"
ONE = ((TOKEN, SUPER),)
WEEK_AND_MORE = 156 * 3600


def question(model: str) -> dict[str, object]:
    return {**ask("chat"), "model": model}


async def until(holds: Callable[[], bool], within: float = 15.0) -> None:
    """Wait until something has come about in the background."""
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.01)


def only(rig: Rig) -> Account:
    (account,) = rig.app.pool.list()
    return account


def told(rig: Rig) -> bool:
    return all(window.source is Source.REAL for one in rig.app.pool.list() for window in one.windows.values())


def limits(rig: Rig) -> Counter[tuple[str | None, str | None]]:
    return Counter((one.account, one.mode) for one in rig.world.journal.of("rate_limits"))


async def added(rig: Rig, *tokens: str, pool: str = "auto") -> None:
    """Add accounts as the command line does, and have the gateway notice."""
    store = await store_for("", rig.data_dir, {})
    await store.add([entry("here", token, pool).account(f"acc_{token}", 1.0) for token in tokens])
    await store.close()
    await rig.app.jobs.run_now("store-sync")


async def test_accounts_that_are_new_are_asked_about_once_in_every_mode(tmp_path) -> None:
    async with rigged(tmp_path) as rig:
        await until(lambda: told(rig))
        assert limits(rig) == {
            **{("sim-basic-1", mode): 1 for mode in ("fast",)},
            **{(TOKEN, mode): 1 for mode in ("auto", "fast", "expert", "grok-420-computer-use-sa")},
            **{("sim-heavy-1", mode): 1 for mode in ("auto", "fast", "expert", "heavy", "grok-420-computer-use-sa")},
        }
        assert len(rig.world.journal.of("usage")) == 3
        windows = {one.tier: {mode: w.total for mode, w in one.windows.items()} for one in rig.app.pool.list()}
        assert windows[BASIC] == {"fast": 30, "console": 20}
        assert windows[HEAVY]["heavy"] == 20
    async with rigged(tmp_path, accounts=()) as rig:
        for token, tier in (("sim-basic-1", BASIC), (TOKEN, SUPER), ("sim-heavy-1", HEAVY)):
            rig.world.account(token, tier)
        assert told(rig)
        await rig.post(CHAT, question("grok-4.20-fast"))
        await until(lambda: limits(rig).total() == 1)


@pytest.mark.parametrize(("tier", "model"), [("super", "grok-4.20-auto"), ("heavy", "grok-4.20-heavy")])
async def test_an_account_added_without_a_tier_serves_what_it_has_within_moments_and_after_a_restart(
    tmp_path, tier: str, model: str
) -> None:
    async with rigged(tmp_path, accounts=()) as rig:
        rig.world.account("sim-new", tier)
        status, _, _ = await rig.post(CHAT, question(model))
        assert status == 429
        await added(rig, "sim-new")
        assert not only(rig).tier_known
        await until(lambda: only(rig).tier is Tier(tier))
        status, _, body = await rig.post(CHAT, question(model))
        assert (status, bool(TEXT["chat"](body))) == (200, True)
        await until(lambda: not any(window.source is Source.DEFAULT for window in only(rig).windows.values()))
        revision = only(rig).revision
        await rig.app.jobs.run_now("store-sync")
        assert (only(rig).tier, only(rig).revision) == (Tier(tier), revision)
    async with rigged(tmp_path, accounts=()) as rig:
        assert (only(rig).tier, only(rig).tier_known) == (Tier(tier), True)
        assert not any(window.source is Source.DEFAULT for window in only(rig).windows.values())
        assert rig.app.refresher.waiting == 0


async def test_a_tier_that_could_not_be_told_yet_is_asked_for_after_a_restart(tmp_path) -> None:
    async with rigged(tmp_path, accounts=()) as rig:
        rig.world.account("sim-new", SUPER)
        rig.world.on(endpoint="rate_limits", fault="502")
        await added(rig, "sim-new")
        await until(lambda: limits(rig).total() == 3)
        await rig.app.jobs.run_now("store-write")
        assert (only(rig).tier, only(rig).tier_known) == (BASIC, False)
    async with rigged(tmp_path, accounts=(("sim-new", SUPER),)) as rig:
        await until(lambda: only(rig).tier is SUPER)


async def test_P2_quota_restored_early_upstream_makes_an_account_active_at_once(tmp_path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        await until(lambda: told(rig))
        rig.world.on(fault=f"429={WEEK_AND_MORE}", mode="expert")
        assert (await rig.post(CHAT, question("grok-4.20-expert")))[0] == 429
        await until(lambda: "expert" in only(rig).rests)
        assert only(rig).rests["expert"].until - time.time() > 155 * 3600
        rig.world.scenarios.clear()
        status, headers, _ = await rig.post(CHAT, question("grok-4.20-expert"))
        assert (status, int(headers["retry-after"]) > 155 * 3600) == (429, True)
        await until(lambda: "expert" not in only(rig).rests)
        assert (await rig.post(CHAT, question("grok-4.20-expert")))[0] == 200


async def test_P6_when_all_rest_the_refusal_asks_nobody_and_comes_at_once(tmp_path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        await until(lambda: told(rig))
        window = rig.world.account(TOKEN).window("expert")
        window.remaining, window.began = 0, time.time()
        assert (await rig.post(CHAT, question("grok-4.20-expert")))[0] == 429
        rig.world.journal.clear()
        before = len(rig.world.journal.entries)
        spent = []
        for _ in range(20):
            began = time.perf_counter()
            status, headers, body = await rig.post(CHAT, question("grok-4.20-expert"))
            spent.append(time.perf_counter() - began)
            assert (status, "retry-after" in headers) == (429, True)
            assert b"1 resting" in body
        await until(lambda: limits(rig).total() == 1)
        assert [one.endpoint for one in rig.world.journal.entries][before:] == ["rate_limits"]
        assert sorted(spent)[10] < 0.05


@pytest.mark.parametrize(
    "fault",
    ["400", "402", "403", "403-anti-bot", "403-challenge", "403-empty", "403-mode", "404", "429=60", "429-free", "500",
     "502-html", "503-challenge", "504", "401-bare", "html", "garbage", "eof@3", "cut@5", "no-remaining", "token-quota",
     "no-window"],
)  # fmt: skip
async def test_P4_whatever_goes_wrong_with_its_quota_question_the_account_goes_on_serving(tmp_path, fault: str) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        await until(lambda: told(rig))
        rig.world.journal.clear()
        rig.world.on(endpoint="rate_limits", fault=fault)
        rig.world.on(endpoint="usage", fault=fault)
        assert (await rig.post(CHAT, question("grok-4.20-auto")))[0] == 200
        await rig.settled()
        results = [one async for one in rig.app.refresher.refresh([only(rig).id])]
        assert rig.world.journal.of("rate_limits")
        assert results[0].problem is not None
        assert not {"auto", "fast", "expert"} & set(results[0].modes)
        account = only(rig)
        assert (account.state, account.rests, account.tier) == (State.ACTIVE, {}, SUPER)
        assert account.windows["auto"].remaining == 49
        posts = [rig.post(CHAT, question("grok-4.20-auto")) for _ in range(5)]
        assert [status for status, _, _ in await asyncio.gather(*posts)] == [200] * 5


@pytest.mark.parametrize(
    ("fault", "state"),
    [("401", State.EXPIRED), ("401-session", State.EXPIRED), ("403-blocked", State.DISABLED)],
)
async def test_a_marker_in_the_answer_to_a_question_takes_the_account_out(tmp_path, fault: str, state: State) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        await until(lambda: told(rig))
        rig.world.on(endpoint="rate_limits", fault=fault)
        (result,) = [one async for one in rig.app.refresher.refresh([only(rig).id], ["fast"])]
        assert result.problem is not None
        assert only(rig).state is state
        assert TOKEN not in only(rig).state_reason + only(rig).last_error


async def test_a_burst_of_uses_is_asked_about_once(tmp_path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        await until(lambda: told(rig))
        rig.world.journal.clear()
        await asyncio.gather(*(rig.post(CHAT, question("grok-4.20-auto")) for _ in range(8)))
        await until(lambda: limits(rig).total() > 0)
        await until(lambda: only(rig).windows["auto"].source is Source.REAL)
        assert limits(rig) == {(TOKEN, "auto"): 1}
        assert only(rig).windows["auto"].remaining == 42


async def test_random_asks_nothing_after_use(tmp_path) -> None:
    async with rigged(tmp_path, accounts=ONE, settings={"account.strategy": "random"}) as rig:
        assert (await rig.post(CHAT, question("grok-4.20-auto")))[0] == 200
        for name in ("quota-super", "quota-on-demand"):
            assert {one.name: one.enabled for one in rig.app.jobs.status()}[name] is False
        assert rig.app.refresher.waiting == 0
        assert rig.world.journal.of("rate_limits") == rig.world.journal.of("usage") == []


async def test_the_console_is_asked_with_the_proof_that_it_demands(tmp_path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        await until(lambda: told(rig))
        account = rig.world.account(TOKEN)
        account.console_requires_dpop = True
        account.windows["console"] = Window(total=60, seconds=3600, remaining=7)
        (result,) = [one async for one in rig.app.refresher.refresh([only(rig).id], ["console"])]
        assert result.problem is None
        assert (only(rig).windows["console"].remaining, only(rig).windows["console"].total) == (7, 60)


@pytest.mark.parametrize(("state", "wanted"), [("ok", State.ACTIVE), ("blocked", State.DISABLED)])
async def test_the_health_of_an_official_key_is_asked_for(tmp_path, state: str, wanted: State) -> None:
    async with rigged(tmp_path, accounts=()) as rig:
        rig.world.account("xai-one", "api").state = state
        await added(rig, "xai-one")
        await until(lambda: len(rig.world.journal.of("api_key")) == 1)
        await until(lambda: only(rig).state is wanted)


async def test_by_hand_an_account_follows_what_its_owner_bought(tmp_path) -> None:
    async with rigged(tmp_path, accounts=(("sim-basic-1", BASIC),)) as rig:
        await until(lambda: told(rig))
        rig.world.regrade("sim-basic-1", "heavy")
        results = [one async for one in rig.app.refresher.refresh([only(rig).id])]
        assert [(one.before, one.after, one.problem) for one in results] == [(BASIC, HEAVY, None)]
        assert (await rig.post(CHAT, question("grok-4.20-heavy")))[0] == 200


async def test_all_periodic_work_is_in_the_status(tmp_path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        await until(lambda: told(rig))
        await rig.app.jobs.run_now("quota-super")
        rows = {one.name: one for one in rig.app.jobs.status()}
        assert list(rows) == [
            "configuration", "store-sync", "store-write", "totals", "store-purge",
            "quota-basic", "quota-super", "quota-heavy", "quota-on-demand",
            "film-take", "film-hold", "film-expire", "responses-expire",
            "background-write", "background-look", "background-expire",
        ]  # fmt: skip
        assert all(row.help.endswith(".") and row.failures == 0 for row in rows.values())
        assert rows["quota-super"].runs == 1
        assert rows["store-write"].runs >= 1
        json.dumps([str(row) for row in rows.values()])


async def test_Z2_no_token_is_in_what_is_remembered_or_said_about_questions(tmp_path, capfd) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        rig.world.on(endpoint="rate_limits", fault="403-challenge")
        results = [one async for one in rig.app.refresher.refresh([only(rig).id])]
        assert TOKEN not in repr(results)
    assert TOKEN not in "".join(capfd.readouterr())


async def test_how_far_the_rounds_are_is_remembered_over_a_restart(tmp_path) -> None:
    async with rigged(tmp_path, accounts=ONE) as rig:
        await until(lambda: told(rig))
        await rig.app.jobs.run_now("quota-super")
        await rig.app.jobs.run_now("store-purge")
    store = await store_for("", tmp_path, {})
    kept = await Remembered(store.database).all()
    await store.close()
    assert {"quota.super", "job.store-purge"} <= set(kept)
    assert abs(float(kept["quota.super"]) - time.time()) < 60
    async with rigged(tmp_path, accounts=ONE) as rig:
        due = {one.name: one.next_at for one in rig.app.jobs.status()}["store-purge"]
        assert due is not None
        assert due - time.time() > 3000
