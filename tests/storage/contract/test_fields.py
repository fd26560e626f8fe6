"""Every field of an account makes the round trip, by its schema: a field that is new is tried here without a line."""

import asyncio
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok2api.accounts.model import Account
from grok2api.accounts.tags import tidy
from grok2api.storage.accounts import AccountStore
from grok2api.storage.opening import store_for
from grok2api.storage.write_behind import Served

words = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
long_words = st.builds(lambda text, times: text * times, words, st.sampled_from([1, 1, 1, 20_000]))

#: What is narrower than its type, by field.
NARROWER: dict[str, st.SearchStrategy[Any]] = {
    "id": st.uuids().map(lambda uuid: f"acc_{uuid.hex}"),
    "secret": st.uuids().map(lambda uuid: f"secret-{uuid.hex}"),
    "user_id": st.none() | st.uuids().map(str) | words.map(lambda text: f"{text[:20]}-{id(text)}"),
    "tags": st.lists(words, max_size=4).map(tidy),
    "revision": st.just(0),
}
modes = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32)


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    if kind is str:
        return long_words
    if kind is int:
        return st.integers(0, 2**62) | st.just(0)
    if kind is float:
        return st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False) | st.just(0.0)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return of_struct(kind)
    if type(None) in get_args(kind):
        (inner,) = (part for part in get_args(kind) if part is not type(None))
        return st.none() | of_type(inner)
    if get_origin(kind) is tuple:
        return st.lists(of_type(get_args(kind)[0]), max_size=4).map(tuple)
    return st.dictionaries(modes, of_type(get_args(kind)[1]), max_size=4)


def of_struct(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    own = NARROWER if kind is Account else {}
    fields = {name: own[name] if name in own else of_type(hints[name]) for name in kind.__struct_fields__}
    return st.builds(kind, **fields)


@pytest.fixture
def opened(url: str, tmp_path: Path):
    """A store for tests that are no coroutines."""
    store = asyncio.run(store_for(url, tmp_path, {}))
    yield store
    asyncio.run(store.close())


#: What `write_runtime` leaves alone.
ADMINISTERED = ("id", "secret", "kind", "tags", "created_at", "revision")

#: A time at which everything was removed long ago.
FAR = 1e12

slow = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@slow
@given(account=of_struct(Account), later=of_struct(Account))
def test_every_field_makes_the_round_trip(opened: AccountStore, account: Account, later: Account) -> None:
    async def trip() -> None:
        (added,) = (await opened.add([account])).added
        assert await opened.get([account.id]) == [added]
        assert msgspec.structs.replace(added, revision=0) == account
        (changed,) = (await opened.change([account.id], lambda _: later)).accounts
        assert await opened.get([account.id]) == [changed]
        assert msgspec.structs.replace(changed, revision=0, id=later.id) == later
        served = msgspec.structs.replace(account, **{name: getattr(changed, name) for name in ADMINISTERED})
        counts = [served.use_count - changed.use_count, served.fail_count - changed.fail_count]
        await opened.write_runtime([Served(served, *counts)])
        assert await opened.get([account.id]) == [served]
        await opened.remove([account.id])
        await opened.purge(FAR)

    asyncio.run(trip())


async def test_what_no_database_can_hold_is_written_all_the_same(store: AccountStore) -> None:
    """One such text must not keep a batch of others from being written."""
    base = msgspec.convert({"id": "acc_1", "secret": "s", "kind": "web", "tier": "basic"}, Account)
    odd = msgspec.structs.replace(base, state_reason="a\x00b", last_error="\ud800", tags=("x\x00",), user_id="u" * 99)
    await store.add([odd])
    (found,) = await store.load()
    assert (found.state_reason, found.last_error, found.tags) == ("a\ufffdb", "?", ("x",))
    assert found.user_id == "u" * 64
