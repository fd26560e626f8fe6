"""What workers tell each other over Redis: news of accounts, messages that want an answer, and how it stands."""

import asyncio
import time

import msgspec
import pytest
from redis.asyncio import Redis
from redis_here import URL, Shelf, account, coordinators, proxied, until, working

from grok2api.accounts.lifecycle import outcome_of, settle
from grok2api.accounts.resting import Attempt, Policy
from grok2api.canonical.problem import Kind, Problem
from grok2api.coordination.base import Away, Refused
from grok2api.coordination.link import Link, patience
from grok2api.coordination.local import Local
from grok2api.coordination.shared import Shared


def attempt(worker: Shared, shelf: Shelf, kind: Kind | None = None, ident: str = "acc_1") -> None:
    """One attempt in this worker."""
    before = shelf.accounts[ident]
    found = None if kind is None else Problem(kind=kind, message="as the upstream said")
    now = time.time()
    after, _ = settle(before, outcome_of(found is None, found), Attempt("fast", now, 600.0), Policy())
    shelf.accounts[ident] = after
    worker.changed(before, after)


async def test_P1_a_rest_that_one_worker_learns_is_known_to_all_in_a_blink(prefix: str) -> None:
    shelves = [Shelf(account()) for _ in range(3)]
    async with working(prefix, *shelves) as (one, _, _):
        started = time.perf_counter()
        attempt(one, shelves[0], Kind.RATE_LIMITED)
        await asyncio.wait_for(asyncio.gather(*(shelf.heard.wait() for shelf in shelves[1:])), 2)
        assert time.perf_counter() - started < 0.5
        assert shelves[1].accounts["acc_1"].rests == shelves[0].accounts["acc_1"].rests != {}


async def test_counts_add_up_in_every_worker(prefix: str) -> None:
    shelves = [Shelf(account(1), account(2)) for _ in range(3)]
    async with working(prefix, *shelves) as workers:
        for number in range(300):
            attempt(workers[number % 3], shelves[number % 3], ident=f"acc_{1 + number % 2}")
            if number % 10 == 0:
                await asyncio.sleep(0.005)
        for shelf in shelves:
            await until(lambda shelf=shelf: [one.use_count for one in shelf.accounts.values()] == [150, 150])


async def test_news_of_an_outage_are_told_afterwards_and_once(prefix: str) -> None:
    shelves = [Shelf(account()) for _ in range(2)]
    async with proxied() as proxy, working(prefix, *shelves, url=proxy.url) as (one, other):
        await proxy.cut()
        await until(lambda: bool(one.status().away))
        for _ in range(5):
            attempt(one, shelves[0])
            attempt(other, shelves[1])
        attempt(one, shelves[0], Kind.RATE_LIMITED)
        await asyncio.sleep(0.1)
        await proxy.open()
        await until(lambda: all(shelf.accounts["acc_1"].use_count == 10 for shelf in shelves))
        await until(lambda: "fast" in shelves[1].accounts["acc_1"].rests)


async def test_a_message_that_came_through_though_nobody_said_so_counts_once(prefix: str) -> None:
    shelves = [Shelf(account()) for _ in range(2)]
    async with working(prefix, *shelves) as (one, _):
        post, lost = one._bulletin.post, []

        async def loses_the_answer(*words: object) -> None:
            await post(*words)  # type: ignore[arg-type]
            if not lost:
                lost.append(words)
                raise Away("the answer was lost")

        one._bulletin.post = loses_the_answer  # type: ignore[method-assign]
        attempt(one, shelves[0])
        await until(lambda: shelves[1].accounts["acc_1"].use_count == 1)
        attempt(one, shelves[0])
        await until(lambda: shelves[1].accounts["acc_1"].use_count == 2)
        assert lost


async def test_a_worker_that_ends_tells_its_last_news(prefix: str) -> None:
    shelves = [Shelf(account()) for _ in range(2)]
    async with coordinators(prefix, 2) as (one, other), other.running(shelves[1]):
        async with one.running(shelves[0]):
            attempt(one, shelves[0])
        await until(lambda: shelves[1].accounts["acc_1"].use_count == 1)


