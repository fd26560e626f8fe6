import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

import msgspec
import pytest

from grok2api.accounts.importing import entry
from grok2api.accounts.lifecycle import Effect, Persist, disabled, enabled
from grok2api.accounts.model import Account, Kind, State, moved, new_account
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.sync import Sync
from grok2api.catalog import Tier
from grok2api.jobs import Job, JobRunner
from grok2api.storage.errors import RefusedValues, StoreError
from grok2api.storage.following import Following, StoreHealth
from grok2api.storage.opening import store_for
from grok2api.storage.write_behind import Served, WriteBehind
from virtual_time import InMemory, VirtualTime


def account(number: int) -> Account:
    return new_account(f"acc_{number}", f"secret-{number}", Kind.WEB, Tier.BASIC, float(number))


class Shelf:
    """A store that can be away."""

    def __init__(self) -> None:
        self.away = False
        self.batches: list[list[str]] = []
        self.counts: list[list[tuple[int, int]]] = []
        self.written = asyncio.Event()

    async def write_runtime(self, served: Sequence[Served]) -> None:
        if self.away:
            raise StoreError("The store is away.")
        self.batches.append([one.account.id for one in served])
        self.counts.append([(one.uses, one.fails) for one in served])
        self.written.set()


def test_marks_are_written_once_in_batches() -> None:
    async def play() -> list[list[str]]:
        shelf = Shelf()
        behind = WriteBehind(shelf, {f"acc_{n}": account(n) for n in range(450)}.get)
        for _ in range(3):
            behind.mark(f"acc_{n}" for n in range(450))
        await behind.flush()
        await behind.flush()
        assert behind.waiting == 0
        return shelf.batches

    assert [len(batch) for batch in asyncio.run(play())] == [200, 200, 50]


async def test_D4_a_store_that_is_away_loses_nothing() -> None:
    shelf = Shelf()
    behind = WriteBehind(shelf, {"acc_1": account(1)}.get)
    behind.mark(["acc_1"])
    shelf.away = True
    with pytest.raises(StoreError):
        await behind.flush()
    assert behind.waiting == 1
    shelf.away = False
    await behind.close()
    assert shelf.batches == [["acc_1"]]


async def test_D4_counts_add_up_while_the_store_is_away_and_are_written_once() -> None:
    shelf = Shelf()
    behind = WriteBehind(shelf, {"acc_1": account(1)}.get)
    behind.take([Persist("acc_1", 1, 0), Persist("acc_1", 1, 1)])
    shelf.away = True
    with pytest.raises(StoreError):
        await behind.flush()
    behind.take([Persist("acc_1", 0, 1)])
    shelf.away = False
    await behind.flush()
    await behind.flush()
    assert shelf.counts == [[(2, 2)]]


async def test_the_job_writes_what_is_marked_and_goes_on_after_an_error() -> None:
    shelf, time = Shelf(), VirtualTime()
    behind = WriteBehind(shelf, {"acc_1": account(1), "acc_2": account(2)}.get)
    every, patience = 1.0, 30.0
    job = Job(name="w", help="", every=lambda: every, work=behind.flush, wake=behind.woken, patience=patience)
    async with JobRunner([job], time, Random(1), InMemory(), time.sleep).running():
        behind.mark(["acc_1"])
        await time.pass_(1)
        shelf.away = True
        behind.mark(["acc_2", "acc_gone"])
        await time.pass_(100)
        assert behind.waiting == 2
        shelf.away = False
        await time.pass_(30)
    assert shelf.batches == [["acc_1"], ["acc_2"]]


class Tally:
    """Something else that is written behind."""

    def __init__(self) -> None:
        self.away = False
        self.written = 0

    async def write(self) -> None:
        if self.away:
            raise StoreError("The tally is away.")
        self.written += 1


async def test_other_content_goes_with_the_same_flush_and_its_trouble_is_told() -> None:
    shelf, tally = Shelf(), Tally()
    behind = WriteBehind(shelf, {"acc_1": account(1)}.get)
    behind.also(tally)
    tally.away = True
    behind.mark(["acc_1"])
    with pytest.raises(StoreError):
        await behind.flush()
    assert behind.trouble == "The tally is away."
    tally.away = False
    await behind.flush()
    assert (shelf.batches, tally.written, behind.trouble) == ([["acc_1"]], 1, "")


class Picky(Shelf):
    """A store that does not take one of the accounts."""

    async def write_runtime(self, served: Sequence[Served]) -> None:
        if any(one.account.id == "acc_13" for one in served):
            raise RefusedValues("These values are impossible.")
        await super().write_runtime(served)


async def test_an_account_that_cannot_be_written_keeps_no_other_from_being_written() -> None:
    shelf = Picky()
    behind = WriteBehind(shelf, {f"acc_{n}": account(n) for n in range(30)}.get)
    behind.mark(f"acc_{n}" for n in range(30))
    await behind.flush()
    assert behind.waiting == 0
    assert sorted(ident for batch in shelf.batches for ident in batch) == sorted(
        f"acc_{n}" for n in range(30) if n != 13
    )


