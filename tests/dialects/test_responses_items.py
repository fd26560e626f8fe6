"""The items of a Responses request: every shape that clients send becomes turns, or a refusal by name."""

import json
import time

import pytest

from grok2api.canonical.request import (
    File,
    Image,
    Inline,
    Message,
    Request,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from grok2api.dialects.openai_responses import RESPONSES
from grok2api.dialects.pairing import NO_RESULT
from responses_bodies import AGENTS, CALL, CODEX, OUTPUT, PATCH, WEATHER, decode, problem

PART = "input.0.content.0"
PNG = Inline("data:image/png;base64,AA", "image/png", len("data:image/png;base64,"))
PDF = Inline("data:application/pdf;base64,AA", "application/pdf", len("data:application/pdf;base64,"))


def roles(request: Request) -> list[Role]:
    return [message.role for message in request.messages]


def test_instructions_are_the_first_system_message():
    request = decode(
        [{"role": "developer", "content": "be brief"}, {"role": "user", "content": "hi"}], instructions="x"
    )
    assert request.messages == (
        Message(Role.SYSTEM, (Text("x"),), "instructions"),
        Message(Role.SYSTEM, (Text("be brief"),), "input.0"),
        Message(Role.USER, (Text("hi"),), "input.1"),
    )


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "input_text", "text": "a"}, Text("a")),
        ({"type": "text", "text": "a"}, Text("a")),
        ({"type": "refusal", "refusal": "no"}, Text("no")),
        (
            {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
            Image("https://x/y.png", "low", f"{PART}.image_url"),
        ),
        (
            {"type": "input_image", "image_url": {"url": "https://x/y.png"}},
            Image("https://x/y.png", path=f"{PART}.image_url.url"),
        ),
        ({"type": "input_image", "image_url": "data:image/png;base64,AA"}, Image(PNG, path=f"{PART}.image_url")),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
            File(PDF, "a.pdf", path=f"{PART}.file_data"),
        ),
        ({"type": "input_file", "file_data": "AA"}, File(Inline("AA"), path=f"{PART}.file_data")),
        ({"type": "input_file", "file_url": "https://x/a.pdf"}, File("https://x/a.pdf", path=f"{PART}.file_url")),
        ({"type": "input_file", "file_id": "file-1"}, File(file_id="file-1", path=f"{PART}.file_id")),
        (
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
            File(Inline("AA", "audio/mp3"), kind="audio", path=f"{PART}.input_audio.data"),
        ),
    ],
)
def test_every_kind_of_part_is_read(part, expected):
    assert decode([{"type": "message", "role": "user", "content": [part]}]).messages[0].parts == (expected,)


def test_the_assistants_items_are_one_turn_and_keep_their_order():
    request = decode(
        [
            {"role": "user", "content": "weather?"},
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
                "encrypted_content": "enc",
            },
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
            CALL,
            OUTPUT,
        ]
    )
    assert request.messages[1:] == (
        Message(
            Role.ASSISTANT,
            (
                Thinking("a\n\nb", "enc", "rs_1"),
                Text("I look."),
                ToolCall("c1", "weather", '{"city": "Oslo"}'),
            ),
            "input.1",
        ),
        Message(Role.TOOL, (ToolResult("c1", (Text("4 C"),)),), "input.5"),
    )


def test_C3_arguments_of_the_history_are_kept_to_the_byte():
    raw = '{"a" : 1,\n "b":"\\u00e9"}'
    assert decode([{**CALL, "arguments": raw}, OUTPUT]).messages[0].parts[0].arguments == raw


def test_custom_calls_and_results_are_free_text():
    request = decode(
        [
            {
                "type": "custom_tool_call",
                "call_id": "c9",
                "name": "apply_patch",
                "input": "*** Go",
                "namespace": "n",
            },
            {"type": "custom_tool_call_output", "call_id": "c9", "output": [{"type": "input_text", "text": "ok"}]},
        ]
    )
    assert request.messages[0].parts == (ToolCall("c9", "apply_patch", "*** Go", custom=True, namespace="n"),)
    assert request.messages[1].parts == (ToolResult("c9", (Text("ok"),), custom=True),)


def test_a_result_may_hold_pictures():
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AA"}
    request = decode([CALL, {**OUTPUT, "output": [picture]}])
    assert request.messages[1].parts == (ToolResult("c1", (Image(PNG, path="input.1.output.0.image_url"),)),)


