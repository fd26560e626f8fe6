"""Locks and turns over all workers."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from redis_here import coordinators, proxied, until

from grok2api.coordination.base import Locks
from grok2api.coordination.local import LocalLocks


@asynccontextmanager
async def held(locks: Locks, name: str, ttl: float = 10.0):
    async with locks.hold(name, ttl) as mine:
        yield mine


@pytest.mark.parametrize("kind", ["local", "redis"])
async def test_one_holds_a_lock_and_the_next_when_it_is_free(kind: str, prefix: str) -> None:
    async with coordinators(prefix, 2) as (one, other):
        first, second = (LocalLocks(),) * 2 if kind == "local" else (one.locks, other.locks)
        async with first.hold("quota"), second.hold("quota") as mine, second.hold("else") as free:
            assert (mine, free) == (False, True)
        async with second.hold("quota") as mine:
            assert mine
        with pytest.raises(ValueError):
            async with first.hold("quota"):
                raise ValueError
        async with second.hold("quota") as mine:
            assert mine


async def test_one_worker_locks_itself_out_too(prefix: str) -> None:
    async with coordinators(prefix, 1) as (one,), one.locks.hold("quota"), one.locks.hold("quota") as mine:
        assert not mine


async def test_a_lock_outlives_its_ttl_while_it_is_held_and_ends_when_its_holder_is_killed(prefix: str) -> None:
    async with coordinators(prefix, 2) as (one, other), one.locks.hold("job", 0.15):
        await asyncio.sleep(0.3)
        async with other.locks.hold("job") as mine:
            assert not mine
        await one._link.close()
        one._link.away = "as if it had been killed"

        async def free() -> bool:
            async with other.locks.hold("job") as mine:
                return mine

        await until(free)


async def test_a_turn_comes_once_a_period_in_one_worker(prefix: str) -> None:
    async with coordinators(prefix, 3) as workers:
        ran = []

        async def tick(number: int) -> None:
            async with workers[number].locks.turn("refresh", 0.5) as mine:
                if mine:
                    ran.append(number)
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(tick(number % 3) for number in range(9)))
        assert len(ran) == 1
        await tick(0)
        assert len(ran) == 1

        async def again() -> bool:
            await tick(1)
            return len(ran) == 2

        await until(again)


async def test_a_turn_that_failed_is_taken_by_the_next(prefix: str) -> None:
    async with coordinators(prefix, 2) as (one, other):
        with pytest.raises(ValueError):
            async with one.locks.turn("refresh", 60):
                raise ValueError
        async with other.locks.turn("refresh", 60) as mine:
            assert mine


async def test_while_redis_is_away_locks_are_local_and_turns_are_the_first_workers(prefix: str) -> None:
    async with proxied() as proxy, coordinators(prefix, 2, proxy.url) as (one, other):
        await proxy.cut()
        for _ in range(2):
            async with one.locks.hold("quota") as mine, other.locks.hold("quota") as yours:
                assert (mine, yours) == (True, True)
            async with one.locks.turn("refresh", 60) as mine, other.locks.turn("refresh", 60) as yours:
                assert (mine, yours) == (True, False)
