"""Accounts that were removed: unseen at once, back when they are added again, gone for good after a day."""

import msgspec
import pytest

from grok2api.accounts.lifecycle import disabled
from grok2api.accounts.model import DAY, Account, Kind, State, new_account
from grok2api.accounts.query import Filter, Order
from grok2api.catalog import Tier
from grok2api.storage.accounts import AccountStore
from grok2api.storage.errors import StoreConflict
from grok2api.storage.write_behind import Served

NOW = 1000.0


def account(number: int, tier: Tier = Tier.BASIC, **more: object) -> Account:
    made = new_account(f"acc_{number}", f"secret-{number}", Kind.WEB, tier, float(number), tags=("old",))
    return msgspec.structs.replace(made, **more)


@pytest.fixture
async def two(store: AccountStore):
    store._now = lambda: NOW
    await store.add([account(1, use_count=5, user_id="u-1"), account(2)])
    await store.remove(["acc_1"])
    return store


async def test_no_question_sees_what_was_removed(two: AccountStore) -> None:
    assert [found.id for found in await two.load()] == ["acc_2"]
    assert await two.ids() == {"acc_2"}
    assert await two.find(["acc_1", "secret-1", "acc_2"]) == {"acc_2": "acc_2"}
    assert await two.get(["acc_1"]) == []
    assert (await two.page(Filter(text="1"), Order(), 0, 50, NOW)).total == 0
    assert await two.match(Filter(), NOW) == ["acc_2"]
    assert await two.tags() == {"old": 1}
    assert sum((await two.tally(NOW)).values()) == 1
    assert [found.id async for found in two.iterate()] == ["acc_2"]
    assert (await two.change(["acc_1"], disabled)).accounts == ()
    await two.write_runtime([Served(account(1, revision=2), 1, 1)])
    assert [found.id for found in await two.load()] == ["acc_2"]


async def test_those_who_follow_learn_what_was_removed(two: AccountStore) -> None:
    assert await two.removed(since=1) == ["acc_1"]
    assert await two.removed(since=2) == []


@pytest.mark.parametrize("by", ["secret", "user"])
async def test_what_comes_again_is_back_under_its_old_id(two: AccountStore, by: str) -> None:
    again = account(9, Tier.SUPER, tags=("new",), secret="secret-1", user_id=None)
    if by == "user":
        again = account(9, Tier.SUPER, tags=("new",), user_id="u-1")
    done = await two.add([again, account(3)])
    assert [found.id for found in done.added] == ["acc_3", "acc_1"]
    assert done.restored == ("acc_1",)
    (found,) = await two.get(["acc_1"])
    assert (found.tier, found.tags, found.use_count, found.secret) == (Tier.SUPER, ("new",), 5, again.secret)
    assert (found.state, found.user_id, found.created_at) == (State.ACTIVE, "u-1", 9.0)
    assert found in done.added
    assert (await two.add([again])).known == ("acc_1",)


async def test_a_removed_account_gives_its_credential_up(two: AccountStore) -> None:
    (changed,) = (await two.change(["acc_2"], lambda one: msgspec.structs.replace(one, secret="secret-1"))).accounts
    assert changed.secret == "secret-1"
    assert await two.find(["secret-1"]) == {"secret-1": "acc_2"}
    assert (await two.add([account(7, secret="secret-1")])).known == ("acc_2",)


async def test_nobody_gets_a_credential_that_another_has(two: AccountStore) -> None:
    await two.add([account(3), account(4)])
    with pytest.raises(StoreConflict, match="acc_2 already has"):
        await two.change(["acc_3"], lambda one: msgspec.structs.replace(one, secret="secret-2"))
    with pytest.raises(StoreConflict, match="same credential"):
        await two.change(["acc_3", "acc_4"], lambda one: msgspec.structs.replace(one, secret="secret-8"))
    assert [found.secret for found in await two.load()] == ["secret-2", "secret-3", "secret-4"]


async def test_a_day_later_it_is_gone_for_good(two: AccountStore) -> None:
    assert await two.purge(NOW + DAY) == 0
    assert await two.purge(NOW + DAY + 1) == 1
    assert await two.removed(since=2) == []
    assert await two.removed(since=1) is None
    assert await two.ids() == {"acc_2"}
    assert (await two.add([account(9, secret="secret-1")])).restored == ()


async def test_P11_what_comes_several_times_in_one_call_is_one_record(store: AccountStore) -> None:
    """Also when so many come that they are written in pieces."""
    fresh = [account(number, user_id=None) for number in range(1200)]
    again = [account(5000 + number, secret=f"secret-{number}") for number in (0, 499, 500, 1199)]
    done = await store.add([*fresh[:1200], *again, fresh[3]])
    assert len(done.added) == 1200
    assert done.known == ("acc_0", "acc_499", "acc_500", "acc_1199", "acc_3")
    assert len(await store.ids()) == 1200
    assert (await store.add([*fresh, account(6000)])).added == tuple(await store.get(["acc_6000"]))
