"""The official SDKs as referees: what they send is accepted, what they read is there."""

import json
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from asking import CONSOLE, MODELS
from grok2api.simulator.script import Call, Say, Script, Think
from rig import BASIC, Rig, rigged

every_upstream = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)

WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
CHAT_TOOL: Any = {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": WEATHER}}
FLAT_TOOL: Any = {"type": "function", "name": "get_weather", "description": "d", "parameters": WEATHER, "strict": False}
CLAUDE_TOOL: Any = {"name": "get_weather", "description": "d", "input_schema": WEATHER}

ASK: Any = [{"role": "user", "content": "What is the weather?"}]
OSLO, ROME = Call("get_weather", '{"city":"Oslo"}'), Call("get_weather", '{"city":"Rome"}')


def calling(*calls: Call) -> Script:
    return Script(steps=(Think("A tool knows."), *calls))


class City(BaseModel):
    name: str
    people: int


CITY = '{"name": "Oslo", "people": 700000}'


@every_upstream
async def test_openai_plain_and_streamed(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=Script(steps=(Think("Hmm."), Say("Hello to you."))))
        answer = await rig.openai.chat.completions.create(model=model, messages=ASK)
        assert answer.choices[0].message.content == "Hello to you."
        assert "Hmm." in answer.choices[0].message.reasoning_content  # type: ignore[attr-defined]
        assert answer.usage
        assert answer.usage.completion_tokens > 0
        stream = await rig.openai.chat.completions.create(model=model, messages=ASK, stream=True)
        said = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(said) == "Hello to you."
        async with rig.openai.chat.completions.stream(model=model, messages=ASK) as events:
            final = await events.get_final_completion()
        assert final.choices[0].message.content == "Hello to you."


@every_upstream
async def test_openai_tool_round_trip(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=calling(OSLO, ROME), times=1)
        rig.world.on(script="Cold and warm.", nth=2)
        first = await rig.openai.chat.completions.create(model=model, messages=ASK, tools=[CHAT_TOOL])
        message = first.choices[0].message
        assert first.choices[0].finish_reason == "tool_calls"
        calls: Any = message.tool_calls
        assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Oslo", "Rome"]
        assert len({call.id for call in calls}) == 2
        results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "4 C"} for call in calls]
        rig.world.scenarios.clear()
        rig.world.on(script="Cold and warm.")
        history: Any = [*ASK, message.model_dump(exclude_none=True), *results]
        second = await rig.openai.chat.completions.create(model=model, messages=history, tools=[CHAT_TOOL])
        assert second.choices[0].message.content == "Cold and warm."
        sent = json.dumps(rig.world.journal.chats[-1].body)
        assert "4 C" in sent
        assert "Oslo" in sent


@every_upstream
async def test_openai_streamed_parallel_calls_have_their_own_index(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=calling(OSLO, ROME))
        stream = await rig.openai.chat.completions.create(model=model, messages=ASK, tools=[CHAT_TOOL], stream=True)
        chunks = [chunk async for chunk in stream]
        calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
        assert [call.index for call in calls] == [0, 1]
        assert [json.loads(call.function.arguments or "")["city"] for call in calls if call.function] == [
            "Oslo",
            "Rome",
        ]
        assert all(call.id and call.type == "function" for call in calls)
        assert chunks[-1].choices[0].finish_reason == "tool_calls"


@every_upstream
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
async def test_openai_forced_means_forced(tmp_path: Path, model: str, choice: Any) -> None:
    async with rigged(tmp_path) as rig:
        answer = await rig.openai.chat.completions.create(
            model=model, messages=ASK, tools=[CHAT_TOOL], tool_choice=choice
        )
        assert answer.choices[0].finish_reason == "tool_calls"


async def test_a_demanded_call_that_did_not_come_is_asked_for_once_more(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=calling(OSLO))
        rig.world.on(script="I would rather talk.", times=1)
        answer = await rig.openai.chat.completions.create(
            model=MODELS["grok_web"], messages=ASK, tools=[CHAT_TOOL], tool_choice="required"
        )
        assert answer.choices[0].finish_reason == "tool_calls"
        assert len(rig.world.journal.chats) == 2
        rig.world.scenarios.clear()
        rig.world.on(script="I would rather talk.")
        with pytest.raises(openai.APIStatusError) as raised:
            await rig.openai.chat.completions.create(
                model=MODELS["grok_web"], messages=ASK, tools=[CHAT_TOOL], tool_choice="required"
            )
        assert raised.value.status_code == 502


