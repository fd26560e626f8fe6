"""Conversations that are kept here, by OpenAI's SDK: made, filled, gone on with, read and forgotten."""

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest

from asking import MODELS
from grok2api.simulator.script import Say, Script, Think
from rig import SUPER, Rig, rigged

every_upstream = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)

CONSOLE = MODELS["console"]
HELLO: Any = {"type": "message", "role": "user", "content": "I am Ada."}


def sent(rig: Rig) -> str:
    """What the upstream was asked last."""
    return json.dumps(rig.world.journal.chats[-1].body)


async def refused(asked: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as raised:
        await asked
    return raised.value


async def test_a_conversation_is_made_noted_and_forgotten(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        talks = rig.openai.conversations
        made = await talks.create(items=[HELLO], metadata={"topic": "names"})
        assert (made.object, made.metadata) == ("conversation", {"topic": "names"})
        assert await talks.retrieve(made.id) == made
        noted = await talks.update(made.id, metadata={"topic": "more"})
        assert noted.metadata == {"topic": "more"}
        assert await talks.retrieve(made.id) == noted
        gone = await talks.delete(made.id)
        assert (gone.id, gone.object, gone.deleted) == (made.id, "conversation.deleted", True)
        for asked in (
            talks.retrieve(made.id),
            talks.delete(made.id),
            talks.items.list(made.id),
            talks.items.create(made.id, items=[HELLO]),
            rig.openai.responses.create(model=CONSOLE, input="Hi", conversation=made.id),
        ):
            error = await refused(asked)
            assert (error.status_code, error.code) == (404, "conversation_not_found")


async def test_items_are_added_listed_found_and_dropped(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        talks = rig.openai.conversations
        made = await talks.create()
        given: Any = [{**HELLO, "content": f"Number {n}"} for n in range(5)]
        added = await talks.items.create(made.id, items=given)
        assert [item.content[0].text for item in added.data] == [f"Number {n}" for n in range(5)]  # type: ignore[union-attr, index]
        assert (added.first_id, added.last_id, added.has_more) == (added.data[0].id, added.data[-1].id, False)
        every = [item async for item in talks.items.list(made.id, order="asc", limit=2)]
        assert every == added.data
        newest = [item async for item in talks.items.list(made.id, limit=3)]
        assert newest == list(reversed(added.data))
        one: Any = added.data[2]
        assert await talks.items.retrieve(one.id, conversation_id=made.id) == one
        assert (await talks.items.delete(one.id, conversation_id=made.id)).id == made.id
        error = await refused(talks.items.retrieve(one.id, conversation_id=made.id))
        assert (error.status_code, error.code) == (404, "item_not_found")
        assert (await refused(talks.items.delete(one.id, conversation_id=made.id))).status_code == 404
        assert len((await talks.items.list(made.id)).data) == 4
        wrong: Any = [{"type": "message", "role": "nobody", "content": "x"}]
        error = await refused(talks.items.create(made.id, items=wrong))
        assert (error.status_code, error.param) == (400, "items.0.role")


@every_upstream
async def test_turns_of_a_conversation_know_what_came_before(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=Script(steps=(Think("Hmm."), Say("Nice to meet you."))))
        made = await rig.openai.conversations.create(items=[HELLO])
        first = await rig.openai.responses.create(model=model, input="What is up?", conversation=made.id)
        assert first.conversation is not None
        assert first.conversation.id == made.id
        assert "I am Ada." in sent(rig)
        stream = await rig.openai.responses.create(
            model=model, input="Who am I?", conversation={"id": made.id}, stream=True
        )
        last: Any = [event async for event in stream][-1]
        assert last.response.conversation.id == made.id
        for words in ("I am Ada.", "What is up?", "Who am I?", "Nice to meet you."):
            assert sent(rig).count(words) == 1
        for _ in range(2):
            items: Any = [item async for item in rig.openai.conversations.items.list(made.id, order="asc")]
            kinds = [item.type if item.type == "reasoning" else item.role for item in items]
            assert kinds == ["user", "user", "reasoning", "assistant", "user", "reasoning", "assistant"]
            assert [item.id for item in items[2:4]] == [item.id for item in first.output]
            await rig.app.jobs.run_now("store-write")
        assert await rig.openai.responses.retrieve(first.id) == first


async def test_opaque_reasoning_is_in_the_conversation_and_shown_to_those_who_ask(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=Script(steps=(Think("Hmm."), Say("Yes."))))
        made = await rig.openai.conversations.create()
        await rig.openai.responses.create(model=CONSOLE, input="One", conversation=made.id, store=False)
        await rig.openai.responses.create(model=CONSOLE, input="Two", conversation=made.id)
        [before] = [item for item in rig.world.journal.chats[-1].body["input"] if item.get("type") == "reasoning"]
        assert before["encrypted_content"]
        items = rig.openai.conversations.items
        assert "encrypted_content" not in (await items.list(made.id)).to_json()
        asked = await items.list(made.id, include=["reasoning.encrypted_content"])
        assert before["encrypted_content"] in asked.to_json()


async def test_turns_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="Yes.")
        made = await rig.openai.conversations.create()
        await asyncio.gather(
            *(rig.openai.responses.create(model=CONSOLE, input=f"Number {n}", conversation=made.id) for n in range(8))
        )
        items: Any = [item async for item in rig.openai.conversations.items.list(made.id, order="asc")]
        words = [item.content[0].text for item in items if item.type == "message"]
        assert sorted(words[::2]) == [f"Number {n}" for n in range(8)]
        assert words[1::2] == ["Yes."] * 8


async def test_a_conversation_goes_on_with_its_account_after_a_restart(tmp_path: Path) -> None:
    accounts = [(f"sim-super-{number}", SUPER) for number in range(8)]
    async with rigged(tmp_path, accounts=accounts) as rig:
        made = await rig.openai.conversations.create()
        await rig.openai.responses.create(model=CONSOLE, input="I am Ada.", conversation=made.id)
        served = rig.world.journal.chats[-1].headers["cookie"]
    async with rigged(tmp_path, accounts=()) as rig:
        for token, tier in accounts:
            rig.world.account(token, tier)
        for _ in range(4):
            await rig.openai.responses.create(model=CONSOLE, input="Who?", conversation=made.id)
            assert rig.world.journal.chats[-1].headers["cookie"] == served
        assert "I am Ada." in sent(rig)


async def test_a_conversation_belongs_to_the_key_that_made_it(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"app.api_key": "key,other-key"}) as rig:
        made = await rig.openai.conversations.create(items=[HELLO])
        other = rig.openai.with_options(api_key="other-key")
        for asked in (
            other.conversations.retrieve(made.id),
            other.conversations.delete(made.id),
            other.conversations.items.list(made.id),
            other.responses.create(model=CONSOLE, input="Hi", conversation=made.id),
        ):
            assert (await refused(asked)).status_code == 404
        assert await rig.openai.conversations.retrieve(made.id) == made


async def test_there_are_no_conversations_where_nothing_is_stored(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"responses.store": "false"}) as rig:
        for asked in (
            rig.openai.conversations.create(),
            rig.openai.responses.create(model=CONSOLE, input="Hi", conversation="conv_1"),
        ):
            error = await refused(asked)
            assert (error.status_code, error.code) == (400, "unsupported_parameter")
            assert "responses.store" in error.message


async def test_one_of_both_ways_to_go_on(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        made = await rig.openai.conversations.create()
        first = await rig.openai.responses.create(model=CONSOLE, input="Hi")
        error = await refused(
            rig.openai.responses.create(model=CONSOLE, input="Hi", conversation=made.id, previous_response_id=first.id)
        )
        assert (error.status_code, error.param) == (400, "conversation")


async def test_what_is_too_large_for_a_conversation_is_refused(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"responses.largest_mb": "1"}) as rig:
        made = await rig.openai.conversations.create()
        many: Any = [{**HELLO, "content": "many words " * 100_000}]
        for asked in (
            rig.openai.conversations.create(items=many),
            rig.openai.conversations.items.create(made.id, items=many),
            rig.openai.responses.create(model=CONSOLE, input=many, conversation=made.id),
        ):
            assert (await refused(asked)).status_code == 413
