"""OpenAI's own tools that run at the client: offered as functions, called by items of their own types."""

import json
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from responses_goldens import envelope

from grok2api.canonical.events import (
    CallOpened,
    Event,
    Failed,
    Finish,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Started,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import ToolCall, ToolChoice, ToolResult
from grok2api.canonical.sequence import fold
from grok2api.dialects.openai_responses import RESPONSES
from openai_spec import needs_spec, stream_events, validate
from responses_bodies import WEATHER, decode

SDK_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SEARCH = {"type": "tool_search", "execution": "client", "description": "Finds.", "parameters": {"type": "object"}}
DECLARED: dict[str, dict[str, Any]] = {
    "local_shell": {"type": "local_shell"},
    "shell": {"type": "shell", "environment": {"type": "local"}},
    "apply_patch": {"type": "apply_patch"},
    "tool_search": SEARCH,
}
USAGE = Usage(input=8, output=20)

#: Tool, what the model wrote, and what the client is told of it.
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "local_shell",
        '{"command":["ls","-l"],"working_directory":"src","timeout_ms":900,"env":{"A":1}}',
        {
            "type": "local_shell_call",
            "action": {
                "type": "exec",
                "command": ["ls", "-l"],
                "env": {"A": "1"},
                "timeout_ms": 900,
                "working_directory": "src",
            },
        },
    ),
    (
        "local_shell",
        '{"command":"ls | wc"}',
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["bash", "-lc", "ls | wc"], "env": {}}},
    ),
    (
        "shell",
        '{"commands":["ls","pwd"],"timeout_ms":5}',
        {
            "type": "shell_call",
            "environment": None,
            "action": {"commands": ["ls", "pwd"], "timeout_ms": 5, "max_output_length": None},
        },
    ),
    (
        "shell",
        "ls",
        {
            "type": "shell_call",
            "environment": None,
            "action": {"commands": ["ls"], "timeout_ms": None, "max_output_length": None},
        },
    ),
    (
        "apply_patch",
        '{"type":"update_file","path":"a.py","diff":"@@\\n-a\\n+b"}',
        {"type": "apply_patch_call", "operation": {"type": "update_file", "path": "a.py", "diff": "@@\n-a\n+b"}},
    ),
    (
        "apply_patch",
        '{"operation":{"type":"delete_file","path":"a.py","diff":""}}',
        {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a.py"}},
    ),
    (
        "tool_search",
        '{"query":"tickets"}',
        {"type": "tool_search_call", "execution": "client", "arguments": {"query": "tickets"}},
    ),
]
each_call = pytest.mark.parametrize(("name", "arguments", "expected"), CALLS)


def events(name: str, arguments: str) -> list[Event]:
    return [
        Started(7),
        PartStarted(0, PartKind.TEXT),
        PartDelta(0, "Let me see."),
        PartEnded(0),
        PartStarted(1, PartKind.CALL, CallOpened("call_a", name)),
        *(PartDelta(1, letter) for letter in arguments),
        PartEnded(1),
        Finished(Finish.TOOL_CALLS, USAGE),
    ]


def payloads(stream: bytes) -> list[dict[str, Any]]:
    datas = [line.removeprefix("data: ") for line in stream.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(data) for data in datas if data != "[DONE]"]


@pytest.mark.parametrize("kind", DECLARED)
def test_each_is_offered_as_a_function_with_words_and_a_schema(kind: str) -> None:
    [tool] = decode(tools=[DECLARED[kind]]).tools
    assert (tool.name, tool.builtin, tool.custom) == (kind, kind, False)
    assert tool.description
    assert tool.schema is not None
    assert tool.schema["type"] == "object"


def test_what_a_server_would_run_and_what_a_function_is_named_like_stay_what_they_are():
    request = decode(tools=[{"type": "shell", "environment": {"type": "container_auto"}}, {"type": "tool_search"}])
    assert not request.tools
    assert [tool.kind for tool in request.hosted_tools] == ["shell", "tool_search"]
    request = decode(tools=[{"type": "shell"}, {**WEATHER, "name": "shell"}])
    assert [tool.builtin for tool in request.tools] == [""]
    assert [tool.kind for tool in request.hosted_tools] == ["shell"]


