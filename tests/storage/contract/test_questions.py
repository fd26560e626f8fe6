"""Lists, counts and searches: the database's answers are those of `accounts.query`."""

from collections import Counter

import pytest
from crowd import NOW, TAGS, crowd, filters, ordered

from grok2api.accounts.query import Filter, Order, SortKey, status
from grok2api.storage.accounts import AccountStore

SIZE = 300


@pytest.fixture
async def full(store: AccountStore):
    await store.add(crowd(SIZE))
    await store.add([])
    return store


async def test_a_filter_means_in_the_database_what_it_means(full: AccountStore) -> None:
    everyone = await full.load()
    for which in filters(300):
        meant = [account.id for account in everyone if which.matches(account, NOW)]
        assert await full.match(which, NOW) == meant, which
        assert await full.count(which, NOW) == len(meant)
    assert sum(any(which.matches(account, NOW) for account in everyone) for which in filters(300)) > 100


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", SortKey)
async def test_pages_are_pieces_of_the_sorted_list(full: AccountStore, by: SortKey, descending: bool) -> None:
    everyone = await full.load()
    order = Order(by, descending)
    for which in (Filter(), Filter(text="o"), Filter(tag="team")):
        whole = ordered([one for one in everyone if which.matches(one, NOW)], order, NOW)
        for offset, limit in ((0, 50), (1, 7), (SIZE - 3, 50), (SIZE + 5, 50), (0, SIZE + 500)):
            page = await full.page(which, order, offset, limit, NOW)
            assert list(page.accounts) == whole[offset : offset + limit]
            assert page.total == len(whole)


async def test_everyone_is_counted_by_tier_and_status(full: AccountStore) -> None:
    everyone = await full.load()
    for now in (NOW, 1600.0):
        assert await full.tally(now) == Counter((account.tier, status(account, now)) for account in everyone)


async def test_tags_are_counted_to_the_letter(full: AccountStore) -> None:
    everyone = await full.load()
    assert await full.tags() == Counter(tag for account in everyone for tag in account.tags)
    assert set(await full.tags()) == set(TAGS)


async def test_iterating_gives_everyone_once_in_order(full: AccountStore) -> None:
    everyone = await full.load()
    assert [account async for account in full.iterate(batch=17)] == everyone
    which = Filter(text="o")
    found = [account async for account in full.iterate(which, NOW, batch=1)]
    assert found == [account for account in everyone if which.matches(account, NOW)]


async def test_accounts_are_got_by_id(full: AccountStore) -> None:
    everyone = await full.load()
    assert await full.get(account.id for account in reversed(everyone)) == everyone
    assert await full.get(["acc_7", "acc_nobody", "acc_7", "' OR 1=1"]) == [
        one for one in everyone if one.id == "acc_7"
    ]
    assert await full.get([]) == []


async def test_an_empty_store_answers_everything(store: AccountStore) -> None:
    assert (await store.page(Filter(), Order(), 0, 50, NOW)).accounts == ()
    assert (await store.tally(NOW), await store.tags(), await store.match(Filter(), NOW)) == ({}, {}, [])
    assert [account async for account in store.iterate()] == []
    assert await store.changes(10) == []