async def test_broken_arguments_are_asked_for_once_more(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=calling(OSLO))
        rig.world.on(script=calling(Call("get_weather", '{"town": 5}')), times=1)
        async with rig.anthropic.messages.stream(
            model=MODELS["grok_web"], max_tokens=100, messages=ASK, tools=[CLAUDE_TOOL]
        ) as stream:
            final = await stream.get_final_message()
        calls = [block for block in final.content if block.type == "tool_use"]
        assert [call.input for call in calls] == [{"city": "Oslo"}]


@every_upstream
async def test_openai_parse_gets_bare_json(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=f"```json\n{CITY}\n```" if model != CONSOLE else CITY)
        answer = await rig.openai.chat.completions.parse(model=model, messages=ASK, response_format=City)
        assert answer.choices[0].message.parsed == City(name="Oslo", people=700000)
        parsed = await rig.openai.responses.parse(model=model, input="Oslo?", text_format=City)
        assert parsed.output_parsed == City(name="Oslo", people=700000)


@every_upstream
async def test_openai_responses_plain_streamed_and_tools(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=Script(steps=(Think("Hmm."), Say("Hello to you."))))
        answer = await rig.openai.responses.create(model=model, input="hello")
        assert answer.output_text == "Hello to you."
        assert answer.usage
        assert answer.usage.output_tokens > 0
        async with rig.openai.responses.stream(model=model, input="hello") as stream:
            kinds = [event.type async for event in stream]
            final = await stream.get_final_response()
        assert final.output_text == "Hello to you."
        assert kinds[:2] == ["response.created", "response.in_progress"]
        assert "response.reasoning_summary_text.delta" in kinds
        rig.world.scenarios.clear()
        rig.world.on(script=calling(OSLO, ROME))
        answer = await rig.openai.responses.create(model=model, input="weather", tools=[FLAT_TOOL])
        calls: Any = [item for item in answer.output if item.type == "function_call"]
        assert [json.loads(call.arguments)["city"] for call in calls] == ["Oslo", "Rome"]
        rig.world.scenarios.clear()
        rig.world.on(script="Cold and warm.")
        outputs: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "4 C"} for call in calls]
        history: Any = [{"role": "user", "content": "weather"}, *answer.output, *outputs]
        again = await rig.openai.responses.create(model=model, input=history, tools=[FLAT_TOOL])
        assert again.output_text == "Cold and warm."


@every_upstream
async def test_custom_tools_of_responses_carry_free_text(tmp_path: Path, model: str) -> None:
    patch = '*** Begin Patch\n+hello <world> & "all"\n*** End Patch'
    tool: Any = {"type": "custom", "name": "apply_patch", "description": "Applies a patch."}
    async with rigged(tmp_path) as rig:
        rig.world.on(script=Script(steps=(Call("apply_patch", json.dumps({"input": patch})),)))
        answer = await rig.openai.responses.create(model=model, input="patch it", tools=[tool])
        calls: Any = [item for item in answer.output if item.type == "custom_tool_call"]
        assert [(call.name, call.input) for call in calls] == [("apply_patch", patch)]


