"""Conversations in the store: items in their order, whoever adds them, and what is noted about them."""

import asyncio

import pytest

from grok2api.canonical.stored import Conversation
from grok2api.storage.accounts import AccountStore
from grok2api.storage.conversations import ConversationStore, Item

LARGE = 10**9


def conversation(number: int = 1, **more: object) -> Conversation:
    return Conversation(id=f"conv_{number}", created_at=float(number), used_at=float(number), **more)  # type: ignore[arg-type]


def items(*numbers: int) -> list[dict[str, object]]:
    return [{"id": f"msg_{number}", "type": "message", "content": f"Words \N{CAT FACE} {number}"} for number in numbers]


async def whole(conversations: ConversationStore, ident: str) -> list[Item]:
    found = await conversations.whole(ident, 100, LARGE)
    assert found is not None
    return found[0]


@pytest.fixture
def conversations(store: AccountStore) -> ConversationStore:
    return ConversationStore(store.database)


async def test_a_conversation_comes_back_as_it_was_written(conversations: ConversationStore) -> None:
    written = conversation(1, owner="a" * 64, about={"topic": "cats \N{CAT FACE}"}, account="acc_1")
    await conversations.add(written, items(1, 2))
    await conversations.add(conversation(2))
    assert await conversations.get("conv_1") == written
    assert await conversations.get("conv_2") == conversation(2)
    assert await conversations.get("conv_3") is None
    assert await whole(conversations, "conv_1") == items(1, 2)
    assert await whole(conversations, "conv_2") == []


async def test_notes_are_replaced(conversations: ConversationStore) -> None:
    await conversations.add(conversation(1, about={"a": "b"}))
    assert await conversations.note("conv_1", {"c": "d"})
    assert not await conversations.note("conv_9", {})
    found = await conversations.get("conv_1")
    assert found is not None
    assert found.about == {"c": "d"}


async def test_items_are_added_behind_what_is_there_and_each_once(conversations: ConversationStore) -> None:
    await conversations.add(conversation(1), items(1))
    assert await conversations.append("conv_1", items(2, 3), 7.0, "acc_2")
    assert await conversations.append("conv_1", items(3, 4, 4), 8.0)
    assert not await conversations.append("conv_9", items(1), 9.0)
    assert await whole(conversations, "conv_1") == items(1, 2, 3, 4)
    found = await conversations.get("conv_1")
    assert found is not None
    assert (found.used_at, found.account) == (8.0, "acc_2")


async def test_turns_that_end_at_once_keep_their_items_together(conversations: ConversationStore) -> None:
    await conversations.add(conversation(1))
    turns = [items(*range(at, at + 10)) for at in range(0, 80, 10)]
    await asyncio.gather(*(conversations.append("conv_1", turn, 1.0) for turn in turns))
    found = await whole(conversations, "conv_1")
    blocks = [found[at : at + 10] for at in range(0, 80, 10)]
    assert sorted(blocks, key=str) == sorted(turns, key=str)


async def test_pages_meet_without_a_gap_in_both_directions(conversations: ConversationStore) -> None:
    await conversations.add(conversation(1), items(*range(7)))
    await conversations.add(conversation(2), items(3))
    for newest_first, expected in ((False, items(*range(7))), (True, items(*reversed(range(7))))):
        found: list[object] = []
        last = None
        while page := await conversations.page("conv_1", last, 3, newest_first=newest_first):
            found += page
            last = page[-1]["id"]
        assert found == expected
    assert await conversations.page("conv_1", "msg_9", 3, newest_first=True) is None


async def test_what_is_too_much_is_not_read(conversations: ConversationStore) -> None:
    await conversations.add(conversation(1), items(1, 2, 3))
    assert await conversations.whole("conv_1", 3, LARGE) is not None
    assert await conversations.whole("conv_1", 2, LARGE) is None
    assert await conversations.whole("conv_1", 3, 10) is None


async def test_single_items_are_found_and_forgotten(conversations: ConversationStore) -> None:
    await conversations.add(conversation(1, owner="me"), items(1, 2))
    await conversations.add(conversation(2, owner="you"), items(3))
    assert await conversations.item("conv_1", "msg_2") == items(2)[0]
    assert await conversations.item("conv_2", "msg_2") is None
    assert await conversations.find(["msg_1", "msg_3", "msg_4"], "me") == {"msg_1": items(1)[0]}
    assert await conversations.drop("conv_1", "msg_1")
    assert not await conversations.drop("conv_1", "msg_1")
    assert not await conversations.drop("conv_1", "msg_3")
    assert await whole(conversations, "conv_1") == items(2)


async def test_one_that_is_removed_takes_its_items_with_it(conversations: ConversationStore) -> None:
    await conversations.add(conversation(1), items(1))
    assert await conversations.remove("conv_1")
    assert not await conversations.remove("conv_1")
    assert await conversations.get("conv_1") is None
    assert await conversations.find(["msg_1"], "") == {}
