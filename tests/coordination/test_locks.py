"""Locks over all workers, and who leads them."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import pytest
from redis_here import Shelf, coordinators, proxied, until, working

from grok2api.coordination.local import LocalLocks


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


async def test_while_redis_is_away_locks_are_local(prefix: str) -> None:
    async with proxied() as proxy, coordinators(prefix, 2, proxy.url) as (one, other):
        await proxy.cut()
        async with one.locks.hold("quota") as mine, other.locks.hold("quota") as yours:
            assert (mine, yours) == (True, True)
            async with one.locks.hold("quota") as again:
                assert not again


async def test_one_worker_leads_and_another_when_it_ends_or_was_killed(prefix: str) -> None:
    taken: list[str] = []

    async def note(name: str) -> None:
        taken.append(name)

    async with coordinators(prefix, 3) as (one, two, three):
        for worker, name in ((one, "one"), (two, "two"), (three, "three")):
            worker.when_leading(partial(note, name))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(three.running(Shelf()))
            await until(lambda: three.leads)
            async with two.running(Shelf()), one.running(Shelf()):
                await asyncio.sleep(0.2)
                assert (one.leads, two.leads, three.leads) == (False, False, True)
                await stack.aclose()
                await until(lambda: one.leads or two.leads)
                leader, other = (one, two) if one.leads else (two, one)
                leader._lead.look = asyncio.Event().wait  # type: ignore[method-assign] # as if it had been killed
                await until(lambda: other.leads)
        assert taken[0] == "three"
        assert set(taken) == {"one", "two", "three"}


async def test_while_redis_is_away_the_first_worker_of_a_machine_leads(prefix: str) -> None:
    async with proxied() as proxy, working(prefix, Shelf(), Shelf(), url=proxy.url) as (one, two):
        await until(lambda: one.leads or two.leads)
        await proxy.cut()
        await until(lambda: bool(one.status().away and two.status().away))
        await until(lambda: one.leads and not two.leads)
        await proxy.open()
        await until(lambda: one.leads is not two.leads)