@pytest.mark.parametrize(
    ("call", "result", "name", "words"),
    [
        (
            {"type": "local_shell_call", "id": "lsh_1", "call_id": "c1", "action": {"type": "exec", "command": ["ls"]}},
            {"type": "local_shell_call_output", "id": "lsh_1", "output": "a.txt"},
            "local_shell",
            "a.txt",
        ),
        (
            {"type": "shell_call", "call_id": "c1", "action": {"commands": ["ls"]}},
            {"type": "shell_call_output", "call_id": "c1", "output": [{"stdout": "a.txt"}]},
            "shell",
            '[{"stdout":"a.txt"}]',
        ),
        (
            {"type": "apply_patch_call", "call_id": "c1", "status": "completed", "operation": {"type": "delete_file"}},
            {"type": "apply_patch_call_output", "call_id": "c1", "status": "failed"},
            "apply_patch",
            "failed",
        ),
    ],
)
def test_openais_own_client_tools_are_calls_like_others(call, result, name, words):
    turns = decode([call, result]).messages
    assert (turns[0].parts[0].id, turns[0].parts[0].name) == ("c1", name)
    assert turns[1].parts == (ToolResult("c1", (Text(words),), is_error=words == "failed"),)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "file_search_call", "id": "fs_1", "queries": ["a"]},
        {"type": "code_interpreter_call", "id": "ci_1", "code": "1"},
        {"type": "image_generation_call", "id": "ig_1", "result": None},
        {"type": "mcp_list_tools", "id": "m", "server_label": "s", "tools": []},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"},
        {"type": "compaction_trigger"},
        {"type": "tool_search_call", "call_id": None, "arguments": {}},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "what_comes_next", "x": 1},
        {"type": "message", "role": "assistant", "content": []},
    ],
)
def test_C11_items_with_nothing_to_send_on_are_passed_over(item):
    assert roles(decode([item, {"role": "user", "content": "hi"}])) == [Role.USER]


def test_C3_a_call_without_a_result_is_given_one_that_says_so():
    request = decode([CALL, {"role": "user", "content": "never mind"}])
    assert roles(request) == [Role.ASSISTANT, Role.TOOL, Role.USER]
    assert request.messages[1].parts[0].text == NO_RESULT


def test_C3_a_result_without_its_call_is_refused_by_its_id():
    found = problem([{"role": "user", "content": "hi"}, {**OUTPUT, "call_id": "call_gone"}])
    assert (found.param, found.code) == ("input.1.call_id", "orphan_tool_result")
    assert "call_gone" in found.message


def test_items_may_add_tools_and_replace_those_of_the_same_name():
    newer = {**WEATHER, "description": "newer"}
    request = decode(
        [
            {"type": "additional_tools", "role": "developer", "tools": [newer, PATCH]},
            {"type": "tool_search_output", "call_id": None, "tools": [AGENTS]},
            {"role": "user", "content": "hi"},
        ],
        tools=[WEATHER],
    )
    assert request.tools[0].description == "newer"
    assert [tool.name for tool in request.tools] == ["weather", "apply_patch", "close_agent"]


def test_C1_a_codex_turn_is_read_whole():
    request = RESPONSES.decode(json.dumps(CODEX).encode(), {"session_id": "0192-conv"})
    assert roles(request) == [
        Role.SYSTEM,
        Role.USER,
        Role.USER,
        Role.ASSISTANT,
        Role.TOOL,
        Role.ASSISTANT,
        Role.TOOL,
    ]
    assert request.messages[3].parts[0] == Thinking("Look first.", "gAAAA", "rs_1")
    assert [tool.name for tool in request.tools] == ["shell", "apply_patch", "tool_search", "close_agent"]
    assert (request.stream, request.thinking, request.include_encrypted) == (True, True, True)
    assert request.sticky == "0192-conv"
    assert set(request.given) == {"tool_choice", "parallel_tool_calls", "effort"}


def test_a_reference_to_reasoning_is_passed_over_and_told():
    question = {"role": "user", "content": "weather?"}
    request = decode([question, {"type": "item_reference", "id": "rs_1"}, CALL, OUTPUT])
    assert request.messages[1:] == tuple(
        Message(one.role, one.parts, f"input.{at}")
        for at, one in enumerate(decode([question, CALL, OUTPUT]).messages[1:], 2)
    )
    assert request.given == {"item_reference": "input.item_reference"}


def test_reading_many_searches_for_tools_takes_as_long_as_reading_other_calls():
    def seconds(call: str, result: str, **more: object) -> float:
        calls = [{"type": call, "call_id": f"c{number}", **more} for number in range(32_000)]
        results = [{"type": result, "call_id": f"c{number}", **more} for number in range(32_000)]
        began = time.perf_counter()
        request = decode([{"role": "user", "content": "hi"}, *calls, *results])
        took = time.perf_counter() - began
        assert sum(message.role is Role.TOOL for message in request.messages) == 32_000
        return took

    functions = seconds("function_call", "function_call_output", name="f", output="x")
    assert seconds("tool_search_call", "tool_search_output", tools=[]) < 4 * functions
