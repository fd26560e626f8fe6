"""What `spawn` promises: the task lives, its death is told, its secrets are not."""

import asyncio
import gc

import pytest
import structlog
from structlog.testing import capture_logs

from grok2api.transport import tasks


async def test_a_task_that_nobody_holds_still_finishes() -> None:
    done = asyncio.Event()
    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()
        done.set()

    tasks.spawn(work(), "work")
    await asyncio.sleep(0)
    gc.collect()
    gate.set()
    await asyncio.wait_for(done.wait(), 1)


async def test_a_task_returns_its_value_under_its_name() -> None:
    async def answer() -> int:
        return 42

    task = tasks.spawn(answer(), "answer")
    assert task.get_name() == "answer"
    assert await task == 42


async def test_Z2_a_death_is_logged_with_its_kind_and_place_but_not_its_text() -> None:
    async def die() -> None:
        raise ValueError("sso=very-secret")

    structlog.reset_defaults()
    with capture_logs() as logs:
        task = tasks.spawn(die(), "dies")
        with pytest.raises(ValueError):
            await task
        await asyncio.sleep(0)
    assert [(entry["task"], entry["error"]) for entry in logs] == [("dies", "ValueError")]
    assert "very-secret" not in str(logs)
    assert "test_tasks" in str(logs)


async def test_a_cancelled_task_is_not_an_error() -> None:
    with capture_logs() as logs:
        task = tasks.spawn(asyncio.sleep(10), "sleeper")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert logs == []
