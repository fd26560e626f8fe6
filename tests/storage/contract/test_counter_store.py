"""Totals and remembered values."""

import asyncio
import threading
from pathlib import Path

import pytest

from grok2api.observe.counters import Counters
from grok2api.storage.accounts import AccountStore
from grok2api.storage.counters import CounterStore, CounterWriter
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import store_for
from grok2api.storage.remembered import Remembered


async def test_D7_totals_after_a_restart_equal_those_before(store: AccountStore, url: str, tmp_path: Path) -> None:
    totals = CounterStore(store.database)
    assert await totals.load() == {}
    counters = Counters(await totals.load())
    writer = CounterWriter(counters, totals)
    for number in range(50):
        counters.bump("requests")
        counters.bump("tokens", number)
        if number % 7 == 0:
            await writer.write()
    await writer.write()
    await writer.write()
    again = await store_for(url, tmp_path, {})
    assert await CounterStore(again.database).load() == counters.values() == {"requests": 50, "tokens": 1225}
    await again.close()


async def test_processes_add_to_the_same_totals(store: AccountStore, url: str, tmp_path: Path) -> None:
    """Also to those that are new to all of them."""
    others = [await store_for(url, tmp_path, {}) for _ in range(4)]
    each = [CounterStore(other.database) for other in others]
    await asyncio.gather(*(one.add({"a": 1, f"n{turn}": 2}) for one in each for turn in range(10)))
    assert await CounterStore(store.database).load() == {"a": 40, **{f"n{turn}": 8 for turn in range(10)}}
    for other in others:
        await other.close()


async def test_what_could_not_be_written_is_written_the_next_time(store: AccountStore) -> None:
    class Away(CounterStore):
        async def add(self, deltas: object) -> None:
            raise StoreError("Away.")

    counters = Counters({})
    counters.bump("a", 3)
    with pytest.raises(StoreError):
        await CounterWriter(counters, Away(store.database)).write()
    counters.bump("a", 2**70)
    await CounterWriter(counters, CounterStore(store.database)).write()
    assert await CounterStore(store.database).load() == {"a": 2**63 - 1}


async def test_D7_what_is_being_written_when_all_ends_is_written_once(store: AccountStore) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        begun.set()
        go_on.wait(10)

    holding = asyncio.ensure_future(store.database.write(hold))
    await asyncio.to_thread(begun.wait, 10)
    counters = Counters({})
    counters.bump("a", 3)
    writer = CounterWriter(counters, CounterStore(store.database))
    writing = asyncio.ensure_future(writer.write())
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await holding
    with pytest.raises(asyncio.CancelledError):
        await writing
    await writer.write()
    assert await CounterStore(store.database).load() == {"a": 3}


async def test_a_name_is_remembered_with_its_last_value(store: AccountStore) -> None:
    remembered = Remembered(store.database)
    assert await remembered.all() == {}
    for name, value in (("a", "1"), ("A", "ünï"), ("a", "2"), ("'; DROP TABLE settings; --", "x" * 70_000)):
        await remembered.put(name, value, 5.0)
    assert await remembered.all() == {"a": "2", "A": "ünï", "'; DROP TABLE settings; --": "x" * 70_000}
