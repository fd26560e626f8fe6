"""What waits for being written: found at once, bounded, given up only when it is impossible."""

from collections.abc import Collection, Sequence

import msgspec
import pytest

from grok2api.canonical.stored import Chain, Conversation, Stored
from grok2api.gateway import shelf as module
from grok2api.gateway.shelf import Item, Kept, Shelf
from grok2api.storage.errors import RefusedValues, StoreError

LARGE = 10**6


def kept(number: int, before: int | None = None, *, size: int = 10, **more: object) -> Kept:
    stored = Stored(
        id=f"resp_{number}",
        created_at=float(number),
        model="grok",
        status="completed",
        root="resp_1",
        previous=None if before is None else f"resp_{before}",
        owner="me",
    )
    return Kept(stored=msgspec.structs.replace(stored, **more), keeps=True, size=size)


def turn(number: int, *items: str, keeps: bool = True, account: str | None = None) -> Kept:
    one = kept(number, conversation="conv_1", account=account)
    return msgspec.structs.replace(one, items=[{"id": item} for item in items], keeps=keeps)


class Responses:
    """A store in memory, with troubles."""

    def __init__(self) -> None:
        self.rows: dict[str, Stored] = {}
        self.trouble: Exception | None = None
        self.impossible = ""
        self.writes = 0

    async def put(self, stored: Sequence[Stored]) -> None:
        self.writes += 1
        if self.trouble is not None:
            raise self.trouble
        if any(one.id == self.impossible for one in stored):
            raise RefusedValues("impossible")
        self.rows.update((one.id, one) for one in stored)

    async def get(self, ident: str) -> Stored | None:
        return self.rows.get(ident)

    async def some(self, idents: Collection[str]) -> dict[str, Stored]:
        return {ident: self.rows[ident] for ident in idents if ident in self.rows}

    async def chain(self, ident: str, most: int, largest: int) -> Chain:
        found: list[Stored] = []
        at: str | None = ident
        while at is not None and at in self.rows:
            found.insert(0, self.rows[at])
            at = self.rows[at].previous
        return Chain(too_long=True) if len(found) > most else Chain(tuple(found), 10 * len(found), at)

    async def remove(self, ident: str) -> bool:
        return self.rows.pop(ident, None) is not None


class Conversations:
    def __init__(self) -> None:
        self.items: list[Item] = [{"id": "msg_0"}]

    async def get(self, ident: str) -> Conversation | None:
        return Conversation(id=ident, created_at=1.0, used_at=1.0, owner="me", account="acc_0")

    async def append(self, ident: str, more: Sequence[Item], now: float, account: str | None = None) -> bool:
        self.items += more
        return True

    async def whole(self, ident: str, most: int, largest: int) -> tuple[list[Item], int] | None:
        return list(self.items), 10 * len(self.items)

    async def find(self, wanted: Collection[str], owner: str) -> dict[str, Item]:
        return {}


class Kit:
    def __init__(self) -> None:
        self.responses, self.conversations = Responses(), Conversations()
        self.woken = 0
        self.shared = False
        self.slept: list[float] = []
        self.shelf = Shelf(self.responses, self.conversations, self.wake, lambda: self.shared, self.sleep)

    def wake(self) -> None:
        self.woken += 1

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            self.responses.rows["resp_9"] = kept(9).stored


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def idents(kit: Kit, ident: str, owner: str = "me") -> list[str]:
    return [one.id for one in (await kit.shelf.chain(ident, owner, LARGE)).responses]


async def test_what_was_kept_is_found_before_and_after_it_is_written(kit: Kit) -> None:
    one = kept(1)
    kit.shelf.take(one)
    assert kit.woken == 1
    for _ in range(2):
        assert await kit.shelf.get("resp_1", "me") == one.stored
        assert await kit.shelf.get("resp_1", "you") is None
        assert await kit.shelf.some(["resp_1", "resp_2"], "me") == {"resp_1": one.stored}
        assert await kit.shelf.some(["resp_1"], "you") == {}
        await kit.shelf.write()
    assert kit.responses.writes == 1
    assert kit.responses.rows == {"resp_1": one.stored}


async def test_a_chain_goes_on_from_what_waits_into_the_store(kit: Kit) -> None:
    for number in range(1, 4):
        kit.shelf.take(kept(number, number - 1 or None))
    await kit.shelf.write()
    for number in range(4, 7):
        kit.shelf.take(kept(number, number - 1))
    chain = await kit.shelf.chain("resp_6", "me", LARGE)
    assert ([one.id for one in chain.responses], chain.size) == ([f"resp_{number}" for number in range(1, 7)], 60)
    assert await idents(kit, "resp_2") == ["resp_1", "resp_2"]
    assert (await kit.shelf.chain("resp_6", "you", LARGE)).missing == "resp_6"
    assert (await kit.shelf.chain("resp_2", "you", LARGE)).missing == "resp_2"
    assert (await kit.shelf.chain("resp_6", "me", 25)).too_long
    await kit.shelf.remove("resp_2", "me")
    broken = await kit.shelf.chain("resp_6", "me", LARGE)
    assert (broken.missing, len(broken.responses)) == ("resp_2", 4)


