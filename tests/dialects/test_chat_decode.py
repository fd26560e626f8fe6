"""Chat completion requests: every field, every shape that clients send, every refusal by name."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.canonical.problem import Kind, Refusal
from grok2api.canonical.request import (
    File,
    Format,
    HostedTool,
    Image,
    Inline,
    Message,
    Request,
    Role,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from grok2api.dialects.openai_chat import CHAT
from grok2api.dialects.pairing import NO_RESULT
from strategies import hostile, json_values

USER = {"role": "user", "content": "hi"}
CALLING = {
    "role": "assistant",
    "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"id": "b", "function": {"name": "g", "arguments": ""}},
    ],
}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object"}}}

GRAMMAR = {"syntax": "lark", "definition": "x"}


def decode(headers: dict[str, str] | None = None, **fields: Any) -> Request:
    body = {"model": "grok-4.3-fast", "messages": [USER], **fields}
    return CHAT.decode(json.dumps(body).encode(), headers or {})


def refused(**fields: Any) -> tuple[str | None, str]:
    with pytest.raises(Refusal) as caught:
        decode(**fields)
    assert caught.value.problem.kind is Kind.INVALID
    return caught.value.problem.param, caught.value.problem.message


def test_a_plain_request_has_the_defaults_and_claims_nothing_as_given():
    request = decode()
    assert request.messages == (Message(Role.USER, (Text("hi"),), "messages.0"),)
    assert (request.temperature, request.top_p, request.stream, request.n) == (0.8, 0.95, None, 1)
    assert request.given == {}
    assert request.extra == {}


def test_explicit_zero_and_false_survive():
    request = decode(temperature=0, top_p=0, stream=False, seed=0, parallel_tool_calls=False)
    assert (request.temperature, request.top_p, request.stream, request.seed) == (0.0, 0.0, False, 0)
    assert request.parallel_tool_calls is False
    assert set(request.given) == {"temperature", "top_p", "seed", "parallel_tool_calls"}


def test_null_is_absent_in_every_known_field():
    names = """stream temperature top_p reasoning_effort max_tokens max_completion_tokens tools tool_choice stop n seed
        user metadata store response_format stream_options parallel_tool_calls logit_bias logprobs functions
        function_call modalities audio service_tier verbosity prompt_cache_key image_config reasoning thinking"""
    assert decode(**dict.fromkeys(names.split())) == decode()


def test_C11_fields_that_nobody_knows_are_ignored():
    assert (
        decode(client_metadata={"a": 1}, cache_control={"type": "ephemeral"}, whatever=[1], tools=[], stop=[])
        == decode()
    )


@pytest.mark.parametrize(
    ("fields", "field", "value", "name"),
    [
        ({"max_tokens": 5}, "max_tokens", 5, ("max_tokens", "max_tokens")),
        ({"max_completion_tokens": 6}, "max_tokens", 6, ("max_tokens", "max_completion_tokens")),
        ({"max_tokens": 5, "max_completion_tokens": 6.0}, "max_tokens", 6, ("max_tokens", "max_completion_tokens")),
        ({"stop": "END"}, "stop", ("END",), ("stop", "stop")),
        ({"stop": ["a", "b"]}, "stop", ("a", "b"), ("stop", "stop")),
        ({"n": 2}, "n", 2, ("n", "n")),
        ({"reasoning_effort": "high"}, "effort", "high", ("effort", "reasoning_effort")),
        ({"reasoning_effort": "max"}, "effort", "xhigh", ("effort", "reasoning_effort")),
        ({"reasoning": {"effort": "low"}}, "effort", "low", ("effort", "reasoning.effort")),
        ({"response_format": {"type": "json_object"}}, "format", Format("json_object"), ("format", "response_format")),
        ({"presence_penalty": 1}, "extra", {"presence_penalty": 1.0}, ("presence_penalty", "presence_penalty")),
        ({"logprobs": True}, "extra", {"logprobs": True}, ("logprobs", "logprobs")),
        ({"store": True}, "extra", {"store": True}, ("store", "store")),
        ({"image_config": {"n": 2}}, "extra", {"image_config": {"n": 2}}, ("image_config", "image_config")),
    ],
)
def test_H1_each_parameter_is_read_and_reported_by_the_clients_name(fields, field, value, name):
    request = decode(**fields)
    assert getattr(request, field) == value
    assert name in request.given.items()


@pytest.mark.parametrize("fields", [{"presence_penalty": 0}, {"logprobs": False}, {"service_tier": "auto"}, {"n": 1}])
def test_H1_a_parameter_that_asks_for_nothing_is_not_reported(fields):
    assert decode(**fields).given == {}


@pytest.mark.parametrize(
    ("fields", "thinking", "effort"),
    [
        ({}, None, None),
        ({"reasoning_effort": "none"}, False, "none"),
        ({"reasoning_effort": "minimal"}, True, "minimal"),
        ({"reasoning": {"enabled": False}}, False, "none"),
        ({"thinking": {"type": "enabled"}}, True, None),
        ({"thinking": {"type": "disabled"}}, False, "none"),
    ],
)
def test_reasoning_is_shown_unless_the_client_turns_it_off(fields, thinking, effort):
    request = decode(**fields)
    assert (request.thinking, request.effort) == (thinking, effort)


def test_a_json_schema_format_keeps_schema_name_and_strictness():
    holder = {"name": "city", "schema": {"type": "object"}, "strict": True, "description": "a city"}
    request = decode(response_format={"type": "json_schema", "json_schema": holder})
    assert request.format == Format("json_schema", "city", {"type": "object"}, True, "a city")


@pytest.mark.parametrize(
    ("fields", "headers", "sticky"),
    [
        ({}, {}, None),
        ({"user": "u"}, {}, "u"),
        ({"user": "u"}, {"session_id": "s"}, "s"),
        ({"user": "u", "prompt_cache_key": "k"}, {"session_id": "s"}, "k"),
        ({"safety_identifier": "i"}, {}, "i"),
    ],
)
def test_P8_the_conversation_is_known_by_the_best_key_there_is(fields, headers, sticky):
    assert decode(headers, **fields).sticky == sticky


PNG = Inline("data:image/png;base64,AA", "image/png", len("data:image/png;base64,"))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"role": "developer", "content": "be brief"}, (Role.SYSTEM, (Text("be brief"),))),
        ({"role": "system", "content": [{"type": "text", "text": "a"}]}, (Role.SYSTEM, (Text("a"),))),
        ({"role": "user", "content": [{"type": "input_text", "text": "a"}]}, (Role.USER, (Text("a"),))),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b", "detail": "low"}}]},
            (Role.USER, (Image("https://a/b", "low", "messages.0.content.0.image_url.url"),)),
        ),
        (
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA"}]},
            (Role.USER, (Image(PNG, path="messages.0.content.0.image_url"),)),
        ),
        (
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}]},
            (
                Role.USER,
                (File(Inline("AA", "audio/mp3"), kind="audio", path="messages.0.content.0.input_audio.data"),),
            ),
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_data": "AA", "filename": "n"}}]},
            (Role.USER, (File(Inline("AA"), "n", path="messages.0.content.0.file.file_data"),)),
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_data": "data:image/png;base64,AA"}}]},
            (Role.USER, (File(PNG, path="messages.0.content.0.file.file_data"),)),
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]},
            (Role.USER, (File(file_id="file-1", path="messages.0.content.0.file.file_id"),)),
        ),
        (
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "refusal": None},
            (Role.ASSISTANT, (Text("no"),)),
        ),
        (
            {"role": "assistant", "content": "a", "reasoning_content": "t", "annotations": [], "audio": None},
            (Role.ASSISTANT, (Thinking("t"), Text("a"))),
        ),
    ],
)
def test_every_shape_of_turn_is_read(message, expected):
    request = decode(messages=[message, USER])
    assert (request.messages[0].role, request.messages[0].parts) == expected


def test_a_tool_round_trip_keeps_ids_arguments_and_list_contents():
    results = [
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}],
        },
        {"role": "tool", "tool_call_id": "b", "content": "3"},
    ]
    request = decode(messages=[USER, CALLING, *results])
    assert request.messages[1].parts == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))
    assert request.messages[2].parts == (ToolResult("a", (Text("1"), Text("2"))),)
    assert request.messages[3].parts == (ToolResult("b", (Text("3"),)),)


def test_an_assistant_turn_that_says_nothing_is_left_out():
    assert len(decode(messages=[USER, {"role": "assistant", "content": None}, USER]).messages) == 2


def test_C3_a_result_without_its_call_is_refused_by_id():
    orphan = {"role": "tool", "tool_call_id": "call_gone", "content": "x"}
    param, message = refused(messages=[USER, orphan])
    assert param == "messages.1.tool_call_id"
    assert "call_gone" in message


def test_C3_a_second_result_for_one_call_is_refused_by_id():
    result = {"role": "tool", "tool_call_id": "a", "content": "x"}
    assert refused(messages=[USER, CALLING, result, result])[0] == "messages.3.tool_call_id"


def test_C3_a_call_without_its_result_gets_one_that_says_so():
    request = decode(messages=[USER, CALLING, {"role": "tool", "tool_call_id": "b", "content": "x"}, USER])
    assert [message.role for message in request.messages] == [
        Role.USER,
        Role.ASSISTANT,
        Role.TOOL,
        Role.TOOL,
        Role.USER,
    ]
    assert request.messages[2].parts == (ToolResult("a", (Text(NO_RESULT),), is_error=True),)


def test_C3_ids_may_be_used_again_in_a_later_turn():
    turn = [CALLING, *({"role": "tool", "tool_call_id": ident, "content": ident} for ident in "ab")]
    assert len(decode(messages=[USER, *turn, *turn]).messages) == 7


def test_the_older_function_shape_is_translated():
    request = decode(
        messages=[
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "4 C"},
        ],
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
    )
    call = request.messages[1].parts[0]
    assert isinstance(call, ToolCall)
    assert request.messages[2].parts == (ToolResult(call.id, (Text("4 C"),)),)
    assert request.tools == (Tool("f", schema={"type": "object"}),)
    assert request.tool_choice == ToolChoice("named", "f")
    assert request.given["tool_choice"] == "function_call"


def test_a_call_in_both_shapes_is_one_call():
    """Clients of the older shape send our answer back as it came: in `tool_calls` and in `function_call`."""
    function = {"name": "f", "arguments": "{}"}
    request = decode(
        messages=[
            USER,
            {"role": "assistant", "tool_calls": [{"id": "a", "function": function}], "function_call": function},
            {"role": "function", "name": "f", "content": "4 C"},
        ],
        functions=[{"name": "f", "parameters": {"type": "object"}}],
    )
    assert [message.parts for message in request.messages[1:]] == [
        (ToolCall("a", "f", "{}"),),
        (ToolResult("a", (Text("4 C"),)),),
    ]


@pytest.mark.parametrize(("asked", "several"), [(None, False), (True, True), (False, False)])
def test_the_older_shape_has_room_for_one_call(asked: bool | None, several: bool):
    request = decode(messages=[USER], functions=[{"name": "f"}], parallel_tool_calls=asked)
    assert request.parallel_tool_calls is several
    assert ("parallel_tool_calls" in request.given) is (asked is False)


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (WEATHER, Tool("weather", "d", {"type": "object"})),
        ({"type": "function", "name": "flat", "strict": True}, Tool("flat", strict=True)),
        (
            {"type": "custom", "custom": {"name": "patch", "format": {"type": "grammar", "grammar": GRAMMAR}}},
            Tool("patch", custom=True, grammar=GRAMMAR),
        ),
        ({"type": "web_search_preview", "filters": {"a": 1}}, HostedTool("web_search", {"filters": {"a": 1}})),
        ({"type": "mcp", "server_label": "x"}, HostedTool("mcp", {"server_label": "x"})),
    ],
)  # fmt: skip
def test_every_kind_of_tool_is_read(tool, expected):
    request = decode(tools=[tool])
    assert [*request.tools, *request.hosted_tools] == [expected]


def test_web_search_options_ask_for_the_hosted_search():
    assert decode(web_search_options={"search_context_size": "low"}).hosted_tools[0].kind == "web_search"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice()),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "weather"}}, ToolChoice("named", "weather")),
        ({"type": "function", "name": "weather"}, ToolChoice("named", "weather")),
        ({"type": "required"}, ToolChoice("required")),
    ],
)
def test_every_form_of_tool_choice_is_read(choice, expected):
    assert decode(tools=[WEATHER], tool_choice=choice).tool_choice == expected


def test_allowed_tools_leave_only_the_allowed():
    other = {"type": "function", "function": {"name": "other"}}
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "other"}}]}
    request = decode(tools=[WEATHER, other], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert [tool.name for tool in request.tools] == ["other"]
    assert request.tool_choice == ToolChoice("required")


def _named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages.0"),
        ({"messages": [{"content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [USER, {"role": "user"}]}, "messages.1.content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]},
         "messages.0.content.0.image_url.url"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]}]},
         "messages.0.tool_calls.0.function.name"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 10**30}, "max_completion_tokens"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"seed": 0.5}, "seed"),
        ({"stop": [""]}, "stop.0"),
        ({"stop": ""}, "stop"),
        ({"stop": ["a"] * 17}, "stop"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"modalities": ["text", "audio"]}, "modalities.1"),
        ({"audio": {"voice": "x"}}, "audio"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": []}}},
         "response_format.json_schema.schema"),
        ({"tools": [_named(f"t{i}") for i in range(1025)]}, "tools"),
        ({"tools": [WEATHER, _named("a b")]}, "tools.1.function.name"),
        ({"tools": [_named("x" * 65)]}, "tools.0.function.name"),
        ({"tools": [WEATHER, WEATHER]}, "tools.1.function.name"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": "{}"}}]},
         "tools.0.function.parameters"),
        ({"tools": [{}]}, "tools.0.type"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": _named("gone")}, "tool_choice.function.name"),
        ({"tools": [WEATHER], "tool_choice": {"type": "allowed_tools", "tools": [_named("weather"), _named("gone")]}},
         "tool_choice.tools.1.function.name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_the_path_of_the_field(fields, param):
    assert refused(**fields)[0] == param


def test_128_tools_are_not_too_many():
    assert len(decode(tools=[_named(f"t{i}") for i in range(1024)]).tools) == 1024


FULL = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://a"}}]},
        CALLING,
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "1"}]},
    ],
    "tools": [WEATHER, {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}, {"type": "web_search"}],
    "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [_named("weather")]}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    "stream_options": {"include_usage": True},
    "stop": ["a"],
    "modalities": ["text"],
    "metadata": {"a": "b"},
    "reasoning": {"effort": "low"},
    "temperature": 1,
}  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(hostile(FULL))
def test_Z6_a_spoiled_request_is_read_or_refused_and_nothing_else(body):
    with contextlib.suppress(Refusal):
        assert isinstance(CHAT.decode(body, {}), Request)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_Z6_any_bytes_are_read_or_refused_and_nothing_else(body):
    with pytest.raises(Refusal):
        CHAT.decode(body, {})
