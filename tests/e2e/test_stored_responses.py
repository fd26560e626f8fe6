"""Stored responses, by OpenAI's SDK on both upstreams: fetched as answered, gone on with, deleted, forgotten."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest

from asking import MODELS
from grok2api.canonical.stored import Chain
from grok2api.simulator.script import Call, Say, Script, Think
from grok2api.storage.errors import StoreError
from grok2api.storage.responses import ResponseStore
from rig import BASIC, SUPER, Rig, rigged

every_upstream = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)

CONSOLE = MODELS["console"]
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "d",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
CALLS = Script(steps=(Think("A tool knows."), Call("get_weather", '{"city":"Oslo"}')))
THINKS = Script(steps=(Think("Hmm, let me see."), Say("Nice to meet you, Ada.")))


def sent(rig: Rig) -> str:
    """What the upstream was asked last."""
    return json.dumps(rig.world.journal.chats[-1].body)


async def refused(asked: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as raised:
        await asked
    return raised.value


async def status_of(asked: Any) -> int:
    return (await refused(asked)).status_code


@every_upstream
async def test_what_was_answered_is_fetched_again(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=THINKS)
        answer = await rig.openai.responses.create(model=model, input="I am Ada.", metadata={"a": "b"})
        assert answer.store is True  # type: ignore[attr-defined]
        assert answer.output_text == "Nice to meet you, Ada."
        assert answer.completed_at is not None
        assert await rig.openai.responses.retrieve(answer.id) == answer
        await rig.app.jobs.run_now("store-write")
        assert await rig.openai.responses.retrieve(answer.id) == answer


@every_upstream
async def test_a_stream_is_fetched_as_it_was_completed(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=CALLS)
        stream = await rig.openai.responses.create(model=model, input="Weather?", tools=[TOOL], stream=True)
        events = [event async for event in stream]
        completed: Any = events[-1]
        assert completed.type == "response.completed"
        assert await rig.openai.responses.retrieve(completed.response.id) == completed.response
        status, _, raw = await rig.post("/v1/responses", {"model": model, "input": "Hi", "stream": True})
        assert status == 200
        last = next(line for line in reversed(raw.split(b"\n")) if line.startswith(b"data: {"))
        told = json.loads(last.removeprefix(b"data: "))["response"]
        async with rig.http.get(f"{rig.url}/v1/responses/{told['id']}") as found:
            assert await found.json() == told


@every_upstream
async def test_a_response_is_gone_on_with(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=THINKS)
        first = await rig.openai.responses.create(model=model, input="I am Ada.", instructions="Talk like a pirate.")
        second = await rig.openai.responses.create(model=model, input="Who am I?", previous_response_id=first.id)
        assert second.previous_response_id == first.id
        assert "I am Ada." in sent(rig)
        assert "Nice to meet you, Ada." in sent(rig)
        assert "pirate" not in sent(rig)
        await rig.app.jobs.run_now("store-write")
        third = await rig.openai.responses.create(model=model, input="Sure?", previous_response_id=second.id)
        for words in ("I am Ada.", "Who am I?", "Sure?"):
            assert sent(rig).count(words) == 1
        assert first.usage is not None
        assert third.usage is not None
        assert third.usage.input_tokens > first.usage.input_tokens
        branch = await rig.openai.responses.create(model=model, input="Or else?", previous_response_id=first.id)
        assert branch.previous_response_id == first.id
        assert "Who am I?" not in sent(rig)


@every_upstream
async def test_a_tool_result_finds_its_call_in_the_response_before(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=CALLS)
        first = await rig.openai.responses.create(model=model, input="Weather in Oslo?", tools=[TOOL])
        call: Any = first.output[-1]
        assert call.type == "function_call"
        rig.world.scenarios.clear()
        rig.world.on(script="It is cold.")
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}
        second = await rig.openai.responses.create(
            model=model, input=[result], tools=[TOOL], previous_response_id=first.id
        )
        assert second.output_text == "It is cold."
        assert "4 degrees" in sent(rig)
        assert "Oslo" in sent(rig)
        error = await refused(
            rig.openai.responses.create(model=model, input=[result], tools=[TOOL], previous_response_id=second.id)
        )
        assert (error.status_code, error.code) == (400, "orphan_tool_result")


async def test_opaque_reasoning_goes_on_though_the_client_never_saw_it(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=THINKS)
        first = await rig.openai.responses.create(model=CONSOLE, input="I am Ada.")
        assert "encrypted_content" not in first.to_json()
        await rig.openai.responses.create(model=CONSOLE, input="Who am I?", previous_response_id=first.id)
        before = [item for item in rig.world.journal.chats[-1].body["input"] if item.get("type") == "reasoning"]
        assert [bool(item["encrypted_content"]) for item in before] == [True]
        included = await rig.openai.responses.retrieve(first.id, include=["reasoning.encrypted_content"])
        reasoning: Any = included.output[0]
        assert reasoning.encrypted_content == before[0]["encrypted_content"]
        items = await rig.openai.responses.input_items.list(first.id)
        assert "encrypted_content" not in items.to_json()


async def test_hidden_reasoning_goes_on_too(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"features.thinking": "false"}) as rig:
        rig.world.on(script=THINKS)
        first = await rig.openai.responses.create(model=CONSOLE, input="I am Ada.")
        assert "let me see" not in first.to_json()
        await rig.openai.responses.create(model=CONSOLE, input="Who am I?", previous_response_id=first.id)
        before = [item for item in rig.world.journal.chats[-1].body["input"] if item.get("type") == "reasoning"]
        assert [bool(item["encrypted_content"]) for item in before] == [True]


@every_upstream
async def test_items_that_are_only_referred_to_are_found(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=CALLS)
        first = await rig.openai.responses.create(model=model, input="Weather in Oslo?", tools=[TOOL])
        call: Any = first.output[-1]
        references: Any = [{"type": "item_reference", "id": item.id} for item in first.output]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}
        rig.world.scenarios.clear()
        rig.world.on(script="It is cold.")
        again: Any = [{"role": "user", "content": "Weather in Oslo?"}, *references, result]
        for more in ({}, {"previous_response_id": first.id}):
            answer = await rig.openai.responses.create(model=model, input=again, tools=[TOOL], **more)  # type: ignore[arg-type]
            assert answer.output_text == "It is cold."
            assert "4 degrees" in sent(rig)
        unknown: Any = [{"type": "item_reference", "id": "msg_" + "0" * 28}]
        error = await refused(rig.openai.responses.create(model=model, input=unknown))
        assert (error.status_code, error.code) == (400, "item_not_found")


async def test_an_item_is_said_once_however_often_it_is_referred_to(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="Nice to meet you, Ada.")
        first = await rig.openai.responses.create(model=CONSOLE, input="I am Ada.")
        rig.world.scenarios.clear()
        rig.world.on(script="Yes.")
        said: Any = {"type": "item_reference", "id": first.output[-1].id}
        asked: Any = [*[said] * 50, {"role": "user", "content": "Am I?"}]
        second = await rig.openai.responses.create(model=CONSOLE, input=asked)
        assert sent(rig).count("Nice to meet you, Ada.") == 1
        third = await rig.openai.responses.create(model=CONSOLE, input=asked, previous_response_id=first.id)
        for before in (second, third):
            await rig.openai.responses.create(model=CONSOLE, input="Sure?", previous_response_id=before.id)
            assert sent(rig).count("Nice to meet you, Ada.") == 1


async def test_references_may_not_come_to_more_than_a_history(tmp_path: Path) -> None:
    settings = {"server.max_body_mb": "1", "responses.largest_mb": "1"}
    async with rigged(tmp_path, settings=settings) as rig:
        store = ResponseStore(rig.app.store.database)
        answer = await rig.openai.responses.create(model=CONSOLE, input="Hi")
        await rig.app.jobs.run_now("store-write")
        old = await store.get(answer.id)
        assert old is not None
        idents = [f"resp_{number:024x}" for number in range(40)]
        items = [
            {
                "type": "message",
                "id": f"msg_{n:024x}8000",
                "role": "user",
                "content": [{"type": "input_text", "text": words}],
            }
            for n, words in enumerate(["x" * 100_000] * 40)
        ]
        await store.put(
            [
                msgspec.structs.replace(old, id=ident, root=ident, input=[item])
                for ident, item in zip(idents, items, strict=True)
            ]
        )
        references: Any = [{"type": "item_reference", "id": item["id"]} for item in items]
        await rig.openai.responses.create(model=CONSOLE, input=references[:5])
        error = await refused(rig.openai.responses.create(model=CONSOLE, input=references))
        assert (error.status_code, error.code, error.param) == (400, "conversation_too_long", "input")


async def test_a_chain_of_references_is_found_again(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="Nice to meet you, Ada.")
        first = await rig.openai.responses.create(model=CONSOLE, input="I am Ada.")
        said: Any = {"type": "item_reference", "id": first.output[-1].id}
        hello: Any = {"role": "user", "content": "Hello"}
        second = await rig.openai.responses.create(model=CONSOLE, input=[hello, said, hello])
        await rig.openai.responses.create(model=CONSOLE, input="Go on", previous_response_id=second.id)
        assert sent(rig).count("Nice to meet you, Ada.") == 2
        listed = await rig.openai.responses.input_items.list(second.id, order="asc")
        kinds: Any = listed.data
        assert [item.role for item in kinds] == ["user", "assistant", "user"]


async def test_input_items_are_listed_page_by_page(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="Yes.")
        picture = "data:image/png;base64,iVBORw0KGgo="
        given: Any = [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "input_text", "text": "One"}]},
            {"id": "msg_mine", "role": "assistant", "content": "Two"},
            {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "cold"},
        ]
        assert picture
        first = await rig.openai.responses.create(model=CONSOLE, input=given)
        second = await rig.openai.responses.create(model=CONSOLE, input="Three", previous_response_id=first.id)
        whole = await rig.openai.responses.input_items.list(first.id, order="asc")
        items: Any = whole.data
        kinds = ["message", "message", "message", "function_call", "function_call_output"]
        assert [item.type for item in items] == kinds
        assert [item.content[0].text for item in items[:3]] == ["Be brief.", "One", "Two"]
        assert items[2].id == "msg_mine"
        assert len({item.id for item in items}) == 5
        every = [item async for item in rig.openai.responses.input_items.list(second.id, order="asc", limit=2)]
        assert [item.type for item in every] == [*kinds, "message", "message"]
        newest = await rig.openai.responses.input_items.list(second.id, limit=1)
        assert newest.data[0] == every[-1]
        assert newest.has_more
        rest = await rig.openai.responses.input_items.list(second.id, after=newest.last_id)  # type: ignore[attr-defined]
        assert (len(rest.data), rest.has_more) == (6, False)
        error = await refused(rig.openai.responses.input_items.list(second.id, after="msg_none"))
        assert error.status_code == 400


async def test_what_is_not_there_is_said_in_the_words_of_the_api(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        answer = await rig.openai.responses.create(model=CONSOLE, input="Hi")
        await rig.openai.responses.delete(answer.id)
        for ident in (answer.id, "resp_none"):
            error = await refused(rig.openai.responses.retrieve(ident))
            assert (error.status_code, error.code, error.param) == (404, "response_not_found", "response_id")
            assert await status_of(rig.openai.responses.delete(ident)) == 404
            assert await status_of(rig.openai.responses.input_items.list(ident)) == 404
            error = await refused(rig.openai.responses.create(model=CONSOLE, input="Hi", previous_response_id=ident))
            assert (error.status_code, error.code) == (404, "previous_response_not_found")


async def test_a_chain_with_a_hole_is_not_gone_on_with(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        first = await rig.openai.responses.create(model=CONSOLE, input="One")
        second = await rig.openai.responses.create(model=CONSOLE, input="Two", previous_response_id=first.id)
        await rig.openai.responses.delete(first.id)
        error = await refused(rig.openai.responses.create(model=CONSOLE, input="3", previous_response_id=second.id))
        assert (error.status_code, error.code) == (404, "previous_response_not_found")
        assert first.id in error.message


async def test_nothing_is_stored_where_nobody_wants_it(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        answer = await rig.openai.responses.create(model=CONSOLE, input="Hi", store=False)
        assert answer.store is False  # type: ignore[attr-defined]
        assert await status_of(rig.openai.responses.retrieve(answer.id)) == 404
    async with rigged(tmp_path / "other", settings={"responses.store": "false"}) as rig:
        raw = await rig.openai.responses.with_raw_response.create(model=CONSOLE, input="Hi", store=True)
        answer = raw.parse()
        assert answer.store is False  # type: ignore[attr-defined]
        assert "store" in raw.headers["x-grok2api-ignored"]
        assert await status_of(rig.openai.responses.retrieve(answer.id)) == 404


async def test_a_request_that_is_too_large_is_not_stored_and_says_so(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"responses.largest_mb": "1"}) as rig:
        answer = await rig.openai.responses.create(model=CONSOLE, input="many words " * 100_000)
        assert answer.store is False  # type: ignore[attr-defined]
        assert await status_of(rig.openai.responses.retrieve(answer.id)) == 404


async def test_a_response_belongs_to_the_key_that_made_it(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"app.api_key": "key,other-key"}) as rig:
        answer = await rig.openai.responses.create(model=CONSOLE, input="Hi")
        other = rig.openai.with_options(api_key="other-key")
        for _ in range(2):
            assert await status_of(other.responses.retrieve(answer.id)) == 404
            assert await status_of(other.responses.delete(answer.id)) == 404
            error = await refused(other.responses.create(model=CONSOLE, input="x", previous_response_id=answer.id))
            assert error.code == "previous_response_not_found"
            reference: Any = [{"type": "item_reference", "id": answer.output[-1].id}]
            assert await status_of(other.responses.create(model=CONSOLE, input=reference)) == 400
            await rig.app.jobs.run_now("store-write")
        assert await rig.openai.responses.retrieve(answer.id) == answer
        assert await status_of(rig.openai.with_options(api_key="wrong").responses.retrieve(answer.id)) == 401
        async with rig.http.get(f"{rig.url}/v1/responses/{answer.id}") as bare:
            assert bare.status == 401


@every_upstream
async def test_a_failed_stream_is_stored_as_failed(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="Some words that break off.", fault="drop@3")
        stream = await rig.openai.responses.create(model=model, input="Hi", stream=True)
        events = [event async for event in stream]
        failed: Any = events[-1]
        assert failed.type == "response.failed"
        assert await rig.openai.responses.retrieve(failed.response.id) == failed.response


async def test_what_a_client_left_is_not_stored(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=Script(steps=(Say("word " * 400),)), delay=0.01)
        stream = await rig.openai.responses.create(model=CONSOLE, input="Hi", stream=True)
        first: Any = await anext(aiter(stream))
        await stream.close()
        await rig.settled()
        assert await status_of(rig.openai.responses.retrieve(first.response.id)) == 404


async def test_a_conversation_goes_on_with_the_account_it_had_also_after_a_restart(tmp_path: Path) -> None:
    accounts = [(f"sim-super-{number}", SUPER) for number in range(8)]
    async with rigged(tmp_path, accounts=accounts) as rig:
        answer = await rig.openai.responses.create(model=CONSOLE, input="I am Ada.")
        served = rig.world.journal.chats[-1].headers["cookie"]
    async with rigged(tmp_path, accounts=()) as rig:
        for token, tier in accounts:
            rig.world.account(token, tier)
        for _ in range(6):
            answer = await rig.openai.responses.create(model=CONSOLE, input="Who?", previous_response_id=answer.id)
            assert rig.world.journal.chats[-1].headers["cookie"] == served
        assert "I am Ada." in sent(rig)


async def test_another_account_goes_on_when_that_one_cannot(tmp_path: Path) -> None:
    accounts = [(f"sim-super-{number}", SUPER) for number in range(2)]
    async with rigged(tmp_path, accounts=accounts) as rig:
        first = await rig.openai.responses.create(model=CONSOLE, input="I am Ada.")
        served = rig.world.journal.chats[-1].headers["cookie"]
        rig.world.on(fault="429", times=1)
        second = await rig.openai.responses.create(model=CONSOLE, input="Who?", previous_response_id=first.id)
        assert rig.world.journal.chats[-1].headers["cookie"] != served
        other = rig.world.journal.chats[-1].headers["cookie"]
        await rig.openai.responses.create(model=CONSOLE, input="Who?", previous_response_id=second.id)
        assert rig.world.journal.chats[-1].headers["cookie"] == other


class Away:
    """A store of responses that cannot be reached."""

    async def put(self, _: object) -> None:
        raise StoreError("away")

    async def get(self, _: str) -> None:
        raise StoreError("away")

    async def chain(self, *_: object) -> Chain:
        raise StoreError("away")

    async def some(self, _: object) -> dict[str, object]:
        raise StoreError("away")


async def test_a_store_that_is_away_fails_no_answer(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        before = await rig.openai.responses.create(model=CONSOLE, input="Before")
        await rig.app.jobs.run_now("store-write")
        shelf = rig.app.stored.shelf
        there, shelf._responses = shelf._responses, Away()  # type: ignore[assignment]
        first = await rig.openai.responses.create(model=CONSOLE, input="I am Ada.")
        await rig.app.jobs.run_now("store-write")
        second = await rig.openai.responses.create(model=CONSOLE, input="Who?", previous_response_id=first.id)
        assert "I am Ada." in sent(rig)
        assert await rig.openai.responses.retrieve(second.id) == second
        for asked in (
            rig.openai.responses.create(model=CONSOLE, input="x", previous_response_id=before.id),
            rig.openai.responses.retrieve(before.id),
        ):
            error = await refused(asked)
            assert (error.status_code, error.code) == (503, "storage_unavailable")
        shelf._responses = there
        await rig.app.jobs.run_now("store-write")
        assert sorted(await there.some([before.id, first.id, second.id])) == sorted([before.id, first.id, second.id])


async def test_what_waits_is_written_when_the_gateway_stops(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        answer = await rig.openai.responses.create(model=CONSOLE, input="Hi")
    async with rigged(tmp_path) as rig:
        assert await rig.openai.responses.retrieve(answer.id) == answer


async def test_old_responses_are_forgotten_and_the_oldest_of_too_many(tmp_path: Path) -> None:
    clock = [1_800_000_000.0]
    settings = {"responses.store_days": "30", "responses.total_mb": "1", "responses.largest_mb": "1"}
    async with rigged(tmp_path, settings=settings, now=lambda: clock[0]) as rig:
        store = ResponseStore(rig.app.store.database)
        answer = await rig.openai.responses.create(model=CONSOLE, input="Hi")
        await rig.app.jobs.run_now("store-write")
        old = await store.get(answer.id)
        assert old is not None
        later = clock[0] = old.created_at + 31 * 86400
        await store.put(
            [
                msgspec.structs.replace(
                    old, id=f"resp_{n}", root=f"resp_{n}", created_at=later + n, response=b"x" * 300_000
                )
                for n in range(5)
            ]
        )
        await rig.app.jobs.run_now("responses-expire")
        left = await store.some([answer.id, *(f"resp_{n}" for n in range(5))])
        assert sorted(left) == ["resp_2", "resp_3", "resp_4"]


async def test_the_count_of_input_tokens_counts_what_came_before(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="A rather long answer, in many words, so that it can be seen in a count.")
        first = await rig.openai.responses.create(model=CONSOLE, input="I am Ada, and I have a lot to say today.")
        alone = await rig.openai.responses.input_tokens.count(model=CONSOLE, input="Who?")
        after = await rig.openai.responses.input_tokens.count(
            model=CONSOLE, input="Who?", previous_response_id=first.id
        )
        assert after.input_tokens > alone.input_tokens + 20
        error = await refused(
            rig.openai.responses.input_tokens.count(model=CONSOLE, input="Who?", previous_response_id="resp_none")
        )
        assert (error.status_code, error.code) == (404, "previous_response_not_found")


async def test_what_came_before_can_be_compacted(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="Nice to meet you.")
        first = await rig.openai.responses.create(model=CONSOLE, input="I am Ada.")
        rig.world.scenarios.clear()
        rig.world.on(script="She is called Ada.")
        window = await rig.openai.responses.compact(model=CONSOLE, previous_response_id=first.id)
        assert "Nice to meet you." in sent(rig)
        kinds: Any = window.output
        assert [item.type for item in kinds] == ["message", "compaction"]
        assert kinds[0].content[0].text == "I am Ada."
        assert await status_of(rig.openai.responses.retrieve(window.id)) == 404


async def test_a_summary_stands_for_what_came_before_it(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="A very long story.")
        first = await rig.openai.responses.create(model=CONSOLE, input="I am Ada. Tell me a story.")
        rig.world.scenarios.clear()
        rig.world.on(script="Ada was told a story.")
        trigger: Any = [{"type": "compaction_trigger"}]
        for streams in (False, True):
            answer: Any = await rig.openai.responses.create(
                model=CONSOLE, input=trigger, previous_response_id=first.id, stream=streams
            )
            assert "A very long story." in sent(rig)
            if streams:
                answer = [event async for event in answer][-1].response
            assert [item.type for item in answer.output] == ["compaction"]
            assert await rig.openai.responses.retrieve(answer.id) == answer
            await rig.openai.responses.create(model=CONSOLE, input="Go on.", previous_response_id=answer.id)
            assert "A very long story." not in sent(rig)
            for words in ("I am Ada. Tell me a story.", "Ada was told a story.", "Go on."):
                assert sent(rig).count(words) == 1


async def test_many_at_once_are_all_kept(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=[("sim-basic-1", BASIC), ("sim-super-1", SUPER)]) as rig:
        answers = await asyncio.gather(
            *(rig.openai.responses.create(model=CONSOLE, input=f"Number {n}") for n in range(16))
        )
        found = await asyncio.gather(*(rig.openai.responses.retrieve(answer.id) for answer in answers))
        assert found == answers
