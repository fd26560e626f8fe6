"""Responses in the store: found again whole, with what came before them, and held by one at a time."""

import asyncio
import random

import msgspec
import pytest

from grok2api.canonical.recorded import Piece
from grok2api.canonical.stored import Chain, Stored
from grok2api.storage.accounts import AccountStore
from grok2api.storage.errors import RefusedValues, StoreError
from grok2api.storage.responses import ResponseStore

LARGE = 10**9


def stored(number: int = 1, **more: object) -> Stored:
    made = Stored(
        id=f"resp_{number}",
        created_at=float(number),
        model="grok-4.3-low",
        status="completed",
        root=f"resp_{number}",
        input=[{"type": "message", "role": "user", "content": f"Turn {number} \N{CAT FACE}"}],
        response=b'{"id":"resp_%d"}' % number,
    )
    return msgspec.structs.replace(made, **more)


def link(number: int, before: int | None, root: int = 1, **more: object) -> Stored:
    return stored(number, previous=None if before is None else f"resp_{before}", root=f"resp_{root}", **more)


def idents(chain: Chain) -> list[str]:
    return [one.id for one in chain.responses]


def piece(first: int, count: int) -> Piece:
    return Piece.of(first, [b"data: %d\n\n" % (first + place) for place in range(count)])


@pytest.fixture
def responses(store: AccountStore) -> ResponseStore:
    return ResponseStore(store.database)


async def test_a_response_comes_back_as_it_was_written(responses: ResponseStore) -> None:
    written = stored(
        1,
        owner="a" * 64,
        previous="resp_0",
        root="resp_0",
        conversation="conv_1",
        kept={"rs_1": "opaque \N{CAT FACE}"},
        account="acc_1",
        sticky="session \N{CAT FACE}",
        cancelling=True,
        holder="process_1",
        held_until=7.5,
    )
    await responses.put([written, stored(2)])
    assert await responses.get("resp_1") == written
    assert await responses.get("resp_2") == stored(2)
    assert await responses.get("resp_3") is None
    assert await responses.some(["resp_1", "resp_2", "resp_3"]) == {"resp_1": written, "resp_2": stored(2)}


async def test_writing_again_replaces(responses: ResponseStore) -> None:
    await responses.put([stored(1)])
    later = stored(1, status="failed", response=b"{}", account="acc_2")
    await responses.put([later, stored(2)])
    assert await responses.get("resp_1") == later
    assert await responses.get("resp_2") == stored(2)


async def test_an_id_is_given_once(responses: ResponseStore) -> None:
    await responses.add(stored(1))
    with pytest.raises(StoreError):
        await responses.add(stored(1))


async def test_a_chain_is_walked_back_to_its_beginning(responses: ResponseStore) -> None:
    await responses.put([link(number, number - 1 or None) for number in range(1, 260)])
    await responses.put([link(300, 2)])
    chain = await responses.chain("resp_259", 1000, LARGE)
    assert idents(chain) == [f"resp_{number}" for number in range(1, 260)]
    assert chain.missing is None
    assert chain.responses[7] == link(8, 7)
    assert idents(await responses.chain("resp_300", 1000, LARGE)) == ["resp_1", "resp_2", "resp_300"]
    assert idents(await responses.chain("resp_259", 259, LARGE)) == idents(chain)
    assert await responses.chain("resp_259", 258, LARGE) == Chain(too_long=True)
    assert await responses.chain("resp_259", 1000, 2000) == Chain(too_long=True)


async def test_what_is_missing_of_a_chain_is_named(responses: ResponseStore) -> None:
    await responses.put([link(number, number - 1 or None) for number in range(1, 5)])
    assert await responses.remove("resp_2")
    assert not await responses.remove("resp_2")
    broken = await responses.chain("resp_4", 1000, LARGE)
    assert (idents(broken), broken.missing) == (["resp_3", "resp_4"], "resp_2")
    assert await responses.chain("resp_9", 1000, LARGE) == Chain(missing="resp_9")


async def test_a_chain_that_goes_in_a_circle_ends(responses: ResponseStore) -> None:
    await responses.put([link(1, 2), link(2, 1)])
    assert await responses.chain("resp_2", 1000, LARGE) == Chain(too_long=True)


async def test_one_that_is_worked_on_is_held_by_one_until_its_time_is_over(responses: ResponseStore) -> None:
    for number in range(3):
        await responses.add(stored(number, status="queued", response=b""))
    await responses.add(stored(9))
    assert [one.id for one in await responses.take("a", 10.0, 20.0, 2)] == ["resp_0", "resp_1"]
    assert [one.id for one in await responses.take("b", 10.0, 20.0, 9)] == ["resp_2"]
    assert await responses.take("c", 20.0, 30.0, 9) == []
    assert (await responses.hold(["resp_0", "resp_2"], "a", 40.0)).mine == {"resp_0"}
    taken = await responses.take("c", 21.0, 31.0, 9)
    assert [(one.id, one.holder) for one in taken] == [("resp_1", "c"), ("resp_2", "c")]