async def test_the_health_says_since_when_and_why() -> None:
    shelf, clock = Shelf(), [100.0]
    behind = WriteBehind(shelf, {"acc_1": account(1)}.get)
    reading = [StoreError("It is away.")]

    async def sync() -> bool:
        if reading:
            raise reading[0]
        return False

    following = Following(sync, behind, now=lambda: clock[0])
    assert following.health == StoreHealth(ok=True, since=100.0, reason="", waiting=0)
    for clock[0] in (110.0, 120.0):
        with pytest.raises(StoreError):
            await following.look()
    assert following.health == StoreHealth(ok=False, since=110.0, reason="It is away.", waiting=0)
    assert following.trouble == "storage"
    reading.clear()
    shelf.away = True
    behind.mark(["acc_1"])
    with pytest.raises(StoreError):
        await behind.flush()
    clock[0] = 130.0
    await following.look()
    assert following.health == StoreHealth(ok=False, since=110.0, reason="The store is away.", waiting=1)
    shelf.away = False
    await behind.flush()
    clock[0] = 140.0
    assert following.health == StoreHealth(ok=True, since=140.0, reason="", waiting=0)
    assert following.trouble == ""


class House:
    """A pool with its store, as the server has them."""

    def __init__(self, data: Path) -> None:
        self.data = data

    async def open(self) -> None:
        self.store = await store_for("", self.data, {})
        revision = await self.store.revision()
        self.pool = AccountPool(await self.store.load(), lambda: OPTIONS, lambda: 1000.0, Random(1), self.sink)
        self.behind = WriteBehind(self.store, self.pool.get)
        self.joined: list[str] = []
        self.sync = Sync(self.store, self.pool, self.behind.mark, revision, self.join)

    def join(self, accounts: Sequence[Account]) -> None:
        self.joined += [account.id for account in accounts]

    def sink(self, effects: tuple[Effect, ...]) -> None:
        self.behind.take(effects)

    async def close(self) -> None:
        await self.behind.close()
        await self.store.close()


OPTIONS = PoolOptions()


@pytest.fixture
async def house(tmp_path: Path):
    built = House(tmp_path)
    await built.open()
    await built.store.add([account(number) for number in range(3)])
    assert await built.sync.sync()
    yield built
    await built.close()


def used(times: int):
    return lambda account: msgspec.structs.replace(account, use_count=times)


async def test_D7_counters_after_a_restart_equal_those_before(house: House) -> None:
    house.pool.change("acc_1", used(7))
    before = house.pool.list()
    await house.close()
    await house.open()
    assert sorted(house.pool.list(), key=lambda account: account.id) == sorted(before, key=lambda account: account.id)


async def test_D7_what_two_processes_count_adds_up_in_the_store(house: House, tmp_path: Path) -> None:
    other = House(tmp_path)
    await other.open()
    for number in range(30):
        for each in (house, other):
            each.pool.change("acc_1", lambda account: msgspec.structs.replace(account, use_count=account.use_count + 1))
        if number % 7 == 0:
            await asyncio.gather(house.behind.flush(), other.behind.flush())
    await other.close()
    await house.behind.flush()
    stored = {account.id: account for account in await house.store.load()}
    assert stored["acc_1"].use_count == 60


async def test_what_the_command_line_changes_reaches_the_pool_and_is_not_written_over(house: House) -> None:
    house.pool.change("acc_1", used(7))
    await house.store.change(["acc_1"], disabled)
    await house.store.remove(["acc_2"])
    await house.store.add([account(9)])
    await house.behind.flush()
    assert await house.sync.sync()
    assert not await house.sync.sync()
    assert {account.id for account in house.pool.list()} == {"acc_0", "acc_1", "acc_9"}
    found = house.pool.get("acc_1")
    assert found is not None
    assert (found.state, found.use_count) == (State.DISABLED, 7)
    await house.behind.flush()
    stored = {account.id: account for account in await house.store.load()}
    assert (stored["acc_1"].state, stored["acc_1"].use_count) == (State.DISABLED, 7)
    await house.store.change(["acc_1"], enabled)
    await house.sync.sync()
    found = house.pool.get("acc_1")
    assert found is not None
    assert found.state is State.ACTIVE


async def test_whoever_is_new_or_was_changed_is_said_to_have_joined(house: House) -> None:
    assert house.joined == ["acc_0", "acc_1", "acc_2"]
    house.joined.clear()
    await house.store.change(["acc_1"], disabled)
    await house.store.add([account(9)])
    await house.store.remove(["acc_2"])
    await house.sync.sync()
    assert sorted(house.joined) == ["acc_1", "acc_9"]


async def test_a_tier_that_another_process_was_told_is_known_here_too(house: House) -> None:
    fresh = entry("here", "secret-7").account("acc_7", 7.0)
    await house.store.add([fresh])
    await house.sync.sync()
    found = house.pool.get("acc_7")
    assert found is not None
    assert not found.tier_known
    await house.store.change(["acc_7"], lambda account: moved(account, Tier.BASIC))
    await house.sync.sync()
    found = house.pool.get("acc_7")
    assert found is not None
    assert found.tier_known
