"""The whole gateway in bad weather: how often it asks the upstream when that refuses nearly everything (P10, P3)."""

from collections import Counter
from pathlib import Path

import pytest

from asking import ask
from grok2api.accounts.model import Account
from grok2api.gateway.ways import State
from grok2api.simulator.world import WorldOptions
from rig import BASIC, CHAT, Rig, rigged

UNMETERED = WorldOptions(burst=True, metered=False)


class Clock:
    """The gateway's time, moved on by the test."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def ask_steadily(rig: Rig, clock: Clock, seconds: int, rate: int) -> tuple[list[int], Counter[int]]:
    """So many requests a second; the upstream's calls in each second, and the statuses that clients saw."""
    calls, statuses = [], Counter[int]()
    for _ in range(seconds):
        before = len(rig.world.journal.chats)
        for _ in range(rate):
            clock.now += 1 / rate
            status, headers, _ = await rig.post(CHAT, ask("chat", stream=False))
            statuses[status] += 1
            assert status != 429 or int(headers["retry-after"]) >= 1
        calls.append(len(rig.world.journal.chats) - before)
    return calls, statuses


async def test_P10_a_storm_of_429s_makes_the_call_rate_fall_within_five_seconds_and_it_recovers(tmp_path: Path) -> None:
    """Accounts rest for two seconds each, so that there is always somebody to try: only the storm holds calls back."""
    clock, accounts = Clock(), [(f"sim-{number}", BASIC) for number in range(60)]
    async with rigged(tmp_path, accounts=accounts, world=UNMETERED, now=clock) as rig:
        calm, _ = await ask_steadily(rig, clock, seconds=6, rate=20)
        assert calm == [20] * 6
        storm = rig.world.on(fault="429-second")
        calls, statuses = await ask_steadily(rig, clock, seconds=12, rate=20)
        assert max(calls[5:]) <= 7
        assert min(calls[5:]) >= 1
        assert statuses == {429: 240}
        rig.world.scenarios.remove(storm)
        again, _ = await ask_steadily(rig, clock, seconds=15, rate=20)
        assert again[-3:] == [20] * 3
        assert rig.app.pool.census().in_flight == 0


@pytest.mark.parametrize(("settings", "most"), [({}, 120), ({"retry.budget_percent": 5}, 105)])
async def test_P10_second_attempts_stay_within_the_budget(
    tmp_path: Path, settings: dict[str, object], most: int
) -> None:
    clock, accounts = Clock(), [(f"sim-{number}", BASIC) for number in range(4)]
    async with rigged(tmp_path, accounts=accounts, settings=settings, world=UNMETERED, now=clock) as rig:
        rig.world.on(fault="503")
        calls, statuses = await ask_steadily(rig, clock, seconds=10, rate=10)
        assert 100 < sum(calls) <= most
        assert set(statuses) == {502}


async def test_P10_a_lone_request_gets_its_second_attempt(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=(("sim-1", BASIC), ("sim-2", BASIC)), world=UNMETERED) as rig:
        rig.world.on(fault="503", times=1)
        status, _, _ = await rig.post(CHAT, ask("chat", stream=False))
        assert (status, len(rig.world.journal.chats)) == (200, 2)


def _held_against(account: Account) -> tuple[object, ...]:
    return account.state, account.rests, account.health, account.strikes, account.fail_count


async def test_P3_a_challenge_touches_no_account_and_tells_what_to_renew_until_an_answer_comes(tmp_path: Path) -> None:
    clock, accounts = Clock(), (("sim-1", BASIC), ("sim-2", BASIC))
    async with rigged(tmp_path, accounts=accounts, world=UNMETERED, now=clock) as rig:
        before = [_held_against(account) for account in rig.app.pool.list()]
        rig.world.on(fault="403-challenge", times=3)
        for number in range(3):
            clock.now += 1
            status, _, body = await rig.post(CHAT, ask("chat", stream=False))
            assert status == 502
            assert b"browser" in body
            assert len(rig.world.journal.chats) == number + 1
        assert [_held_against(account) for account in rig.app.pool.list()] == before
        way = rig.app.gateway.watch.ways()[0]
        assert (way.name, way.upstream, way.state, way.count) == ("direct", "grok_web", State.CHALLENGED, 3)
        assert way.since == clock.now - 2
        assert "renew the cookies" in way.words
        assert (await rig.post(CHAT, ask("chat", stream=False)))[0] == 200
        assert [way.state for way in rig.app.gateway.watch.ways()] == [State.OK]
