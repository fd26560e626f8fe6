"""Totals of what was served: they outlive the process, and nobody can make them many."""

import asyncio
from pathlib import Path

import pytest

from asking import ask
from databases import ENGINES, database
from rig import CHAT, MESSAGES, Rig, rigged


async def counted(rig: Rig, requests: int) -> None:
    """Wait until so many requests are over: the last line is written after the answer."""
    async with asyncio.timeout(5):
        while rig.app.counters.values().get("requests") != requests:
            await asyncio.sleep(0.002)


@pytest.mark.parametrize("engine", ENGINES)
async def test_D7_totals_after_a_restart_equal_those_before(tmp_path: Path, engine: str) -> None:
    with database(engine, tmp_path) as url:
        settings = {"storage.url": url}
        async with rigged(tmp_path, settings=settings) as rig:
            for _ in range(3):
                assert (await rig.post(CHAT, ask("chat")))[0] == 200
            await rig.post(MESSAGES, ask("messages"))
            await counted(rig, 4)
            await rig.settled()
            before = rig.app.counters.values()
            used = {account.id: account.use_count for account in rig.app.pool.list()}
        async with rigged(tmp_path, settings=settings) as rig:
            assert rig.app.counters.values() == before
            assert {account.id: account.use_count for account in rig.app.pool.list()} == used
    assert before["requests"] == 4
    assert before["tokens.output"] > 0
    assert sum(used.values()) == 4


async def test_M3_names_of_totals_are_not_the_callers(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        for number in range(30):
            await rig.post(CHAT, {**ask("chat"), "model": f"bogus-{number}"})
        await counted(rig, 30)
        totals = rig.app.counters.values()
    assert totals["requests"] == totals["problems.model_not_found"] == 30
    assert len(totals) == 3
