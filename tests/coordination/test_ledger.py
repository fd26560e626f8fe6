"""Lease counts over all workers: the cap holds whatever fails, and nothing stays counted."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis_here import URL, proxied, until

from grok2api.coordination.base import Away
from grok2api.coordination.books import RedisBooks
from grok2api.coordination.ledger import Entry, Ledger
from grok2api.coordination.link import QUICK_SEC, Link

CAP = 3


class Library:
    """Books in memory for several workers. `fates` says call by call what goes wrong: the books forget everything, or
    the call is lost before or after it was done."""

    def __init__(self, fates: list[str]) -> None:
        self.sessions: dict[str, Counter[str]] = {}
        self.fates = fates

    def count(self, name: str) -> int:
        return sum(held[name] for held in self.sessions.values())

    async def _called(self) -> str:
        await asyncio.sleep(0)
        fate = self.fates.pop(0) if self.fates else ""
        if fate == "forget":
            self.sessions.clear()
        if fate == "before":
            raise Away("lost")
        return fate

    async def _answered(self, fate: str) -> None:
        await asyncio.sleep(0)
        if fate == "after":
            raise Away("lost")

    async def hello(self, worker: str, session: str, held: Mapping[str, int]) -> int:
        fate = await self._called()
        for other in [name for name in self.sessions if name.startswith(f"{worker}.") and name != session]:
            del self.sessions[other]
        self.sessions[session] = Counter(held)
        await self._answered(fate)
        return len(self.sessions)

    async def enter(self, session: str, entries: Sequence[Entry]) -> list[int] | None:
        fate = await self._called()
        results = None
        if session in self.sessions:
            results = [self._enter(self.sessions[session], entry) for entry in entries]
        await self._answered(fate)
        return results

    def _enter(self, held: Counter[str], entry: Entry) -> int:
        if entry.future is None:
            held[entry.name] -= 1
            return 0
        granted = self.count(entry.name) < entry.cap
        held[entry.name] += granted
        return int(granted)

    async def bye(self, session: str) -> None:
        self.sessions.pop(session, None)


@asynccontextmanager
async def ledgers(library: Library, count: int, beat: float = 0.001) -> AsyncIterator[list[Ledger]]:
    async with AsyncExitStack() as stack:
        found = [Ledger(library, f"w{number}", count, beat) for number in range(count)]
        for ledger in found:
            await stack.enter_async_context(ledger.running())
        yield found


FATES = st.lists(st.sampled_from(["", "", "", "before", "after", "forget"]), max_size=40)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), fates=FATES)
def test_P5_nothing_stays_counted_whatever_is_lost_or_cancelled(seed: int, fates: list[str]) -> None:
    asyncio.run(_play(random.Random(seed), fates))


async def _play(rng: random.Random, fates: list[str]) -> None:
    library = Library(list(fates))
    async with ledgers(library, 2) as workers:

        async def request(worker: Ledger, name: str, length: int) -> None:
            if await worker.take(name, CAP):
                try:
                    for _ in range(length):
                        await asyncio.sleep(0)
                finally:
                    worker.give(name)

        tasks = []
        for _ in range(60):
            tasks.append(asyncio.ensure_future(request(rng.choice(workers), rng.choice("ab"), rng.randrange(6))))
            if rng.random() < 0.4:
                rng.choice(tasks).cancel()
            if rng.random() < 0.5:
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        library.fates.clear()
        await until(lambda: not any(worker.held(name) for worker in workers for name in "ab"))
        await until(lambda: not any(library.count(name) for name in "ab"))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_P13_the_cap_holds_over_workers(seed: int) -> None:
    async def play() -> None:
        rng, now, highest = random.Random(seed), Counter[str](), Counter[str]()
        async with ledgers(Library([]), 3) as workers:
            await until(lambda: all(worker._open for worker in workers))

            async def request(worker: Ledger, name: str, length: int) -> None:
                if await worker.take(name, CAP):
                    now[name] += 1
                    highest[name] = max(highest[name], now[name])
                    for _ in range(length):
                        await asyncio.sleep(0)
                    now[name] -= 1
                    worker.give(name)

            await asyncio.gather(
                *(request(rng.choice(workers), rng.choice("ab"), rng.randrange(20, 60)) for _ in range(80))
            )
        assert highest == {"a": CAP, "b": CAP}

    asyncio.run(play())


async def test_while_the_books_are_away_each_worker_keeps_to_its_share() -> None:
    library = Library(["before"] * 1_000_000)
    async with ledgers(library, 2, beat=60) as (one, other):
        await asyncio.sleep(0)
        assert [await one.take("a", 5) for _ in range(4)] == [True, True, False, False]
        assert [await other.take("a", 5) for _ in range(4)] == [True, True, False, False]
        one.give("a")
        assert await one.take("a", 5)
        assert await one.take("single", 1), "one lease is always possible"


async def test_whoever_waits_when_the_books_go_away_is_answered() -> None:
    library = Library([])
    async with ledgers(library, 2, beat=60) as (one, other):
        await until(lambda: one._open and other._open)
        library.fates = ["after"] * 1_000_000
        assert await asyncio.wait_for(asyncio.gather(*(one.take("a", 4) for _ in range(4))), 1) == [1, 1, 0, 0]


async def test_when_the_books_are_back_they_are_told_the_truth() -> None:
    library = Library(["before"] * 3)
    async with ledgers(library, 2) as (one, _):
        for _ in range(2):
            assert await one.take("a", 8)
        await until(lambda: library.count("a") == 2)
        library.sessions.clear()
        one.give("a")
        await until(lambda: library.count("a") == 1)
        assert one.held("a") == 1


# --- the books in Redis


@asynccontextmanager
async def in_redis(prefix: str, *names: str, url: str = URL, beat: float = 0.05) -> AsyncIterator[list[Ledger]]:
    async with AsyncExitStack() as stack:
        found = []
        for name in names:
            link = Link(url, prefix)
            stack.push_async_callback(link.close)
            found.append(Ledger(RedisBooks(link, beat * 5), name, len(names), beat))
            await stack.enter_async_context(found[-1].running())
        await until(lambda: all(ledger._open for ledger in found))
        yield found


async def test_P13_the_cap_holds_over_workers_in_redis(prefix: str) -> None:
    async with in_redis(prefix, "a", "b", "c") as workers:
        taken = await asyncio.gather(*(workers[number % 3].take("acc", 8) for number in range(60)))
        assert sum(taken) == 8
        assert sum(worker.held("acc") for worker in workers) == 8
        holder = next(worker for worker in workers if worker.held("acc"))
        holder.give("acc")
        await until(lambda: _room(workers[0], "acc", 8))
        assert not await workers[1].take("acc", 8)
        await until(lambda: all(worker.living == 3 for worker in workers))


async def _room(worker: Ledger, name: str, cap: int) -> bool:
    return await worker.take(name, cap)


async def _exists(link: Link, pattern: str) -> bool:
    return bool(await link.command("KEYS", pattern))


async def test_P5_the_leases_of_a_worker_that_was_killed_are_free_again(prefix: str) -> None:
    async with in_redis(prefix, "lives") as (lives,):
        link = Link(URL, prefix)
        dying = Ledger(RedisBooks(link, 0.3), "dies", 2, 0.05)
        async with AsyncExitStack() as stack:
            context = dying.running()
            await context.__aenter__()
            stack.push_async_callback(link.close)
            await until(lambda: dying._open)
            assert [await dying.take("acc", 2) for _ in range(2)] == [True, True]
            assert not await lives.take("acc", 2)
            dying._hello = asyncio.Event().wait  # type: ignore[method-assign] # it beats no more
            await until(lambda: _room(lives, "acc", 2))
            await until(lambda: lives.living == 1)
            await context.__aexit__(None, None, None)


async def test_a_worker_that_ends_leaves_no_key_behind(prefix: str) -> None:
    link = Link(URL, prefix)
    async with in_redis(prefix, "a", "b") as (one, _):
        assert await one.take("acc", 2)
        assert await link.command("KEYS", f"{prefix}*")
    assert await link.command("KEYS", f"{prefix}*") == []
    await link.close()


async def test_books_that_were_lost_are_written_anew(prefix: str) -> None:
    link = Link(URL, prefix)
    async with in_redis(prefix, "a", "b") as (one, other):
        assert [await one.take("acc", 3) for _ in range(2)] == [True, True]
        await link.command("DEL", *await link.command("KEYS", f"{prefix}*"))
        await until(lambda: _exists(link, f"{prefix}held:a.*"))
        assert [await other.take("acc", 3) for _ in range(2)] == [True, False]
    await link.close()


@pytest.mark.parametrize("how", ["cut", "hold"])
async def test_no_request_hangs_on_redis_and_it_recovers_by_itself(prefix: str, how: str) -> None:
    loop = asyncio.get_running_loop()
    async with proxied() as proxy, in_redis(prefix, "a", "b", url=proxy.url) as (one, other):
        assert await one.take("acc", 4)
        await proxy.cut() if how == "cut" else proxy.hold()
        started = loop.time()
        assert await one.take("acc", 4)
        assert loop.time() - started < QUICK_SEC + 0.2
        await until(lambda: not other._open)
        started = loop.time()
        assert [await one.take("acc", 4), await other.take("acc", 4), await other.take("acc", 4)] == [False, True, True]
        assert loop.time() - started < 0.05
        await proxy.open()
        await until(lambda: one._open and other._open)
        other.give("acc")
        await until(lambda: _room(one, "acc", 4))
        assert not await other.take("acc", 4)