def test_they_can_be_demanded_and_allowed():
    tools = [WEATHER, *DECLARED.values()]
    assert decode(tools=tools, tool_choice={"type": "apply_patch"}).tool_choice == ToolChoice("named", "apply_patch")
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "shell"}]}
    request = decode(tools=tools, tool_choice=allowed)
    assert [tool.name for tool in request.tools] == ["shell"]
    assert request.tool_choice == ToolChoice("required")


@each_call
def test_a_call_is_an_item_of_its_own_type_streamed_and_whole(
    name: str, arguments: str, expected: dict[str, Any]
) -> None:
    request = decode(tools=[DECLARED[name]], stream=True)
    frames = payloads(RESPONSES.encoder(request, envelope()).feed(events(name, arguments)))
    assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
    for frame in frames:
        SDK_EVENT.validate_python(frame, strict=True)
    assert not any("function_call_arguments" in frame["type"] for frame in frames)
    added, done = [frame for frame in frames if frame["type"].startswith("response.output_item.")][-2:]
    assert (added["output_index"], done["output_index"]) == (1, 1)
    assert done["item"] == {"id": added["item"]["id"], "call_id": "call_a", "status": "completed", **expected}
    assert added["item"] == {**done["item"], "status": "in_progress"}
    assert frames[-1]["response"]["output"][1] == done["item"]
    whole = json.loads(RESPONSES.whole(request, [fold(events(name, arguments))], envelope()))
    Response.model_validate(whole, strict=True)
    assert {**whole["output"][1], "id": ""} == {**done["item"], "id": ""}


@needs_spec
@each_call
def test_their_frames_are_what_openai_describes(name: str, arguments: str, expected: dict[str, Any]) -> None:
    request = decode(tools=[DECLARED[name]], stream=True)
    for frame in payloads(RESPONSES.encoder(request, envelope()).feed(events(name, arguments))):
        if frame["type"].startswith(("response.output_item", "response.shell_call")):
            validate(stream_events()[frame["type"]], frame)


def test_commands_of_a_shell_are_told_one_by_one():
    request = decode(tools=[DECLARED["shell"]], stream=True)
    frames = payloads(RESPONSES.encoder(request, envelope()).feed(events(*CALLS[2][:2])))
    told = [
        (frame["type"].rpartition(".")[2], frame["command_index"], frame["command"])
        for frame in frames
        if frame["type"].startswith("response.shell_call_command")
    ]
    assert told == [("added", 0, "ls"), ("done", 0, "ls"), ("added", 1, "pwd"), ("done", 1, "pwd")]


def test_a_call_that_broke_off_is_never_announced():
    request = decode(tools=[DECLARED["shell"]], stream=True)
    for cut in (6, 7, len(events(*CALLS[2][:2])) - 1):
        broken = [*events(*CALLS[2][:2])[:cut], Failed(Problem(kind=Kind.CUT, message="it broke off"))]
        frames = payloads(RESPONSES.encoder(request, envelope()).feed(broken))
        assert frames[-1]["type"] == "response.failed"
        assert [item["type"] for item in frames[-1]["response"]["output"]] == ["message"]
        assert not any("shell" in json.dumps(frame.get("item", {})) for frame in frames)


def test_a_search_for_tools_comes_back_as_a_call_with_its_result():
    call = {"type": "tool_search_call", "call_id": "c1", "execution": "client", "arguments": {"query": "weather"}}
    found = {"type": "tool_search_output", "call_id": "c1", "execution": "client", "tools": [WEATHER]}
    request = decode([{"role": "user", "content": "hi"}, call, found], tools=[SEARCH])
    assert [part for message in request.messages[1:] for part in message.parts] == [
        ToolCall("c1", "tool_search", '{"query":"weather"}'),
        ToolResult("c1", request.messages[2].parts[0].parts),  # type: ignore[union-attr]
    ]
    assert "weather" in request.messages[2].parts[0].text  # type: ignore[union-attr]
    assert [tool.name for tool in request.tools] == ["tool_search", "weather"]
