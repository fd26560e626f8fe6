"""Changes of single accounts that are written together."""

import asyncio
from collections.abc import Collection, Mapping

import msgspec
import pytest

from admin_calls import account
from grok2api.accounts.model import Account
from grok2api.admin.together import How, Together
from grok2api.storage.errors import StoreError


class Book:
    """Writes slowly, and notes each write."""

    def __init__(self, *names: str) -> None:
        self.accounts = {one.id: one for one in map(account, names)}
        self.writes: list[list[str]] = []
        self.go = asyncio.Event()
        self.broken = False

    async def write(self, changes: Mapping[str, How]) -> Collection[str]:
        self.writes.append(list(changes))
        await self.go.wait()
        if self.broken:
            raise StoreError("The store is away.")
        found = [ident for ident in changes if ident in self.accounts]
        self.accounts |= {ident: changes[ident](self.accounts[ident]) for ident in found}
        return found


def tagged(tag: str) -> How:
    def how(one: Account) -> Account:
        return msgspec.structs.replace(one, tags=(*one.tags, tag))

    return how


async def test_what_comes_while_a_write_is_under_way_is_the_next_write() -> None:
    book = Book("a", "b", "c")
    together = Together(book.write)
    changes = [asyncio.ensure_future(together.change(f"acc_{name}", tagged("x"))) for name in "abc"]
    changes.insert(0, asyncio.ensure_future(together.change("acc_a", tagged("y"))))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = asyncio.ensure_future(together.change("acc_none", tagged("z")))
    await asyncio.sleep(0)
    book.go.set()
    assert await asyncio.gather(*changes) == [True] * 4
    assert await late is False
    assert len(book.writes) == 2
    assert set(book.writes[0]) == {"acc_a", "acc_b", "acc_c"}
    assert set(book.accounts["acc_a"].tags) == {"x", "y"}


async def test_a_write_that_fails_fails_for_all_of_it_and_the_next_is_tried() -> None:
    book = Book("a", "b")
    together = Together(book.write)
    book.broken = True
    book.go.set()
    changes = [asyncio.ensure_future(together.change(f"acc_{name}", tagged("x"))) for name in "ab"]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert [type(result) for result in results] == [StoreError, StoreError]
    book.broken = False
    assert await together.change("acc_a", tagged("x"))


async def test_who_does_not_wait_any_more_does_not_stop_the_others() -> None:
    book = Book("a", "b")
    together = Together(book.write)
    gone = asyncio.ensure_future(together.change("acc_a", tagged("x")))
    stays = asyncio.ensure_future(together.change("acc_b", tagged("x")))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    book.go.set()
    assert await stays
    assert book.accounts["acc_a"].tags == ("x",)
