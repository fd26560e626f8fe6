"""What a very large pool does for one request, counted and not timed; tags; options that change; counts by state."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from pooling import FAST, World, account, problem

from grok2api.accounts import seating, selection
from grok2api.accounts.leases import Need
from grok2api.accounts.model import Rest, State
from grok2api.accounts.pool import AccountPool
from grok2api.canonical.problem import Kind, Refusal
from grok2api.catalog import Tier

TIERS = (Tier.BASIC, Tier.SUPER, Tier.HEAVY)
VIP = Need(tiers=TIERS, modes=("fast",), prefer="vip")
TALK = Need(tiers=TIERS, modes=("fast",), sticky="talk")
STRATEGIES = ["quota", "random"]


def tagged(number: int, *tags: str, tier: Tier = Tier.BASIC) -> Any:
    return msgspec.structs.replace(account(number, tier), tags=tags)


def mixed(size: int) -> list[Any]:
    """Accounts in every state, all rests of which end at the same moment."""
    states = (State.ACTIVE, State.ACTIVE, State.ACTIVE, State.EXPIRED, State.DISABLED, State.SUSPECT)
    rests = ({}, {"fast": Rest(1_000_100.0, 999_000.0, 1_000_050.0)})
    return [
        msgspec.structs.replace(
            tagged(number, *(("vip",) if number % 10 == 0 else ()), tier=TIERS[number % 3]),
            state=states[number % 6],
            rests=rests[number // 6 % 2],
        )
        for number in range(size)
    ]


class Touched(list):
    """A list of slots that counts how many of them are looked at."""

    def __init__(self, slots: Any, counts: Counter[str]) -> None:
        super().__init__(slots)
        self.counts = counts

    def __getitem__(self, place: Any) -> Any:
        self.counts["slots"] += 1
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[Any]:
        for slot in super().__iter__():
            self.counts["slots"] += 1
            yield slot


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often an account is weighed, placed or looked at."""
    counted: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any) -> Any:
            counted[name] += 1
            return function(*args)

        return wrapped

    monkeypatch.setattr(selection, "cost", counting("slots", selection.cost))
    monkeypatch.setattr(seating.Section, "place", counting("slots", seating.Section.place))
    monkeypatch.setattr(seating.Seating, "_retag", counting("tags", seating.Seating._retag))
    return counted


def watched(world: World, counts: Counter[str]) -> World:
    for section in world.pool._seats.sections.values():
        for lane in section.lanes.values():
            for shelf in (lane.ready, *lane.tagged.values()):
                shelf.slots = Touched(shelf.slots, counts)
    counts.clear()
    return world


async def most_touched(size: int, need: Need, strategy: str, counts: Counter[str]) -> int:
    """The most slots that one lease looked at, while rests end, probes come due and attempts fail."""
    world = watched(World(mixed(size), strategy=strategy, preferred_tags=frozenset({"vip"})), counts)
    most = 0
    for turn in range(300):
        world.time += 1.0
        counts.clear()
        failing = problem(Kind.RATE_LIMITED, 60) if turn % 4 == 0 else None
        await world.attempt(need, failing, without=("acc_0", "acc_1", "acc_2"))
        most = max(most, counts.total())
    return most


@pytest.mark.parametrize("need", [FAST, VIP, TALK], ids=["plain", "tag", "sticky"])
@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_P9_a_lease_looks_at_a_few_accounts_however_many_there_are(
    strategy: str, need: Need, counts: Counter[str]
) -> None:
    assert 0 < await most_touched(12_000, need, strategy, counts) <= 80


async def test_P9_a_request_never_goes_through_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(mixed(100))

    def never(self: object) -> Any:
        raise AssertionError("somebody went through the whole pool")

    monkeypatch.setattr(AccountPool, "list", never)
    monkeypatch.setattr(seating.Seating, "__iter__", never)
    monkeypatch.setattr(seating.Seating, "idents", never)
    await world.attempt()
    await world.attempt(failing=problem(Kind.CREDENTIAL))
    with pytest.raises(Refusal):
        await world.attempt(Need(tiers=(Tier.API,), modes=("api",)))
    assert world.pool.census().total == 100
    assert world.pool.serves(TIERS, "fast")


async def test_a_new_cap_concerns_only_accounts_with_leases(counts: Counter[str]) -> None:
    world = World([account(number) for number in range(200)])
    async with world.pool.lease(FAST) as held, world.pool.lease(FAST) as other:
        both = {held.credential.account_id, other.credential.account_id}
        assert len(both) == 2
        counts.clear()
        world.options = msgspec.structs.replace(world.options, max_inflight=1)
        assert await world.attempt() not in both
        assert counts["slots"] < 40
        world.options = msgspec.structs.replace(world.options, strategy="random")
        counts.clear()
        await world.attempt()
        assert counts["slots"] < 10


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_preferred_tag_narrows_the_choice_when_somebody_has_it(strategy: str) -> None:
    accounts = [tagged(number, *(("vip", "old") if number in (3, 7) else ("old",))) for number in range(40)]
    world = World(accounts, strategy=strategy, preferred_tags=frozenset({"vip"}), max_inflight=1)
    served = Counter([await world.attempt(VIP) for _ in range(20)])
    assert served == {"acc_3": 10, "acc_7": 10}
    async with world.pool.lease(VIP) as lease:
        assert "tag vip" in lease.trace
        async with world.pool.lease(VIP), world.pool.lease(VIP) as third:
            assert third.credential.account_id not in ("acc_3", "acc_7")
    assert await world.attempt(VIP, without=("acc_3", "acc_7")) not in ("acc_3", "acc_7")
    await world.attempt(VIP, problem(Kind.RATE_LIMITED, 60), without=("acc_3",))
    assert {await world.attempt(VIP) for _ in range(5)} == {"acc_3"}
    world.pool.disable("acc_3")
    assert await world.attempt(VIP) not in ("acc_3", "acc_7")
    world.time += 61
    assert {await world.attempt(VIP) for _ in range(5)} == {"acc_7"}
    world.pool.remove("acc_7")
    assert await world.attempt(VIP) not in ("acc_3", "acc_7")