async def test_a_chain_goes_on_from_the_store_into_what_waits(kit: Kit) -> None:
    """One that is made in the background is written at once, and may be so before the one that it goes on with."""
    kit.shared = True
    kit.responses.rows |= {"resp_1": kept(1).stored, "resp_3": kept(3, 2).stored}
    kit.shelf.take(kept(2, 1))
    assert await idents(kit, "resp_3") == ["resp_1", "resp_2", "resp_3"]
    assert kit.slept == []


async def test_what_waits_is_part_of_a_long_chain(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RESPONSES", 5)
    for number in range(1, 4):
        kit.shelf.take(kept(number, number - 1 or None))
    await kit.shelf.write()
    for number in range(4, 6):
        kit.shelf.take(kept(number, number - 1))
    assert len(await idents(kit, "resp_5")) == 5
    kit.shelf.take(kept(6, 5))
    assert (await kit.shelf.chain("resp_6", "me", LARGE)).too_long
    for number in range(7, 10):
        kit.shelf.take(kept(number, number - 1))
    assert (await kit.shelf.chain("resp_9", "me", LARGE)).too_long


async def test_what_a_store_does_not_take_now_waits(kit: Kit) -> None:
    kit.responses.trouble = StoreError("away")
    kit.shelf.take(kept(1))
    with pytest.raises(StoreError):
        await kit.shelf.write()
    assert await kit.shelf.get("resp_1", "me") is not None
    kit.responses.trouble = None
    await kit.shelf.write()
    assert list(kit.responses.rows) == ["resp_1"]


async def test_what_a_store_never_takes_is_given_up_alone(kit: Kit) -> None:
    kit.responses.impossible = "resp_2"
    for number in range(1, 4):
        kit.shelf.take(kept(number))
    await kit.shelf.write()
    assert list(kit.responses.rows) == ["resp_1", "resp_3"]
    assert await kit.shelf.get("resp_2", "me") is None


async def test_what_waits_is_bounded_and_the_oldest_is_lost(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITING", 3)
    monkeypatch.setattr(module, "_WAITING_BYTES", 100)
    for number in range(1, 6):
        kit.shelf.take(kept(number))
    assert [number for number in range(1, 6) if await kit.shelf.get(f"resp_{number}", "me")] == [3, 4, 5]
    kit.shelf.take(kept(6, size=85))
    assert [number for number in range(1, 7) if await kit.shelf.get(f"resp_{number}", "me")] == [5, 6]
    kit.shelf.take(kept(7, size=500))
    assert [number for number in range(1, 8) if await kit.shelf.get(f"resp_{number}", "me")] == [7]


async def test_what_is_written_again_meanwhile_stays(kit: Kit) -> None:
    later = kept(1, account="acc_2")

    class Slow(Responses):
        async def put(self, stored: Sequence[Stored]) -> None:
            await super().put(stored)
            if self.writes == 1:
                kit.shelf.take(later)

    kit.shelf._responses = kit.responses = Slow()
    kit.shelf.take(kept(1))
    await kit.shelf.write()
    assert await kit.shelf.get("resp_1", "me") == later.stored
    await kit.shelf.write()
    assert kit.responses.rows["resp_1"] == later.stored


async def test_where_others_serve_too_one_looks_again(kit: Kit) -> None:
    assert await kit.shelf.get("resp_9", "me") is None
    assert kit.slept == []
    kit.shared = True
    assert (await kit.shelf.chain("resp_9", "me", LARGE)).responses == (kept(9).stored,)
    assert len(kit.slept) == 3
    assert await kit.shelf.get("resp_8", "me") is None
    assert sum(kit.slept[3:]) < 3


async def test_items_of_a_conversation_are_there_before_they_are_written(kit: Kit) -> None:
    kit.shelf.take(turn(1, "msg_1", "msg_2", account="acc_1"))
    kit.shelf.take(turn(2, "msg_2", "msg_3", keeps=False))
    found = await kit.shelf.conversation("conv_1", "me")
    assert found is not None
    assert found.account == "acc_1"
    assert await kit.shelf.conversation("conv_1", "you") is None
    assert await kit.shelf.get("resp_2", "me") is None
    before = await kit.shelf.items("conv_1", LARGE)
    assert before == ([{"id": f"msg_{number}"} for number in range(4)], 30)
    await kit.shelf.write()
    assert list(kit.responses.rows) == ["resp_1"]
    assert kit.conversations.items == [{"id": f"msg_{number}"} for number in (0, 1, 2, 2, 3)]


async def test_a_response_that_is_deleted_leaves_its_turn(kit: Kit) -> None:
    kit.shelf.take(turn(1, "msg_1"))
    assert await kit.shelf.remove("resp_1", "me")
    assert await kit.shelf.get("resp_1", "me") is None
    await kit.shelf.write()
    assert ([item["id"] for item in kit.conversations.items], kit.responses.rows) == (["msg_0", "msg_1"], {})


async def test_a_turn_is_written_at_its_end_only_where_others_serve_too(kit: Kit) -> None:
    one, other = turn(1, "msg_1"), kept(2)
    kit.shelf.take(one)
    kit.shelf.take(other)
    await kit.shelf.written(one)
    assert kit.responses.writes == 0
    kit.shared = True
    await kit.shelf.written(other)
    assert kit.responses.writes == 0
    await kit.shelf.written(one)
    assert kit.responses.writes == 1
    kit.responses.trouble = StoreError("away")
    late = turn(3, "msg_3")
    kit.shelf.take(late)
    await kit.shelf.written(late)