async def test_Z2_no_credential_goes_to_redis(prefix: str) -> None:
    shelf = Shelf(account())
    async with working(prefix, shelf) as (one,), Redis.from_url(URL) as redis:
        attempt(one, shelf, Kind.RATE_LIMITED)
        await one.take("acc_1", 8)
        await until(lambda: one.leads)
        await until(lambda: redis.exists(f"{prefix}news"))  # type: ignore[arg-type, return-value]
        dumps = [await redis.dump(key) async for key in redis.scan_iter(f"{prefix}*")]
        assert len(dumps) == 4
        assert not any(shelf.accounts["acc_1"].secret.encode() in dump for dump in dumps)


async def test_O2_a_spread_says_when_it_is_in_force_everywhere_and_who_refused(prefix: str) -> None:
    got: list[bytes] = []

    async def takes(message: bytes) -> None:
        got.append(message)

    async def refuses(_: bytes) -> None:
        raise Refused("server.port cannot change")

    async def breaks(_: bytes) -> None:
        raise KeyError("a secret perhaps")

    async with working(prefix, *(Shelf() for _ in range(4))) as (one, two, three, four):
        two.handle({"config": takes})
        three.handle({"config": refuses})
        four.handle({"config": breaks})
        await until(lambda: one.status().workers == 4)
        spread = await one.spread("config", b"now", 2.0)
        assert (spread.others, spread.done, spread.everywhere) == (3, 1, False)
        assert sorted(spread.refused) == ["KeyError", "server.port cannot change"]
        assert got == [b"now"]
        three.handle({"config": takes})
        four.handle({"config": takes})
        assert (await one.spread("config", b"again", 2.0)).everywhere


async def test_a_spread_waits_no_longer_than_it_was_told(prefix: str) -> None:
    async with working(prefix, Shelf(), Shelf()) as (one, other):
        other.handle({"config": lambda _: asyncio.sleep(60)})
        await until(lambda: one.status().workers == 2)
        spread = await one.spread("config", b"now", 0.05)
        assert (spread.others, spread.done) == (1, 0)


async def test_a_message_that_nobody_understands_stops_nobody(prefix: str) -> None:
    shelves = [Shelf(account()) for _ in range(2)]
    async with working(prefix, *shelves) as (one, _):
        for kind, message in (("accounts", b"{"), ("answer", b"["), ("of a newer version", b"")):
            await one._bulletin.post(kind, message)
        attempt(one, shelves[0])
        await until(lambda: shelves[1].accounts["acc_1"].use_count == 1)


async def test_the_status_says_how_many_work_and_what_is_wrong(prefix: str) -> None:
    async with proxied() as proxy, working(prefix, Shelf(), Shelf(), url=proxy.url) as (one, _):
        await until(lambda: one.status().workers == 2)
        assert msgspec.to_builtins(one.status()) == {"kind": "redis", "workers": 2, "away": "", "since": None}
        await proxy.cut()
        await until(lambda: bool(one.status().away))
        assert one.status().away.endswith("cannot be reached")
        assert one.status().since
        await proxy.open()
        await until(lambda: not one.status().away)
    assert Local().status().kind == "local"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("redis://user:hidden@127.0.0.1:1/0", "redis://127.0.0.1:1 cannot be reached"),
        ("redis://:hidden@nowhere.invalid/0", "redis://nowhere.invalid:6379 cannot be reached"),
        (f"{URL.rpartition('/')[0]}/99", "refused a command"),
    ],
)
async def test_O3_what_is_wrong_with_redis_is_said_without_its_password(url: str, word: str, prefix: str) -> None:
    link = Link(url, prefix)
    with pytest.raises(Away) as caught:
        await link.command("PING")
    assert word in str(caught.value)
    assert "hidden" not in str(caught.value)
    await link.close()


async def test_a_loop_that_was_busy_is_not_taken_for_a_redis_that_is_silent() -> None:
    started = time.monotonic()
    async with patience(0.1):
        time.sleep(0.2)  # noqa: TID251 - the loop stands still
        await asyncio.sleep(0.01)
    with pytest.raises(TimeoutError):
        async with patience(0.05):
            await asyncio.sleep(60)
    assert time.monotonic() - started < 1


async def test_one_process_has_nobody_to_tell() -> None:
    local = Local()
    local.handle({})
    async with local.running(Shelf()):
        assert (await local.spread("config", b"")).everywhere
    assert local.sharing is None
