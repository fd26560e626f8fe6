"""The log of a long task, told by one worker and read in any."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis_here import Shelf, coordinators, proxied, until, working

from grok2api.coordination.base import TaskLog
from grok2api.coordination.local import KEEP_SEC, LocalTasks


@asynccontextmanager
async def two(kind: str, prefix: str) -> AsyncIterator[tuple[TaskLog, TaskLog]]:
    """The logs of the worker that runs the task and of another."""
    if kind == "local":
        tasks = LocalTasks(lambda: 0.0)
        yield tasks, tasks
        return
    async with coordinators(prefix, 2) as (one, other):
        yield one.tasks, other.tasks


async def read(tasks: TaskLog, task: str, last: bytes = b"done") -> list[bytes]:
    got = []
    async for event in tasks.events(task):
        got.append(event)
        if event == last:
            break
    return got


@pytest.mark.parametrize("kind", ["local", "redis"])
async def test_everybody_reads_everything_in_order(kind: str, prefix: str) -> None:
    async with two(kind, prefix) as (here, there), asyncio.timeout(5):
        assert not await there.known("t1")
        await here.say("t1", b"begin")
        assert await there.known("t1")
        readers = [asyncio.ensure_future(read(tasks, "t1")) for tasks in (here, there)]
        await asyncio.gather(*(here.say("t1", b"item %d" % number) for number in range(20)))
        await here.say("t1", b"done")
        expected = [b"begin", *(b"item %d" % number for number in range(20)), b"done"]
        assert await asyncio.gather(*readers) == [expected, expected]
        assert await read(there, "t1") == expected


@pytest.mark.parametrize("kind", ["local", "redis"])
async def test_a_task_is_cancelled_from_anywhere(kind: str, prefix: str) -> None:
    async with two(kind, prefix) as (here, there):
        await here.say("t1", b"begin")
        await here.say("t2", b"begin")
        assert not await here.cancelled("t1")
        await there.cancel("t1")
        assert await here.cancelled("t1")
        assert not await here.cancelled("t2")


async def test_an_unknown_task_has_no_events(prefix: str) -> None:
    async with two("redis", prefix) as (here, _):
        assert [event async for event in here.events("nothing")] == []


async def test_logs_are_forgotten_after_a_while() -> None:
    now = [0.0]
    tasks = LocalTasks(lambda: now[0])
    await tasks.say("old", b"begin")
    now[0] = KEEP_SEC + 1
    await tasks.say("new", b"begin")
    assert (await tasks.known("old"), await tasks.known("new")) == (False, True)


async def test_what_was_said_while_redis_was_away_follows(prefix: str) -> None:
    async with proxied() as proxy, working(prefix, Shelf(), Shelf(), url=proxy.url) as (one, other):
        async with asyncio.timeout(5):
            await one.tasks.say("t1", b"begin")
            reading = asyncio.ensure_future(read(other.tasks, "t1"))
            await proxy.cut()
            await until(lambda: bool(one.status().away and other.status().away))
            await one.tasks.say("t1", b"item")
            assert await one.tasks.known("t1")
            assert not await other.tasks.known("t1")
            await proxy.open()
            await until(lambda: not one.status().away and not other.status().away)
            await one.tasks.say("t1", b"done")
            assert await reading == [b"begin", b"item", b"done"]
