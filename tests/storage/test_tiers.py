"""Tiers that were told, written for good."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec
import pytest

from grok2api.accounts.importing import entry
from grok2api.accounts.lifecycle import disabled
from grok2api.accounts.model import Account, State
from grok2api.accounts.query import Note
from grok2api.catalog import Tier
from grok2api.storage.accounts import AccountStore
from grok2api.storage.administering import Changed
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import store_for
from grok2api.storage.tiers import Tiers

SUPER = Tier.SUPER


def unnamed(number: int) -> Account:
    return entry("here", f"secret-{number}").account(f"acc_{number}", float(number))


@pytest.fixture
async def store(tmp_path: Path):
    opened = await store_for("", tmp_path, {})
    await opened.add([unnamed(number) for number in range(5)])
    yield opened
    await opened.close()


async def by_id(store: AccountStore) -> dict[str, Account]:
    return {account.id: account for account in await store.load()}


async def test_an_unknown_tier_survives_the_store_and_so_does_the_one_that_was_told(store: AccountStore) -> None:
    before = await by_id(store)
    assert not before["acc_1"].tier_known
    revision = await Tiers(store, lambda: 7.0).move(before["acc_1"], SUPER)
    after = await by_id(store)
    assert (after["acc_1"].tier, after["acc_1"].tier_known, after["acc_1"].revision) == (SUPER, True, revision)
    assert await store.revision() == revision
    assert after["acc_2"] == before["acc_2"]
    (change,) = await store.changes(10)
    assert (change.action, change.actor, change.count) == ("tier", "refresh", 1)


async def test_a_newer_decision_stands(store: AccountStore) -> None:
    old = (await by_id(store))["acc_1"]
    await store.change(["acc_1"], disabled)
    assert await Tiers(store, lambda: 7.0).move(old, SUPER) is None
    found = (await by_id(store))["acc_1"]
    assert (found.state, found.tier) == (State.DISABLED, Tier.BASIC)


async def test_an_account_that_is_gone_is_not_moved(store: AccountStore) -> None:
    assert await Tiers(store, lambda: 7.0).move(unnamed(99), SUPER) is None


class Counting:
    """A store that counts its transactions, and can be away."""

    def __init__(self, accounts: Collection[Account]) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.batches: list[list[str]] = []
        self.away = False

    async def change(
        self, ids: Collection[str], how: Callable[[Account], Account], note: Note | None = None
    ) -> Changed:
        self.batches.append(list(ids))
        await asyncio.sleep(0)
        if self.away:
            raise StoreError("The store is away.")
        return Changed(tuple(msgspec.structs.replace(how(self.accounts[ident]), revision=9) for ident in ids))


async def test_moves_that_come_together_are_written_together() -> None:
    accounts = [unnamed(number) for number in range(450)]
    store = Counting(accounts)
    tiers = Tiers(store, lambda: 7.0)
    assert await asyncio.gather(*(tiers.move(account, SUPER) for account in accounts)) == [9] * 450
    assert [len(batch) for batch in store.batches] == [1, 200, 200, 49]


async def test_a_store_that_is_away_writes_nothing_and_the_next_move_is_tried() -> None:
    account = unnamed(1)
    store = Counting([account])
    tiers = Tiers(store, lambda: 7.0)
    store.away = True
    assert await tiers.move(account, SUPER) is None
    store.away = False
    assert await tiers.move(account, SUPER) == 9


async def test_a_mover_that_leaves_does_not_stop_the_others() -> None:
    accounts = [unnamed(number) for number in range(3)]
    tiers = Tiers(Counting(accounts), lambda: 7.0)
    tasks = [asyncio.ensure_future(tiers.move(account, SUPER)) for account in accounts]
    await asyncio.sleep(0)
    tasks[0].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [result for result in results[1:] if result not in (None, 9)] == []
    assert await tiers.move(accounts[1], SUPER) == 9
