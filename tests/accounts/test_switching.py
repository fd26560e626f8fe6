"""The batch of NSFW switches over fakes: results, tags, blame, bounds, and what an early end leaves behind."""

import asyncio
from contextlib import aclosing

import pytest

from grok2api.accounts.model import Account, Kind, State, new_account
from grok2api.accounts.switching import Item, Switching
from grok2api.canonical.problem import Kind as Cause
from grok2api.canonical.problem import Problem, Refusal
from grok2api.catalog import Tier

NOW = 1_767_225_600.0


class World:
    """Accounts in memory, an upstream that is told what to answer, and a store that may be away."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.refusals: dict[str, Problem] = {}
        self.turned: list[tuple[str, bool]] = []
        self.writes = True
        self.inside = self.most = 0
        self.gate: asyncio.Event | None = None

    async def nsfw(self, credential, enabled):
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
        finally:
            self.inside -= 1
        if credential.account_id in self.refusals:
            raise Refusal(self.refusals[credential.account_id])
        self.turned.append((credential.account_id, enabled))

    async def change(self, ident, how):
        if self.writes:
            self.accounts[ident] = how(self.accounts[ident])
        return self.writes

    @property
    def switching(self) -> Switching:
        return Switching(self, self.accounts.get, self.change, lambda: NOW)


def account(number: int, kind: Kind = Kind.WEB, tags: tuple[str, ...] = ()) -> Account:
    tier = Tier.API if kind is Kind.API else Tier.BASIC
    return new_account(f"acc_{number}", f"secret-{number}", kind, tier, 0.0, tags=tags)


async def results(world: World, idents, enabled=True, concurrency=4) -> dict[str, dict]:
    return {item.account_id: item.body async for item in world.switching.many(idents, enabled, concurrency)}


async def test_each_account_is_turned_once_and_tagged():
    world = World(account(1, tags=("mine",)), account(2))
    assert await results(world, ["acc_1", "acc_2", "acc_1"]) == {
        "acc_1": {"success": True, "tagged": True},
        "acc_2": {"success": True, "tagged": True},
    }
    assert sorted(world.turned) == [("acc_1", True), ("acc_2", True)]
    assert world.accounts["acc_1"].tags == ("mine", "nsfw")
    await results(world, ["acc_1"])
    assert world.accounts["acc_1"].tags == ("mine", "nsfw")
    await results(world, ["acc_1"], enabled=False)
    assert world.accounts["acc_1"].tags == ("mine",)


async def test_what_cannot_be_turned_says_why():
    world = World(account(1, Kind.API))
    said = await results(world, ["acc_1", "acc_9"])
    assert said == {
        "acc_1": {"error": "An official key has no such switch."},
        "acc_9": {"error": "There is no such account."},
    }
    assert world.turned == []


@pytest.mark.parametrize(
    ("cause", "state"),
    [
        (Cause.CREDENTIAL, State.EXPIRED),
        (Cause.BLOCKED, State.DISABLED),
        *((cause, State.ACTIVE) for cause in Cause if cause not in (Cause.CREDENTIAL, Cause.BLOCKED)),
    ],
)
async def test_only_a_refusal_that_names_the_account_changes_it(cause, state):
    world = World(account(1))
    before = world.accounts["acc_1"]
    world.refusals["acc_1"] = Problem(kind=cause, message="because")
    assert await results(world, ["acc_1"]) == {"acc_1": {"error": "because"}}
    after = world.accounts["acc_1"]
    assert (after.state, after.tags) == (state, ())
    assert after == before if state is State.ACTIVE else after.last_error == f"{cause}: because"


async def test_a_switch_that_is_turned_but_not_written_down_says_so():
    world = World(account(1))
    world.writes = False
    assert await results(world, ["acc_1"]) == {"acc_1": {"success": True, "tagged": False}}


async def test_no_more_are_under_way_than_allowed():
    world = World(*map(account, range(20)))
    assert len(await results(world, list(world.accounts), concurrency=3)) == 20
    assert world.most == 3


async def test_leaving_early_leaves_nothing_running():
    world = World(*map(account, range(5)))
    async with aclosing(world.switching.many(list(world.accounts), True, 1)) as items:
        assert isinstance(await anext(items), Item)
        world.gate = asyncio.Event()
    assert world.inside == 0


async def test_a_bug_is_raised_and_does_not_look_like_a_short_list():
    world = World(account(1), account(2))

    async def broken(ident, how):
        raise RuntimeError("a bug")

    switching = Switching(world, world.accounts.get, broken, lambda: NOW)
    async with asyncio.timeout(1):
        with pytest.raises(RuntimeError):
            _ = [item async for item in switching.many(["acc_1", "acc_2"], True, 1)]
