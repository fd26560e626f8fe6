"""Replacing the content of pools: removed, changed and added in one change, or not at all."""

import msgspec
import pytest

from grok2api.accounts.model import Account, Kind, moved, new_account
from grok2api.accounts.query import Note
from grok2api.catalog import Tier
from grok2api.storage.accounts import AccountStore
from grok2api.storage.errors import StoreConflict

NOTE = Note(action="replace", actor="test", at=1000.0, detail="basic")


def made(name: str, tier: Tier = Tier.BASIC) -> Account:
    return new_account(f"acc_{name}", f"token-{name}", Kind.WEB, tier, 1.0)


async def standing(store: AccountStore) -> dict[str, Tier]:
    return {account.id: account.tier for account in await store.load()}


async def test_all_of_it_is_one_change_that_can_be_undone(store: AccountStore) -> None:
    await store.add([made("one"), made("two"), made("three", Tier.SUPER)])
    before, revision = await standing(store), await store.revision()
    done = await store.replace(
        [made("four")], {"acc_three": lambda account: moved(account, Tier.BASIC)}, ["acc_one", "acc_none"], NOTE
    )
    assert [account.id for account in done.added] == ["acc_four"]
    assert await standing(store) == {"acc_two": Tier.BASIC, "acc_three": Tier.BASIC, "acc_four": Tier.BASIC}
    assert await store.revision() == revision + 1
    (change,) = await store.changes(10)
    assert (change.id, change.action, change.count) == (done.change_id, "replace", 3)
    undone = await store.undo(change.id, NOTE)
    assert (undone.count, undone.skipped) == (3, ())
    assert await standing(store) == before


async def test_what_cannot_be_done_whole_is_not_begun(store: AccountStore) -> None:
    await store.add([made("one"), made("two"), made("three")])
    before, revision = await standing(store), await store.revision()
    taken = {"acc_three": lambda account: msgspec.structs.replace(account, secret="token-two")}
    with pytest.raises(StoreConflict):
        await store.replace([made("four")], taken, ["acc_one"], NOTE)
    assert await standing(store) == before
    assert await store.revision() == revision
    assert await store.changes(10) == []


async def test_nothing_to_do_leaves_nothing(store: AccountStore) -> None:
    revision = await store.revision()
    done = await store.replace([], {}, ["acc_none"], NOTE)
    assert (done.added, done.change_id) == ((), None)
    assert await store.revision() == revision
