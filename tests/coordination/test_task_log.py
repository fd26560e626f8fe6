"""The log of a long task, told by one worker and read in any."""

import asyncio
from contextlib import aclosing

from redis_here import Shelf, coordinators, proxied, until, working

from grok2api.coordination.base import TaskLog
from grok2api.coordination.tasks import MOST


async def read(tasks: TaskLog, task: str, last: bytes = b"done") -> list[bytes]:
    got = []
    async with aclosing(tasks.events(task)) as events:
        async for event in events:
            got.append(event)
            if event == last:
                break
    return got


async def test_everybody_reads_everything_in_order(prefix: str) -> None:
    async with coordinators(prefix, 2) as (one, other), asyncio.timeout(5):
        here, there = one.tasks, other.tasks
        assert await there.last("t1") is None
        await here.say("t1", b"begin")
        assert await there.last("t1") == b"begin"
        readers = [asyncio.ensure_future(read(tasks, "t1")) for tasks in (here, there)]
        await asyncio.gather(*(here.say("t1", b"item %d" % number) for number in range(20)))
        await here.say("t1", b"done")
        expected = [b"begin", *(b"item %d" % number for number in range(20)), b"done"]
        assert await asyncio.gather(*readers) == [expected, expected]
        assert await read(there, "t1") == expected
        assert await there.last("t1") == b"done"


async def test_an_unknown_task_has_no_events(prefix: str) -> None:
    async with coordinators(prefix, 1) as (one,):
        assert [event async for event in one.tasks.events("nothing")] == []


async def test_the_oldest_events_of_a_very_long_task_are_forgotten_and_the_end_is_not(prefix: str) -> None:
    async with coordinators(prefix, 1) as (one,):
        one.tasks._unsent["t1"] = [b"item"] * (MOST + 5000)
        await one.tasks.say("t1", b"done")
        got = await read(one.tasks, "t1")
        assert MOST <= len(got) < MOST + 1000
        assert got[-1] == b"done"


async def test_what_was_said_while_redis_was_away_follows(prefix: str) -> None:
    async with proxied() as proxy, working(prefix, Shelf(), Shelf(), url=proxy.url) as (one, other):
        async with asyncio.timeout(5):
            await one.tasks.say("t1", b"begin")
            reading = asyncio.ensure_future(read(other.tasks, "t1"))
            await proxy.cut()
            await until(lambda: bool(one.status().away and other.status().away))
            await one.tasks.say("t1", b"item")
            await one.tasks.say("t1", b"done")
            assert await other.tasks.last("t1") is None
            await proxy.open()
            assert await reading == [b"begin", b"item", b"done"]
