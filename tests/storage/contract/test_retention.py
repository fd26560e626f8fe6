"""What is forgotten: chains and conversations as a whole when all of one is old, and the oldest of too many."""

import pytest

from grok2api.canonical.recorded import Piece
from grok2api.canonical.stored import Conversation, Stored
from grok2api.storage.accounts import AccountStore
from grok2api.storage.conversations import ConversationStore
from grok2api.storage.responses import ResponseStore
from grok2api.storage.retention import Retention

WORDS = "".join(chr(33 + at * at % 90) for at in range(400))


def link(number: int, root: int, at: float) -> Stored:
    return Stored(
        id=f"resp_{number}",
        created_at=at,
        model="grok",
        status="completed",
        root=f"resp_{root}",
        input=[{"type": "message", "content": WORDS}],
    )


class Kept:
    def __init__(self, store: AccountStore) -> None:
        self.responses = ResponseStore(store.database)
        self.conversations = ConversationStore(store.database)
        self.retention = Retention(store.database)

    async def talk(self, number: int, at: float) -> None:
        made = Conversation(id=f"conv_{number}", created_at=0.0, used_at=at)
        await self.conversations.add(made, [{"id": f"msg_{number}", "content": WORDS}])

    async def left(self) -> list[str]:
        responses = sorted(await self.responses.some([f"resp_{number}" for number in range(300)]))
        talks = [f"conv_{number}" for number in range(300) if await self.conversations.get(f"conv_{number}")]
        return [*responses, *talks]


@pytest.fixture
def kept(store: AccountStore) -> Kept:
    return Kept(store)


async def test_a_chain_is_as_old_as_its_newest_response(kept: Kept) -> None:
    await kept.responses.put([link(1, 1, 1.0), link(2, 1, 50.0), link(3, 3, 2.0), link(4, 3, 3.0), link(5, 5, 60.0)])
    await kept.responses.record({"resp_4": [Piece.of(0, [b"data: 1\n\n"])]})
    await kept.talk(1, 9.0)
    await kept.talk(2, 50.0)
    assert await kept.retention.expire(2.0) == 0
    assert await kept.retention.expire(10.0) == 2
    assert await kept.left() == ["resp_1", "resp_2", "resp_5", "conv_2"]
    assert await kept.responses.frames("resp_4", 0, 9) == []


async def test_more_than_one_step_is_forgotten(kept: Kept) -> None:
    await kept.responses.put([link(number, number, 1.0) for number in range(250)])
    assert await kept.retention.expire(2.0) == 250
    assert await kept.left() == []


async def test_the_oldest_go_when_there_is_too_much(kept: Kept) -> None:
    await kept.responses.put([link(1, 1, 1.0), link(2, 1, 9.0), link(3, 3, 2.0), link(4, 4, 4.0)])
    await kept.talk(1, 3.0)
    await kept.talk(2, 5.0)
    size = await kept.retention.size()
    assert size > 6 * 100
    assert await kept.retention.trim(size) == 0
    assert await kept.retention.trim(size * 5 // 6 + 10) == 1
    assert await kept.left() == ["resp_1", "resp_2", "resp_4", "conv_1", "conv_2"]
    assert await kept.retention.trim(size // 2) == 2
    assert await kept.left() == ["resp_1", "resp_2", "conv_2"]
    assert await kept.retention.trim(0) == 2
    assert (await kept.left(), await kept.retention.size()) == ([], 0)


async def test_what_streams_have_sent_counts_too(kept: Kept) -> None:
    await kept.responses.put([link(1, 1, 1.0)])
    before = await kept.retention.size()
    await kept.responses.record({"resp_1": [Piece.of(0, [WORDS.encode()])]})
    after = await kept.retention.size()
    assert after > before
    assert await kept.retention.trim(after - 1) == 1
    assert await kept.retention.size() == 0