@every_upstream
async def test_anthropic_plain_streamed_thinking_and_tools(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=Script(steps=(Think("Hmm."), Say("Hello to you."))))
        answer = await rig.anthropic.messages.create(model=model, max_tokens=100, messages=ASK)
        assert [block.type for block in answer.content] == ["text"]
        answer = await rig.anthropic.messages.create(
            model=model, max_tokens=100, messages=ASK, thinking={"type": "adaptive"}
        )
        assert [block.type for block in answer.content] == ["thinking", "text"]
        assert answer.stop_reason == "end_turn"
        assert answer.usage.input_tokens > 0
        assert answer.usage.output_tokens > 0
        thinking: Any = answer.content[0]
        assert thinking.signature
        history: Any = [*ASK, {"role": "assistant", "content": answer.content}, {"role": "user", "content": "more"}]
        async with rig.anthropic.messages.stream(model=model, max_tokens=100, messages=history) as stream:
            text = "".join([piece async for piece in stream.text_stream])
        assert text == "Hello to you."
        rig.world.scenarios.clear()
        rig.world.on(script=calling(OSLO, ROME))
        async with rig.anthropic.messages.stream(
            model=model, max_tokens=100, messages=ASK, tools=[CLAUDE_TOOL]
        ) as stream:
            final = await stream.get_final_message()
        calls = [block for block in final.content if block.type == "tool_use"]
        assert [call.input for call in calls] == [{"city": "Oslo"}, {"city": "Rome"}]
        assert final.stop_reason == "tool_use"
        rig.world.scenarios.clear()
        rig.world.on(script="Cold and warm.")
        results: Any = [{"type": "tool_result", "tool_use_id": call.id, "content": "4 C"} for call in calls]
        history = [*ASK, {"role": "assistant", "content": final.content}, {"role": "user", "content": results}]
        again = await rig.anthropic.messages.create(model=model, max_tokens=100, messages=history, tools=[CLAUDE_TOOL])
        assert again.content[-1].text == "Cold and warm."  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fault", "status", "of_openai", "of_anthropic"),
    [
        ("429", 429, openai.RateLimitError, anthropic.RateLimitError),
        ("500", 502, openai.InternalServerError, anthropic.InternalServerError),
        ("403-moderated", 400, openai.BadRequestError, anthropic.BadRequestError),
        ("400", 400, openai.BadRequestError, anthropic.BadRequestError),
    ],
)
async def test_errors_raise_the_sdks_own_classes(
    tmp_path: Path, fault: str, status: int, of_openai: type[Exception], of_anthropic: type[Exception]
) -> None:
    async with rigged(tmp_path, accounts=(("sim-basic-1", BASIC),)) as rig:
        rig.world.on(fault=fault)
        with pytest.raises(of_openai) as raised:
            await rig.openai.chat.completions.create(model=CONSOLE, messages=ASK)
        assert raised.value.status_code == status  # type: ignore[attr-defined]
        with pytest.raises(of_anthropic) as raised:
            await rig.anthropic.messages.create(model=CONSOLE, max_tokens=9, messages=ASK)
        assert raised.value.status_code == status  # type: ignore[attr-defined]


async def test_wrong_keys_and_models_raise_the_sdks_own_classes(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"app.api_key": "another"}) as rig:
        with pytest.raises(openai.AuthenticationError):
            await rig.openai.models.list()
        with pytest.raises(anthropic.AuthenticationError):
            await rig.anthropic.messages.create(model=CONSOLE, max_tokens=9, messages=ASK)
    async with rigged(tmp_path / "2") as rig:
        with pytest.raises(openai.BadRequestError) as raised:
            await rig.openai.chat.completions.create(model="gpt-x", messages=ASK)
        assert raised.value.code == "model_not_found"
        with pytest.raises(anthropic.NotFoundError):
            await rig.anthropic.messages.create(model="claude-x", max_tokens=9, messages=ASK)
        assert (await rig.openai.models.retrieve(CONSOLE)).id == CONSOLE
        assert [model.id async for model in await rig.openai.models.list()]
        assert [model.id async for model in rig.anthropic.models.list()]


async def test_a_broken_stream_raises_in_the_sdks(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="One two three four five six seven eight nine ten.", fault="error@4=13")
        stream = await rig.openai.chat.completions.create(model=CONSOLE, messages=ASK, stream=True)
        with pytest.raises(openai.APIError):
            _ = [chunk async for chunk in stream]
        with pytest.raises(anthropic.APIError):
            async with rig.anthropic.messages.stream(model=CONSOLE, max_tokens=9, messages=ASK) as events:
                await events.get_final_message()


async def test_cancelling_in_the_sdks_frees_the_account(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        await _cancel(rig)


async def _cancel(rig: Rig) -> None:
    rig.world.on(script="One two three four five.", fault="pause@2=20")
    stream = await rig.openai.chat.completions.create(model=CONSOLE, messages=ASK, stream=True)
    async for _ in stream:
        break
    await stream.close()
    await rig.world.journal.wait(lambda entry: entry.ended == "disconnected")
    async with rig.anthropic.messages.stream(model=CONSOLE, max_tokens=9, messages=ASK) as events:
        async for _ in events:
            break
    await rig.settled()