async def test_two_who_take_at_once_get_different_ones(responses: ResponseStore) -> None:
    await responses.put([stored(number, status="queued") for number in range(6)])
    taken = await asyncio.gather(*(responses.take(holder, 1.0, 9.0, 4) for holder in "abc"))
    assert sorted(one.id for some in taken for one in some) == [f"resp_{number}" for number in range(6)]


async def test_only_the_holder_writes_and_what_is_over_is_held_no_longer(responses: ResponseStore) -> None:
    await responses.add(stored(1, status="queued", response=b""))
    await responses.take("a", 1.0, 9.0, 1)
    working = stored(1, status="in_progress", response=b"")
    assert not await responses.keep(working, "b")
    assert await responses.keep(working, "a")
    assert await responses.get("resp_1") == msgspec.structs.replace(working, holder="a", held_until=9.0)
    done = stored(1, status="completed", account="acc_1", kept={"rs_1": "opaque"})
    assert await responses.keep(done, "a")
    assert await responses.get("resp_1") == done
    assert not await responses.keep(done, "a")


async def test_who_works_on_one_is_told_that_it_is_to_stop(responses: ResponseStore) -> None:
    await responses.put([stored(1, status="queued"), stored(2)])
    await responses.take("a", 1.0, 9.0, 1)
    assert (await responses.hold(["resp_1"], "a", 9.0)).cancelling == frozenset()
    assert await responses.ask_to_stop("resp_1")
    assert not await responses.ask_to_stop("resp_2")
    assert not await responses.ask_to_stop("resp_3")
    assert await responses.keep(stored(1, status="in_progress"), "a")
    assert (await responses.hold(["resp_1"], "a", 9.0)).cancelling == {"resp_1"}


async def test_what_a_stream_sent_is_read_from_any_place_on(responses: ResponseStore) -> None:
    pieces = [piece(0, 5), piece(5, 4), piece(9, 1)]
    await responses.add(stored(1, status="in_progress", holder="a"), pieces[:1])
    await responses.record({"resp_1": pieces[1:2], "resp_2": [piece(0, 1)]})
    assert await responses.keep(stored(1), "a", pieces[2:])
    assert not await responses.keep(stored(1), "a", [piece(10, 1)])
    assert await responses.frames("resp_1", 0, 9) == pieces
    assert await responses.frames("resp_1", 4, 9) == pieces
    assert await responses.frames("resp_1", 5, 1) == pieces[1:2]
    assert await responses.frames("resp_1", 9, 9) == pieces[2:]
    assert await responses.frames("resp_1", 10, 9) == []
    assert await responses.frames("resp_2", 0, 9) == []
    await responses.remove("resp_1")
    assert await responses.frames("resp_1", 0, 9) == []


async def test_what_is_too_large_for_a_row_is_refused_before_the_database_has_to(responses: ResponseStore) -> None:
    large = random.Random(1).randbytes(8 * 1024 * 1024)
    with pytest.raises(RefusedValues):
        await responses.put([stored(1, response=large)])
    most = random.Random(1).randbytes(7 * 1024 * 1024)
    await responses.put([stored(2, response=most)])
    found = await responses.get("resp_2")
    assert found is not None
    assert found.response == most


async def test_streams_are_forgotten_before_their_responses(responses: ResponseStore) -> None:
    for number, status in ((1, "completed"), (2, "in_progress"), (3, "failed"), (4, "completed")):
        await responses.add(stored(number, status=status), [piece(0, 2), piece(2, 1)] if number != 4 else [])
    assert await responses.expire_frames(2.5, 9) == 1
    assert await responses.expire_frames(9.0, 9) == 1
    assert await responses.expire_frames(9.0, 9) == 0
    kept = [number for number in (1, 2, 3) if await responses.frames(f"resp_{number}", 0, 9)]
    assert (kept, await responses.get("resp_1")) == ([2], stored(1))


@pytest.mark.parametrize("ident", ["\0", "resp_\0", "resp_1\0", "\N{CAT FACE}" * 3000, "\ud800"])
async def test_a_name_that_no_database_can_hold_is_nobodys(responses: ResponseStore, ident: str) -> None:
    await responses.put([stored(1)])
    assert await responses.get(ident) is None
    assert await responses.some([ident, "resp_1"]) == {"resp_1": stored(1)}
    assert (await responses.chain(ident, 9, 10**9)).missing == ident
    assert await responses.frames(ident, 0, 1) == []
    assert not await responses.ask_to_stop(ident)
    assert not await responses.remove(ident)