async def test_tags_that_change_move_the_account() -> None:
    world = World([tagged(number) for number in range(30)], preferred_tags=frozenset({"vip"}))
    world.pool.change("acc_5", lambda one: msgspec.structs.replace(one, tags=("vip",)))
    assert {await world.attempt(VIP) for _ in range(5)} == {"acc_5"}
    world.pool.change("acc_5", lambda one: msgspec.structs.replace(one, tags=()))
    world.pool.change("acc_6", lambda one: msgspec.structs.replace(one, tags=("vip",)))
    assert {await world.attempt(VIP) for _ in range(5)} == {"acc_6"}
    world.pool.replace(tagged(6, "vip", tier=Tier.SUPER))
    assert {await world.attempt(VIP) for _ in range(5)} != {"acc_6"}


async def test_the_order_of_tiers_goes_before_a_tag_and_a_conversation_before_both() -> None:
    accounts = [
        tagged(1),
        tagged(2, "vip", tier=Tier.SUPER),
        tagged(3, "vip", tier=Tier.HEAVY),
        tagged(4, tier=Tier.HEAVY),
    ]
    world = World(accounts, preferred_tags=frozenset({"vip"}))
    lowest, best = VIP, Need(tiers=(Tier.HEAVY, Tier.SUPER, Tier.BASIC), modes=("fast",), prefer="vip")
    assert await world.attempt(lowest) == "acc_1"
    assert {await world.attempt(best) for _ in range(5)} == {"acc_3"}
    talk = msgspec.structs.replace(best, sticky="talk")
    assert await world.attempt(talk, without=("acc_3",)) == "acc_4"
    assert {await world.attempt(talk) for _ in range(5)} == {"acc_4"}


async def test_tags_that_are_newly_preferred_are_taken_up_in_slices(counts: Counter[str]) -> None:
    world = World([tagged(number, "vip") for number in range(1_200)])
    world.options = msgspec.structs.replace(world.options, preferred_tags=frozenset({"vip"}))
    taken = []
    for _ in range(4):
        counts.clear()
        await world.attempt(VIP)
        taken.append(counts["tags"])
    assert taken == [500, 500, 200, 0]
    lane = world.pool._seats.lane(Tier.BASIC, "fast")
    assert lane is not None
    assert len(lane.tagged["vip"]) == 1_200
    world.options = msgspec.structs.replace(world.options, preferred_tags=frozenset())
    await world.attempt(VIP)
    assert lane.tagged == {}


async def test_rests_that_end_together_are_woken_by_several_requests(counts: Counter[str]) -> None:
    limited = {"fast": Rest(1_000_100.0, 999_000.0)}
    world = World([msgspec.structs.replace(account(number), rests=limited) for number in range(500)])
    assert world.pool.census().resting == 500
    world.time += 101
    counts.clear()
    await world.attempt()
    assert counts["slots"] <= 40
    assert world.pool.census().resting == 0


async def test_an_account_that_comes_back_finds_its_leases_counted() -> None:
    world = World([account(1)], max_inflight=2)
    async with world.pool.lease(FAST) as first:
        async with world.pool.lease(FAST):
            world.pool.remove("acc_1")
            world.pool.add(account(1))
            with pytest.raises(Refusal, match="1 at capacity"):
                await world.attempt()
        assert world.pool.in_flight("acc_1") == 1
        first.succeeded()
    assert world.pool.in_flight("acc_1") == 0
    assert await world.attempt() == "acc_1"
    world.pool.remove("acc_1")
    assert world.pool._seats._left == {}


async def test_accounts_are_counted_by_tier_and_state_as_they_change() -> None:
    world = World(mixed(60))
    for tier in TIERS:
        states = Counter(one.state for one in world.pool.list() if one.tier is tier)
        census = world.pool.census(tier)
        assert (census.total, census.active, census.suspect) == (20, states[State.ACTIVE], states[State.SUSPECT])
        assert (census.expired, census.disabled) == (states[State.EXPIRED], states[State.DISABLED])
    assert world.pool.census().total == 60
    world.pool.enable("acc_3")
    world.pool.replace(account(3, Tier.HEAVY))
    assert (world.pool.census(Tier.BASIC).total, world.pool.census(Tier.HEAVY).total) == (19, 21)


def test_accounts_that_share_a_default_hold_it_once() -> None:
    apart = [msgspec.structs.replace(one, windows=dict(one.windows), rests={}) for one in map(account, range(3))]
    world = World(apart)
    assert len({id(one.windows) for one in world.pool.list()}) == 1
    assert len({id(one.rests) for one in world.pool.list()}) == 1
    assert list(world.pool.list()) == apart
