"""Responses requests: every field, its tools and its refusals by name."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.canonical.problem import Kind, Refusal
from grok2api.canonical.request import (
    Format,
    HostedTool,
    Message,
    Role,
    Text,
    Tool,
    ToolChoice,
)
from grok2api.dialects.openai_responses import RESPONSES
from responses_bodies import AGENTS, AGENTS_SDK, CALL, CODEX, OUTPUT, PATCH, WEATHER, decode, problem, refused_at
from strategies import hostile, json_values


def test_a_plain_request_has_no_defaults_of_ours_and_claims_nothing_as_given():
    request = decode()
    assert request.messages == (Message(Role.USER, (Text("hi"),), "input"),)
    assert (request.temperature, request.top_p, request.stream) == (None, None, False)
    assert request.given == {}
    assert request.extra == {}


def test_H1_explicit_zero_and_false_survive():
    request = decode(temperature=0, top_p=0, parallel_tool_calls=False, stream=False)
    assert (request.temperature, request.top_p, request.parallel_tool_calls) == (0.0, 0.0, False)
    assert set(request.given) == {"temperature", "top_p", "parallel_tool_calls"}
    assert request.echo["temperature"] == 0
    assert request.echo["parallel_tool_calls"] is False


def test_null_is_absent_in_every_known_field():
    names = """stream temperature top_p max_output_tokens tools tool_choice user metadata store text reasoning include
        stream_options parallel_tool_calls service_tier prompt_cache_key previous_response_id background conversation
        prompt instructions truncation top_logprobs max_tool_calls safety_identifier presence_penalty"""
    assert decode(**dict.fromkeys(names.split())) == decode()


def test_C11_fields_that_nobody_knows_are_ignored():
    assert decode(client_metadata={"a": 1}, whatever=[1], tools=[], include=[], background=False) == decode()


@pytest.mark.parametrize(
    ("fields", "field", "value", "name"),
    [
        ({"max_output_tokens": 5}, "max_tokens", 5, ("max_tokens", "max_output_tokens")),
        ({"temperature": 0.3}, "temperature", 0.3, ("temperature", "temperature")),
        ({"reasoning": {"effort": "high"}}, "effort", "high", ("effort", "reasoning.effort")),
        ({"reasoning": {"effort": "max"}}, "effort", "xhigh", ("effort", "reasoning.effort")),
        ({"text": {"format": {"type": "json_object"}}}, "format", Format("json_object"), ("format", "text.format")),
        ({"text": {"verbosity": "low"}}, "extra", {"verbosity": "low"}, ("verbosity", "text.verbosity")),
        ({"truncation": "auto"}, "extra", {"truncation": "auto"}, ("truncation", "truncation")),
        ({"top_logprobs": 3}, "extra", {"top_logprobs": 3}, ("top_logprobs", "top_logprobs")),
        ({"max_tool_calls": 2}, "extra", {"max_tool_calls": 2}, ("max_tool_calls", "max_tool_calls")),
        ({"service_tier": "flex"}, "extra", {"service_tier": "flex"}, ("service_tier", "service_tier")),
        ({"store": True}, "extra", {"store": True}, ("store", "store")),
        ({"include": ["message.output_text.logprobs"]}, "include_encrypted", False, ("logprobs", "include")),
        ({"include": ["reasoning.encrypted_content"]}, "include_encrypted", True, None),
        ({"user": "u"}, "user", "u", None),
    ],
)
def test_H1_each_parameter_is_read_and_reported_by_the_clients_name(fields, field, value, name):
    request = decode(**fields)
    assert getattr(request, field) == value
    assert request.given == ({} if name is None else dict([name]))


@pytest.mark.parametrize("fields", [{"store": False}, {"truncation": "disabled"}, {"service_tier": "auto"}])
def test_H1_a_parameter_that_asks_for_nothing_is_not_reported(fields):
    assert decode(**fields).given == {}


@pytest.mark.parametrize(
    ("reasoning", "thinking", "effort"),
    [
        (None, None, None),
        ({"effort": "none", "summary": "auto"}, False, "none"),
        ({"effort": "low"}, True, "low"),
        ({"summary": "auto"}, True, None),
        ({"generate_summary": "concise"}, True, None),
        ({"effort": None, "summary": None}, None, None),
    ],
)
def test_reasoning_is_shown_when_it_is_asked_for(reasoning, thinking, effort):
    request = decode(reasoning=reasoning)
    assert (request.thinking, request.effort) == (thinking, effort)


def test_a_json_schema_format_keeps_schema_name_and_strictness():
    flat = {"type": "json_schema", "name": "city", "schema": {"type": "object"}, "strict": True, "description": "a"}
    request = decode(text={"format": flat})
    assert request.format == Format("json_schema", "city", {"type": "object"}, True, "a")
    assert request.echo["text"] == {"format": flat}


@pytest.mark.parametrize(
    ("fields", "headers", "sticky"),
    [
        ({}, {}, None),
        ({"user": "u"}, {}, "u"),
        ({"user": "u"}, {"session_id": "s"}, "s"),
        ({"user": "u"}, {"conversation_id": "s"}, "s"),
        ({"user": "u", "prompt_cache_key": "k"}, {"x-session-id": "s"}, "k"),
        ({"safety_identifier": "i"}, {}, "i"),
    ],
)
def test_P8_the_conversation_is_known_by_the_best_key_there_is(fields, headers, sticky):
    assert decode("hi", headers, **fields).sticky == sticky


def test_tools_of_every_kind_are_told_apart():
    request = decode(
        tools=[
            WEATHER,
            {"type": "function", "function": {"name": "nested", "parameters": {"type": "object"}}},
            PATCH,
            AGENTS,
            {"type": "web_search_preview_2025_03_11", "search_context_size": "low"},
            {"type": "mcp", "server_label": "a", "server_url": "https://m", "authorization": "hush"},
            {"type": "tool_search"},
            {"type": "shell", "environment": {"type": "container_auto"}},
            {"type": "image_generation"},
            {"type": "something_new", "depth": 2},
        ]
    )
    assert request.tools == (
        Tool("weather", "d", {"type": "object"}, True),
        Tool("nested", "", {"type": "object"}),
        Tool("apply_patch", "Edits files.", custom=True, grammar={"syntax": "lark", "definition": "start: /.+/"}),
        Tool("close_agent", "", {"type": "object"}, namespace="agents"),
    )
    assert [tool.kind for tool in request.hosted_tools] == [
        "web_search",
        "mcp",
        "image_generation",
        "something_new",
        "tool_search",
        "shell",
    ]
    assert request.hosted_tools[3] == HostedTool("something_new", {"depth": 2})


@pytest.mark.parametrize(
    ("choice", "expected", "given"),
    [
        ("auto", ToolChoice(), {"tool_choice"}),
        ("none", ToolChoice("none"), {"tool_choice"}),
        ("required", ToolChoice("required"), {"tool_choice"}),
        ({"type": "function", "name": "weather"}, ToolChoice("named", "weather"), {"tool_choice"}),
        ({"type": "function", "function": {"name": "weather"}}, ToolChoice("named", "weather"), {"tool_choice"}),
        ({"type": "custom", "name": "apply_patch"}, ToolChoice("named", "apply_patch"), {"tool_choice"}),
        ({"type": "web_search_preview"}, ToolChoice(), {"tool_choice", "hosted_tool_choice"}),
        ({"type": "mcp", "server_label": "a"}, ToolChoice(), {"tool_choice", "hosted_tool_choice"}),
    ],
)
def test_tool_choice_in_every_form(choice, expected, given):
    request = decode(tools=[WEATHER, PATCH], tool_choice=choice)
    assert request.tool_choice == expected
    assert set(request.given) == given
    assert len(request.tools) == 2


def test_allowed_tools_leaves_only_those():
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "weather"}, {"type": "web_search"}],
    }
    request = decode(tools=[WEATHER, PATCH, {"type": "web_search"}, {"type": "x_search"}], tool_choice=allowed)
    assert request.tool_choice == ToolChoice("required")
    assert [tool.name for tool in request.tools] == ["weather"]
    assert [tool.kind for tool in request.hosted_tools] == ["web_search"]
    assert request.echo["tool_choice"] == allowed


def test_the_echo_has_tools_in_full_and_no_secrets():
    mcp = {
        "type": "mcp",
        "server_label": "a",
        "server_url": "https://m",
        "authorization": "hush",
        "headers": {"k": "v"},
    }
    nested = {"type": "function", "function": {"name": "n"}}
    echoed = decode(tools=[nested, mcp, {"type": "namespace", "name": "g"}]).echo["tools"]
    assert echoed == [
        {"type": "function", "name": "n", "description": None, "parameters": None, "strict": None},
        {"type": "mcp", "server_label": "a", "server_url": "https://m"},
        {"type": "namespace", "name": "g", "description": "", "tools": []},
    ]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"type": "compaction"}]}, "input"),
        ({"input": 3}, "input"),
        ({"input": ["hi"]}, "input.0"),
        ({"input": [{}]}, "input.0.type"),
        ({"input": [{"type": 3}]}, "input.0.type"),
        ({"input": [{"role": "user"}]}, "input.0.content"),
        ({"input": [{"role": "user", "content": []}]}, "input.0.content"),
        ({"input": [{"role": "critic", "content": "x"}]}, "input.0.role"),
        ({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}, "input.0.content.0.type"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input.0.content.0.text"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input.0.content.0.file_id",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "ftp://x"}]}]},
            "input.0.content.0.image_url",
        ),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input.0.id"),
        ({"input": [{"id": "msg_1"}]}, "input.0.id"),
        ({"input": [{**CALL, "call_id": None}]}, "input.0.call_id"),
        ({"input": [CALL, {**OUTPUT, "output": None}]}, "input.1.output"),
        ({"input": [{"type": "additional_tools", "tools": [{"type": "function"}]}]}, "input.0.tools.0.name"),
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"background": True}, "background"),
        ({"background": True, "store": False}, "background"),
        ({"conversation": 3}, "conversation"),
        ({"conversation": {"id": 3}}, "conversation.id"),
        ({"conversation": "conv_1", "previous_response_id": "resp_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"instructions": ["x"]}, "instructions"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": "1"}, "top_p"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"truncation": "sometimes"}, "truncation"),
        ({"stream": "yes"}, "stream"),
        ({"store": 1}, "store"),
        ({"include": [3]}, "include.0"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"reasoning": {"effort": "extreme"}}, "reasoning.effort"),
        ({"reasoning": {"summary": "long"}}, "reasoning.summary"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"text": {"verbosity": "loud"}}, "text.verbosity"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "tools.0.name"),
        ({"tools": [{"type": "function", "name": "a" * 65}]}, "tools.0.name"),
        ({"tools": [WEATHER, WEATHER]}, "tools.1.name"),
        ({"tools": [{"name": "x"}]}, "tools.0.type"),
        ({"tools": [{"type": "function", "name": f"f{n}"} for n in range(1025)]}, "tools"),
        ({"tools": [{**AGENTS, "tools": [{"type": "web_search"}]}]}, "tools.0.tools.0.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "other"}}, "tool_choice.name"),
        ({"tools": [WEATHER], "tool_choice": "any"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": 3}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
def test_what_is_wrong_is_refused_by_its_path(fields, param):
    assert refused_at(**fields) == param


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_not_found", "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation_not_found", "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation_not_found", "conversation"),
    ],
)
def test_what_nobody_has_looked_up_is_not_found(fields, code, param):
    found = problem(**fields)
    assert (found.kind, found.code, found.param) == (Kind.NOT_FOUND, code, param)
    assert RESPONSES.problem(found)[0] == 404


_bodies = st.binary(max_size=64) | json_values.map(lambda value: json.dumps(value).encode())


@settings(deadline=None, max_examples=150)
@given(hostile(CODEX) | hostile(AGENTS_SDK) | _bodies)
def test_Z6_any_body_is_a_request_or_a_refusal(body):
    refusal = None
    try:
        json.dumps(RESPONSES.decode(body, {}).echo)
    except Refusal as caught:
        refusal = caught.problem
    if refusal is not None:
        assert refusal.message
        assert RESPONSES.problem(refusal)[0] in (400, 404)
