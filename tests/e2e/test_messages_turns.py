"""Messages over several turns: what the client sends back reaches the upstream whole and in its order."""

from pathlib import Path
from typing import Any

import anthropic
import pytest

from asking import CONSOLE, WEB
from grok2api.simulator.script import Call, Say, Script, Think
from rig import Rig, rigged

ASK: Any = {"role": "user", "content": "What is the weather in Oslo and Rome?"}
TOOLS: Any = [{"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]
FIRST = Script(
    steps=(
        Think("Oslo first."),
        Call("get_weather", '{"city":"Oslo"}'),
        Think("And now Rome."),
        Call("get_weather", '{"city":"Rome"}'),
    )
)
SECOND = Script(steps=(Think("One more look."), Call("get_weather", '{"city":"Bergen"}')))
LAST = Script(steps=(Think("Enough."), Say("Cold and warm.")))


def results(message: anthropic.types.Message) -> Any:
    return {
        "role": "user",
        "content": [
            *(
                {"type": "tool_result", "tool_use_id": block.id, "content": f"{block.input} is fine"}
                for block in message.content
                if block.type == "tool_use"
            ),
            {"type": "text", "text": "Go on."},
        ],
    }


async def turn(rig: Rig, model: str, script: Script, history: list[Any], stream: bool, **more: Any) -> Any:
    """One turn by the official client; its answer and the results of its calls join the history."""
    rig.world.scenarios.clear()
    rig.world.on(script=script)
    asked: Any = {"model": model, "max_tokens": 4096, "messages": history, "tools": TOOLS, **more}
    if stream:
        async with rig.anthropic.messages.stream(**asked) as events:
            message: Any = await events.get_final_message()
    else:
        message = await rig.anthropic.messages.create(**asked)
    anthropic.types.Message.model_validate(message.to_dict(), strict=True)
    history += [message.to_param(), results(message)]
    return message


def shape(items: list[dict[str, Any]]) -> list[str]:
    """What each item of an upstream's input is, in short."""
    told = []
    for item in items:
        kind = item.get("type") or item["role"]
        told.append(f"{kind} {item.get('encrypted_content') or item.get('arguments') or ''}".strip())
    return told


@pytest.mark.parametrize("stream", [True, False])
async def test_interleaved_thinking_goes_back_encrypted_and_in_its_places(tmp_path: Path, stream: bool) -> None:
    async with rigged(tmp_path) as rig:
        history: list[Any] = [ASK]
        thinking = {"type": "enabled", "budget_tokens": 2048}
        first = await turn(rig, CONSOLE, FIRST, history, stream, thinking=thinking)
        assert [block.type for block in first.content] == ["thinking", "tool_use", "thinking", "tool_use"]
        assert [block.thinking for block in first.content[::2]] == ["Oslo first.", "And now Rome."]
        await turn(rig, CONSOLE, SECOND, history, stream, thinking=thinking)
        await turn(rig, CONSOLE, LAST, history, stream, thinking=thinking)
        upstream = [entry.body["input"] for entry in rig.world.journal.chats]
        [answer_1, answer_2] = [_answer_id(items) for items in (upstream[1][1:5], upstream[2][8:9])]
        assert shape(upstream[2]) == [
            "user",
            f"reasoning sim-encrypted-{answer_1}-0",
            'function_call {"city":"Oslo"}',
            f"reasoning sim-encrypted-{answer_1}-2",
            'function_call {"city":"Rome"}',
            "function_call_output",
            "function_call_output",
            "user",
            f"reasoning sim-encrypted-{answer_2}-0",
            'function_call {"city":"Bergen"}',
            "function_call_output",
            "user",
        ]
        assert upstream[2][1]["summary"] == [{"type": "summary_text", "text": "Oslo first."}]
        assert upstream[2][1]["id"] == f"rs_{answer_1}"
        assert answer_1 != answer_2


def _answer_id(items: list[dict[str, Any]]) -> str:
    return str(items[0]["encrypted_content"]).removeprefix("sim-encrypted-").rpartition("-")[0]


async def test_thinking_that_is_not_shown_still_goes_back(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        history: list[Any] = [ASK]
        omitted = {"type": "adaptive", "display": "omitted"}
        first = await turn(rig, CONSOLE, FIRST, history, True, thinking=omitted)
        assert [block.thinking for block in first.content if block.type == "thinking"] == ["", ""]
        assert all(block.signature for block in first.content if block.type == "thinking")
        await turn(rig, CONSOLE, LAST, history, False, thinking=omitted)
        sent = [item for item in rig.world.journal.chats[-1].body["input"] if item.get("type") == "reasoning"]
        assert [item["summary"] for item in sent] == [[], []]


@pytest.mark.parametrize("model", [CONSOLE, WEB])
async def test_a_client_that_wants_no_thinking_gets_no_block_of_it(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        message = await turn(rig, model, LAST, [ASK], True, thinking={"type": "disabled"})
        assert [block.type for block in message.content] == ["text"]


async def test_thinking_of_the_console_means_nothing_to_grok_com_and_harms_nothing(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        history: list[Any] = [ASK]
        await turn(rig, CONSOLE, FIRST, history, False)
        message = await turn(rig, WEB, LAST, history, False)
        assert message.content[-1].text == "Cold and warm."
        sent = rig.world.journal.chats[-1].body["message"]
        assert "sim-encrypted" not in sent
        assert "Oslo" in sent


@pytest.mark.parametrize("model", [CONSOLE, WEB])
async def test_a_deferred_tool_is_offered_once_its_name_was_found(tmp_path: Path, model: str) -> None:
    tools = [
        {"name": "ToolSearch", "description": "finds tools", "input_schema": {"type": "object"}},
        {"name": "WebFetch", "description": "a very particular tool", "input_schema": {}, "defer_loading": True},
    ]
    reference = [{"type": "tool_reference", "tool_name": "WebFetch"}]
    async with rigged(tmp_path) as rig:
        history: list[Any] = [ASK]
        searching = Script(steps=(Call("ToolSearch", '{"query":"fetch"}'),))
        message = await turn(rig, model, searching, history, True, tools=tools)
        assert "a very particular tool" not in str(rig.world.journal.chats[-1].body)
        history[-1] = {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": message.content[-1].id, "content": reference}],
        }
        called = await turn(rig, model, Script(steps=(Call("WebFetch", "{}"),)), history, True, tools=tools)
        sent = str(rig.world.journal.chats[-1].body)
        assert "a very particular tool" in sent
        assert "Tool WebFetch is now available." in sent
        assert [block.name for block in called.content if block.type == "tool_use"] == ["WebFetch"]


@pytest.mark.parametrize("model", [CONSOLE, WEB])
async def test_a_deferred_tool_that_the_model_calls_unseen_is_called(tmp_path: Path, model: str) -> None:
    tools = [*TOOLS, {"name": "WebFetch", "input_schema": {}, "defer_loading": True}]
    async with rigged(tmp_path) as rig:
        script = Script(steps=(Call("WebFetch", '{"url":"https://example.org"}'),))
        called = await turn(rig, model, script, [ASK], False, tools=tools)
        assert [block.name for block in called.content if block.type == "tool_use"] == ["WebFetch"]


HELLO = {"type": "text", "text": "hi"}
BY_ID = {"type": "file", "file_id": "file_1"}


@pytest.mark.parametrize("model", [CONSOLE, WEB])
@pytest.mark.parametrize(
    ("block", "field"),
    [
        ({"type": "document", "source": BY_ID}, "source.file_id"),
        ({"type": "image", "source": BY_ID}, "source.file_id"),
        ({"type": "container_upload", "file_id": "file_1"}, "file_id"),
    ],
)
async def test_stored_files_are_refused_by_name(tmp_path: Path, model: str, block: dict[str, Any], field: str) -> None:
    async with rigged(tmp_path) as rig:
        body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": [block, HELLO]}]}
        status, _, answer = await rig.post("/v1/messages", body)
        assert status == 400, answer
        assert f"messages.0.content.0.{field}" in answer.decode()
        assert not rig.world.journal.chats


@pytest.mark.parametrize("model", [CONSOLE, WEB])
async def test_documents_are_read_and_their_citations_reported(tmp_path: Path, model: str) -> None:
    words = {"type": "text", "media_type": "text/plain", "data": "Phobos is a moon."}
    document = {"type": "document", "title": "Moons", "citations": {"enabled": True}, "source": words}
    async with rigged(tmp_path) as rig:
        body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": [document, HELLO]}]}
        status, headers, _ = await rig.post("/v1/messages", body)
        assert status == 200
        assert headers["x-grok2api-ignored"] == "citations"
        assert "Phobos is a moon." in str(rig.world.journal.chats[-1].body)
