"""Taking over what others wrote: a large change leaves everybody their turn."""

import asyncio
import itertools
from collections.abc import Callable

import msgspec
from pooling import World, account

from grok2api.accounts.model import Account
from grok2api.accounts.sync import TAKEN, Sync

MANY = 5 * TAKEN


class Source:
    """A store in memory. gone: what was removed, if that is known. meanwhile: done while it is asked who there is."""

    def __init__(self, accounts: list[Account]) -> None:
        self.accounts = {one.id: one for one in accounts}
        self.gone: list[str] | None = None
        self.meanwhile: Callable[[], None] = lambda: None

    async def revision(self) -> int:
        return max((one.revision for one in self.accounts.values()), default=0)

    async def load(self, since: int = -1) -> list[Account]:
        return [one for one in self.accounts.values() if one.revision > since]

    async def removed(self, since: int) -> list[str] | None:
        return self.gone

    async def ids(self) -> set[str]:
        found = set(self.accounts)
        self.meanwhile()
        return found


def written(number: int, revision: int, *tags: str) -> Account:
    return msgspec.structs.replace(account(number), revision=revision, tags=tags)


async def turns_of(sync: Sync, seen: Callable[[], int]) -> list[int]:
    """What `seen` was at each turn of the event loop while `sync` ran."""
    task = asyncio.ensure_future(sync.sync())
    turns = [seen()]
    while not task.done():
        await asyncio.sleep(0)
        turns.append(seen())
    assert task.result()
    return turns


def largest(turns: list[int]) -> int:
    return max(abs(after - before) for before, after in itertools.pairwise(turns))


async def test_many_accounts_are_taken_over_in_slices() -> None:
    world, marked = World(), list[str]()
    source = Source([written(number, 1) for number in range(MANY)])
    sync = Sync(source, world.pool, marked.extend, 0)
    assert largest(await turns_of(sync, lambda: len(world.pool))) == TAKEN
    assert (len(world.pool), marked, sync.revision) == (MANY, [], 1)

    for ident in world.pool.idents():
        world.pool.replace(msgspec.structs.replace(world.pool.get(ident), use_count=1))
    source.accounts = {f"acc_{number}": written(number, 2, "new") for number in range(MANY)}
    assert largest(await turns_of(sync, lambda: len(marked))) == TAKEN
    assert all((one.tags, one.use_count) == (("new",), 1) for one in world.pool.list())
    assert len(marked) == MANY
    assert not await sync.sync()


async def test_only_what_memory_knows_better_is_written_again() -> None:
    world, marked = World([written(number, 1) for number in range(3)]), list[str]()
    world.pool.replace(msgspec.structs.replace(world.pool.get("acc_1"), use_count=1))
    source = Source([written(number, 2, "new") for number in range(3)])
    await Sync(source, world.pool, marked.extend, 1).sync()
    assert marked == ["acc_1"]


async def test_accounts_that_are_gone_leave_the_pool_and_those_that_come_meanwhile_stay() -> None:
    world = World([written(number, 1) for number in range(10)])
    source = Source([written(number, 2) for number in range(5)])
    source.meanwhile = lambda: world.pool.add(written(77, 3))
    await Sync(source, world.pool, lambda _: None, 1).sync()
    assert sorted(world.pool.idents()) == sorted([*(f"acc_{number}" for number in range(5)), "acc_77"])


async def test_what_the_store_says_is_removed_leaves_the_pool_and_nobody_else_is_asked_about() -> None:
    world = World([written(number, 1) for number in range(10)])
    source = Source([written(0, 2)])
    source.gone = ["acc_3", "acc_4", "acc_unknown"]
    await Sync(source, world.pool, lambda _: None, 1).sync()
    assert sorted(world.pool.idents()) == sorted(f"acc_{number}" for number in range(10) if number not in (3, 4))
