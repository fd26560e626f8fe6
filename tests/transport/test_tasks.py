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


async def test_work_done_together_comes_back_in_order_and_never_too_much_at_once() -> None:
    under_way = most = 0

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5 - number % 3):
            await asyncio.sleep(0)
        under_way -= 1
        return number

    assert await tasks.together((work(number) for number in range(9)), "work", 3) == list(range(9))
    assert most == 3
    assert await tasks.together([], "nothing", 3) == []


async def test_the_first_failure_of_work_done_together_ends_the_rest() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waiter")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("first")

    async def never() -> None:
        ended.append("never")

    with capture_logs() as logs, pytest.raises(ValueError, match="first"):
        await tasks.together([wait(), fail(), never()], "work", 2)
    assert ended == ["waiter"]
    assert logs == []


async def test_who_leaves_takes_the_work_done_together_along() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waiter")

    task = tasks.spawn(tasks.together([wait(), wait(), wait()], "work", 2), "outer")
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["waiter", "waiter"]


async def test_results_come_as_they_are_done_and_no_more_are_under_way_than_may_be() -> None:
    under_way = most = 0
    gates = [asyncio.Event() for _ in range(6)]

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await gates[number].wait()
        under_way -= 1
        return number

    results = tasks.as_done((work(number) for number in range(6)), "work", 2)
    found = []
    for number in (1, 0, 2, 4, 3, 5):
        gates[number].set()
        found.append(await asyncio.wait_for(anext(results), 1))
    assert found == [1, 0, 2, 4, 3, 5]
    assert [one async for one in results] == []
    assert most == 2


async def test_closing_ends_what_is_under_way() -> None:
    ended = []

    async def work(number: int) -> int:
        if not number:
            return number
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)
        return number

    results = tasks.as_done((work(number) for number in range(3)), "work", 3)
    assert await anext(results) == 0
    await results.aclose()
    assert sorted(ended) == [1, 2]
