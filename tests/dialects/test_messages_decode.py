"""Messages requests: what Claude Code and the SDKs send, every block, every refusal by name."""

import contextlib
import json
from typing import Any

import pytest
from anthropic.types.thread_unsupported_request_error_details import ThreadUnsupportedRequestErrorDetails
from hypothesis import given, settings

from grok2api.canonical.problem import Refusal
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
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.dialects.anthropic_messages.signature import OPAQUE, sign
from grok2api.dialects.pairing import NO_RESULT
from strategies import hostile

USER = {"role": "user", "content": "hi"}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"p": "é"}}]}
READ = {"name": "Read", "description": "d", "input_schema": {"type": "object"}}


def decode(headers: dict[str, str] | None = None, **fields: Any) -> Request:
    body = {"model": "claude-x", "max_tokens": 100, "messages": [USER], **fields}
    return MESSAGES.decode(json.dumps(body).encode(), headers or {})


def parts_of(*blocks: Any, role: str = "user") -> tuple[Any, ...]:
    return decode(messages=[{"role": role, "content": list(blocks)}, USER]).messages[0].parts


def refused(**fields: Any) -> str | None:
    with pytest.raises(Refusal) as caught:
        decode(**fields)
    return caught.value.problem.param


def test_a_plain_request_does_not_stream_and_sets_no_defaults():
    request = decode()
    assert request.messages == (Message(Role.USER, (Text("hi"),), "messages.0"),)
    assert (request.temperature, request.top_p, request.stream, request.max_tokens) == (None, None, False, 100)
    assert request.given == {"max_tokens": "max_tokens"}


def test_max_tokens_may_be_missing_as_in_count_tokens():
    assert decode(max_tokens=None).max_tokens is None


def test_C2_system_may_be_a_string_or_blocks_and_stand_anywhere():
    blocks = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}]
    request = decode(
        system=blocks,
        messages=[USER, {"role": "system", "content": "mid"}, {"role": "system", "content": blocks[:1]}],
    )
    assert [message.role for message in request.messages] == [Role.SYSTEM, Role.USER, Role.SYSTEM, Role.SYSTEM]
    assert request.messages[0] == Message(Role.SYSTEM, (Text("a"), Text("b")), "system")
    assert request.messages[2].parts == (Text("mid"),)
    assert decode(system="a").messages[0].parts == (Text("a"),)


def test_C2_unknown_fields_blocks_and_betas_are_accepted():
    request = decode(
        headers={"anthropic-beta": "a-1,b-2,never-heard-of", "anthropic-dangerous-direct-browser-access": "true"},
        betas=["x"],
        context_management={"edits": []},
        output_config={"effort": "medium"},
        thinking={"type": "adaptive", "display": "omitted"},
        metadata={"user_id": "u"},
        client_metadata={"a": 1},
        cache_control={"type": "ephemeral"},
        messages=[{"role": "user", "content": [{"type": "hologram"}, {"type": "note", "text": "kept"}, *USER_BLOCKS]}],
    )
    assert request.messages[0].parts == (Text("kept"), Text("hi"))
    assert request.thinking is False
    assert request.effort == "medium"


BLOCK = "messages.0.content.0"
USER_BLOCKS = [{"type": "text", "text": "hi"}]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "text", "text": ""}, ()),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AA"}},
            (Image(Inline("AA", "image/jpeg"), path=f"{BLOCK}.source.data"),),
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a/b"}},
            (Image("https://a/b", path=f"{BLOCK}.source.url"),),
        ),
        (
            {"type": "image", "source": {"type": "file", "file_id": "f"}},
            (File(file_id="f", path=f"{BLOCK}.source.file_id"),),
        ),
        (
            {
                "type": "document",
                "title": "t",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "A"},
            },
            (File(Inline("A", "application/pdf"), "t", path=f"{BLOCK}.source.data"),),
        ),
        (
            {
                "type": "document",
                "title": "t",
                "context": "c",
                "citations": {"enabled": True},
                "source": {"type": "text", "media_type": "text/plain", "data": "words"},
            },
            (Text("t"), Text("c"), Text("words")),
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}},
            (File("https://a/b.pdf", path=f"{BLOCK}.source.url"),),
        ),
        (
            {"type": "document", "source": {"type": "file", "file_id": "f"}},
            (File(file_id="f", path=f"{BLOCK}.source.file_id"),),
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "w"}]}},
            (Text("w"),),
        ),
        (
            {"type": "search_result", "title": "T", "source": "u", "content": [{"type": "text", "text": "w"}]},
            (Text("T\nu"), Text("w")),
        ),
        ({"type": "tool_reference", "tool_name": "WebFetch"}, (Text("Tool WebFetch is now available."),)),
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}, ()),
        (
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"title": "T", "url": "u"}]},
            (Text("Search results:\nT - u"),),
        ),
        ({"type": "web_search_tool_result", "tool_use_id": "s", "content": {"error_code": "unavailable"}}, ()),
        (
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": [{"type": "web_search_result", "title": "T", "url": "u", "encrypted_content": OPAQUE}],
            },
            (Text("Search results:\nT - u"),),
        ),
        (
            {
                "type": "web_fetch_tool_result",
                "tool_use_id": "s",
                "content": {
                    "type": "web_fetch_result",
                    "url": "https://a/b",
                    "content": {"type": "document", "source": {"type": "text", "data": "words"}},
                },
            },
            (Text("Content of https://a/b:"), Text("words")),
        ),
        ({"type": "web_fetch_tool_result", "tool_use_id": "s", "content": {"error_code": "unavailable"}}, ()),
        ({"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}}, ()),
        (
            {"type": "mcp_tool_result", "tool_use_id": "m", "content": [{"type": "text", "text": "w"}]},
            (Text("Tool result:"), Text("w")),
        ),
        ({"type": "mcp_tool_result", "tool_use_id": "m", "content": []}, ()),
        (
            {"type": "code_execution_tool_result", "tool_use_id": "c", "content": {"stdout": "2\n", "stderr": ""}},
            (Text("Tool result:\n2\n"),),
        ),
        ({"type": "compaction", "content": "What was said before."}, (Text("What was said before."),)),
        (
            {"type": "container_upload", "file_id": "f"},
            (File(file_id="f", path=f"{BLOCK}.file_id"),),
        ),
        ({"type": "thinking", "thinking": "t", "signature": "of somebody else"}, (Thinking("t"),)),
        ({"type": "thinking", "thinking": "t", "signature": sign("ENC", "rs_1")}, (Thinking("t", "ENC", "rs_1"),)),
        ({"type": "thinking", "thinking": "", "signature": sign("ENC", None)}, (Thinking("", "ENC"),)),
        ({"type": "redacted_thinking", "data": "opaque"}, ()),
        ({"type": "redacted_thinking", "data": sign("ENC", "a")}, (Thinking("", "ENC", "a"),)),
    ],
)
def test_every_block_is_read(block, expected):
    request = decode(messages=[{"role": "assistant", "content": [block, *USER_BLOCKS]}, USER])
    assert request.messages[0].parts == (*expected, Text("hi"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, ()),
        ("", ()),
        ("done", (Text("done"),)),
        ([], ()),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], (Text("a"), Text("b"))),
        ([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A"}}],
         (Image(Inline("A", "image/png"), path="messages.2.content.0.content.0.source.data"),)),
        ([{"type": "tool_reference", "tool_name": "X"}], (Text("Tool X is now available."),)),
    ],
)  # fmt: skip
def test_a_tool_result_is_read_in_every_form(content, expected):
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, "is_error": True}
    request = decode(messages=[USER, USE, {"role": "user", "content": [result, {"type": "text", "text": "go on"}]}])
    assert request.messages[1].parts == (ToolCall("toolu_1", "Read", '{"p":"é"}'),)
    assert request.messages[2:] == (
        Message(Role.TOOL, (ToolResult("toolu_1", expected, is_error=True),), "messages.2"),
        Message(Role.USER, (Text("go on"),), "messages.2"),
    )


def test_C3_a_result_without_its_call_is_refused_by_id():
    with pytest.raises(Refusal, match="toolu_gone"):
        decode(messages=[{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_gone"}]}])


def test_C3_a_call_without_its_result_gets_one_that_says_so():
    request = decode(messages=[USER, USE, USER])
    assert request.messages[2].parts == (ToolResult("toolu_1", (Text(NO_RESULT),), is_error=True),)


def test_the_users_words_stay_the_last_text_of_the_turn():
    reminder = {"type": "text", "text": "<system-reminder>x</system-reminder>"}
    assert parts_of(reminder, {"type": "text", "text": "my words"})[-1] == Text("my words")


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (READ, Tool("Read", "d", {"type": "object"})),
        ({**READ, "type": "custom", "defer_loading": True, "cache_control": {}}, Tool("Read", "d", {"type": "object"})),
        (
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
            HostedTool("web_search", {"max_uses": 8}),
        ),
        (
            {"type": "web_search_20260318", "name": "web_search", "allowed_domains": ["a.org"], "cache_control": {}},
            HostedTool("web_search", {"allowed_domains": ["a.org"]}),
        ),
        (
            {"type": "web_fetch_20250910", "name": "web_fetch", "max_uses": 1},
            HostedTool("web_search", {"max_uses": 1}, "tools.web_fetch_20250910"),
        ),
        (
            {"type": "code_execution_20250825", "name": "code_execution", "allowed_callers": ["direct"]},
            HostedTool("code_interpreter", {}, "tools.code_execution_20250825"),
        ),
        ({"type": "advisor_20260301", "name": "advisor", "model": "m"}, HostedTool("advisor_20260301", {"model": "m"})),
        ({"type": "computer_toolset_20260801"}, HostedTool("computer_toolset_20260801")),
    ],
)
def test_every_kind_of_tool_is_read(tool, expected):
    request = decode(tools=[tool])
    assert [*request.tools, *request.hosted_tools] == [expected]


def test_client_tools_known_by_type_get_a_schema_that_the_model_can_use():
    request = decode(
        tools=[
            {"type": "bash_20250124", "name": "bash"},
            {"type": "text_editor_20250728", "name": "edit"},
            {"type": "memory_20250818", "name": "memory"},
            {"type": "computer_20250124", "name": "computer", "display_width_px": 800, "display_height_px": 600},
        ]
    )
    assert [tool.name for tool in request.tools] == ["bash", "edit", "memory", "computer"]
    assert all(tool.schema and tool.schema["properties"]["command"] for tool in request.tools[:3])
    assert request.tools[3].schema
    assert request.tools[3].schema["required"] == ["action"]
    assert "800 x 600" in request.tools[3].description


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, ToolChoice(), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required"), False),
        ({"type": "tool", "name": "Read"}, ToolChoice("named", "Read"), None),
        ({"type": "none"}, ToolChoice("none"), None),
    ],
)
def test_every_form_of_tool_choice_is_read(choice, expected, parallel):
    request = decode(tools=[READ], tool_choice=choice)
    assert (request.tool_choice, request.parallel_tool_calls) == (expected, parallel)


def test_a_choice_of_the_servers_own_search_is_no_call_for_the_client():
    search = {"type": "web_search_20250305", "name": "web_search"}
    request = decode(tools=[search], tool_choice={"type": "tool", "name": "web_search"})
    assert request.tool_choice == ToolChoice(hosted="web_search", path="tool_choice.name")
    assert not request.tool_choice.demands_call
    assert request.given["tool_choice"] == "tool_choice"


LATER = {"name": "WebFetch", "input_schema": {}, "defer_loading": True}
SEARCH_CALL = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "toolu_1", "name": "ToolSearch", "input": {"query": "fetch"}}],
}
SEARCH_TOOL = {"name": "ToolSearch", "input_schema": {}}


def found(*names: str) -> dict[str, Any]:
    references = [{"type": "tool_reference", "tool_name": name} for name in names]
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": references}
    return {"role": "user", "content": [result, {"type": "text", "text": "Tool loaded."}]}


def change(kind: str, **tool: Any) -> dict[str, Any]:
    return {"role": "system", "content": [{"type": kind, "tool": tool}]}


CALLED = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_2", "name": "WebFetch", "input": {}}]}
GONE = change("tool_removal", type="tool_reference", name="WebFetch")


@pytest.mark.parametrize(
    ("messages", "more", "deferred"),
    [
        ([USER], {}, ["WebFetch"]),
        ([USER, SEARCH_CALL, found("WebFetch")], {}, []),
        ([USER, SEARCH_CALL, found("Other")], {}, ["WebFetch"]),
        ([USER, CALLED, USER], {}, []),
        ([USER], {"tool_choice": {"type": "tool", "name": "WebFetch"}}, []),
        ([USER, change("tool_addition", type="tool_reference", name="WebFetch"), USER], {}, []),
        ([USER, CALLED, GONE, USER], {}, ["WebFetch"]),
        (
            [USER, change("tool_removal", type="tool_reference", name="ToolSearch"), USER],
            {},
            ["ToolSearch", "WebFetch"],
        ),
        (
            [
                USER,
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "tool_search_tool_result",
                            "tool_use_id": "s",
                            "content": {
                                "type": "tool_search_tool_search_result",
                                "tool_references": [{"type": "tool_reference", "tool_name": "WebFetch"}],
                            },
                        }
                    ],
                },
                USER,
            ],
            {},
            [],
        ),
    ],
)
def test_deferred_tools_are_shown_once_the_conversation_has_brought_them_up(messages, more, deferred):
    request = decode(messages=messages, tools=[SEARCH_TOOL, LATER], **more)
    assert [tool.name for tool in request.tools] == ["ToolSearch", "WebFetch"]
    assert [tool.name for tool in request.tools if tool.deferred] == deferred


def test_deferred_tools_that_nothing_could_bring_up_are_shown():
    assert not decode(tools=[LATER]).tools[0].deferred
    searched = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
    assert not any(tool.deferred for tool in decode(tools=[SEARCH_TOOL, LATER, searched]).tools)


def test_only_the_tools_that_are_shown_are_limited_to_what_upstreams_take():
    many = [{**LATER, "name": f"t{number}"} for number in range(2000)]
    assert len(decode(tools=[SEARCH_TOOL, *many]).tools) == 2001
    assert refused(tools=[{"name": f"t{number}", "input_schema": {}} for number in range(1025)]) == "tools"


def test_a_tool_defined_in_the_conversation_is_one_more_tool():
    added = change("tool_addition", type="tool_definition", definition={"name": "New", "input_schema": {}})
    request = decode(messages=[USER, added, USER], tools=[READ])
    assert [(tool.name, tool.deferred) for tool in request.tools] == [("Read", False), ("New", False)]


SERVER = {"type": "url", "name": "docs", "url": "https://mcp.example/sse", "authorization_token": "t"}
SENT = {"server_label": "docs", "server_url": "https://mcp.example/sse", "authorization": "t"}


@pytest.mark.parametrize(
    ("server", "tools", "expected"),
    [
        ({}, [], [SENT]),
        ({"tool_configuration": {"enabled": False}}, [], []),
        ({"tool_configuration": {"allowed_tools": ["a"]}}, [], [{**SENT, "allowed_tools": ["a"]}]),
        ({}, [{"type": "mcp_toolset", "mcp_server_name": "docs"}], [SENT]),
        (
            {},
            [
                {
                    "type": "mcp_toolset",
                    "mcp_server_name": "docs",
                    "default_config": {"enabled": False},
                    "configs": {"a": {"enabled": True}, "b": {}},
                }
            ],
            [{**SENT, "allowed_tools": ["a"]}],
        ),
    ],
)
def test_mcp_servers_become_tools_of_the_upstream(server, tools, expected):
    request = decode(mcp_servers=[{**SERVER, **server}], tools=tools)
    assert request.hosted_tools == tuple(HostedTool("mcp", settings, "mcp_servers") for settings in expected)


@pytest.mark.parametrize(
    ("fields", "thinking", "effort", "given_as"),
    [
        ({}, False, None, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True, "low", "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4096}}, True, "medium", "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31999}}, True, "high", "thinking.budget_tokens"),
        ({"thinking": {"type": "adaptive"}}, True, None, None),
        ({"thinking": {"type": "between_tools"}}, True, None, None),
        ({"thinking": {"type": "disabled"}}, False, "none", "thinking"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, False, "low", "output_config.effort"),
        ({"output_config": {"effort": "max"}}, False, "xhigh", "output_config.effort"),
    ],
)
def test_thinking_and_effort_are_read_together(fields, thinking, effort, given_as):
    request = decode(**fields)
    assert (request.thinking, request.effort, request.given.get("effort")) == (thinking, effort, given_as)


@pytest.mark.parametrize("field", [{"output_config": {"format": None}}, {"output_format": None}])
def test_a_json_schema_is_read_from_both_places(field):
    shape = {"type": "json_schema", "schema": {"type": "object"}}
    fields = {"output_config": {"format": shape}} if "output_config" in field else {"output_format": shape}
    assert decode(**fields).format == Format("json_schema", "response", {"type": "object"}, True)


def test_H1_parameters_are_reported_by_the_clients_name():
    request = decode(top_k=40, stop_sequences=["x"], temperature=0, speed="fast", service_tier="auto", container="c_1")
    assert request.given == {
        "top_k": "top_k",
        "speed": "speed",
        "container": "container",
        "temperature": "temperature",
        "stop": "stop_sequences",
        "max_tokens": "max_tokens",
    }
    assert request.temperature == 0.0
    assert request.extra["top_k"] == 40


DOCUMENT = {"type": "document", "citations": {"enabled": True}, "source": {"type": "text", "data": "w"}}


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        ({"messages": [{"role": "user", "content": [DOCUMENT]}]}, "citations"),
        ({"messages": [USER, USE, {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [DOCUMENT]}]}]}, "citations"),
        ({"output_config": {"task_budget": {"type": "tokens", "total": 9}}}, "output_config.task_budget"),
        ({"diagnostics": {"previous_message_id": "msg_1"}}, "diagnostics"),
        ({"fallbacks": "default"}, "fallbacks"),
        ({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}, "context_management"),
    ],
)  # fmt: skip
def test_H1_what_only_anthropic_has_is_reported(fields, reported):
    assert reported in decode(**fields).given.values()


CACHED = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def test_cache_control_is_accepted_everywhere_and_asks_for_nothing():
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "r", **CACHED}]}
    request = decode(
        system=[{"type": "text", "text": "s", **CACHED}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "u", **CACHED}]},
            {"role": "assistant", "content": [{**USE["content"][0], **CACHED}]},  # type: ignore[dict-item]
            {"role": "user", "content": [{**result, **CACHED}]},
        ],
        tools=[{**READ, **CACHED}, {"type": "web_search_20250305", "name": "web_search", **CACHED}],
        **CACHED,
    )
    assert request.given == {"max_tokens": "max_tokens"}
    assert request.hosted_tools == (HostedTool("web_search"),)


def test_thinking_that_nobody_asked_for_comes_in_no_form():
    assert not decode(thinking={"type": "disabled"}).include_encrypted
    assert decode(thinking={"type": "adaptive", "display": "omitted"}).include_encrypted
    assert not decode().include_encrypted


@pytest.mark.parametrize(
    ("user_id", "headers", "sticky"),
    [
        (None, {}, None),
        ("u", {}, "u"),
        ("user_abc_account__session_0f8fad5b-d9cb-469f-a165-70867728950e", {}, "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ('{"device_id":"d","session_id":"s-1"}', {}, "s-1"),
        ("{broken", {}, "{broken"),
        ("u", {"x-claude-code-session-id": "h"}, "h"),
    ],
)
def test_P8_the_session_is_found_where_claude_code_puts_it(user_id, headers, sticky):
    assert decode(headers, metadata={"user_id": user_id}).sticky == sticky


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": {}}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "messages.0.content.0.text"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.0.content.0.source"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "file:///x"}}]}]},
         "messages.0.content.0.source.url"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": 1}]}]},
         "messages.0.content.0.input"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"stop_sequences": [1]}, "stop_sequences.0"),
        ({"tools": [{"name": "a b", "input_schema": {}}]}, "tools.0.name"),
        ({"tools": [READ, READ]}, "tools.1.name"),
        ({"tools": [{"name": "a", "input_schema": []}]}, "tools.0.input_schema"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"tools": [READ], "tool_choice": {"type": "tool", "name": "gone"}}, "tool_choice.name"),
        ({"tools": [{"type": "mcp_toolset", "mcp_server_name": "x"}]}, "tools.0.mcp_server_name"),
        ({"mcp_servers": [SERVER],
          "tools": [{"type": "mcp_toolset", "mcp_server_name": "docs", "configs": {"a": {"enabled": False}}}]},
         "tools.0.configs.a.enabled"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"output_config": {"effort": "vast"}}, "output_config.effort"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_the_path_of_the_field(fields, param):
    assert refused(**fields) == param


@pytest.mark.parametrize(
    "thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}], ids=["create", "continue"]
)
def test_H1_a_message_thread_is_refused_so_that_the_sdk_goes_on_without(thread):
    with pytest.raises(Refusal) as raised:
        decode(messages=[USER], thread=thread)
    status, body = MESSAGES.problem(raised.value.problem)
    details = json.loads(body)["error"]["details"]
    assert (status, details) == (400, {"error_code": "thread_unsupported_request"})
    assert raised.value.problem.param == "thread"
    assert ThreadUnsupportedRequestErrorDetails.model_validate(details, strict=True).error_code


FULL = {
    "model": "m",
    "max_tokens": 10,
    "system": [{"type": "text", "text": "s"}],
    "messages": [
        {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "A"}}, *USER_BLOCKS]},
        USE,
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": USER_BLOCKS}]},
        {"role": "assistant", "content": [{"type": "web_search_tool_result", "content": [{"title": "t", "url": "u"}]}]},
    ],
    "tools": [READ, {"type": "web_search_20250305", "name": "web_search"}, {"type": "bash_20250124", "name": "bash"}],
    "tool_choice": {"type": "tool", "name": "Read"},
    "thinking": {"type": "enabled", "budget_tokens": 5000},
    "output_config": {"format": {"type": "json_schema", "schema": {}}},
    "metadata": {"user_id": "{}"},
    "stop_sequences": ["x"],
    "temperature": 1,
}


@settings(max_examples=400, deadline=None)
@given(hostile(FULL))
def test_Z6_a_spoiled_request_is_read_or_refused_and_nothing_else(body):
    with contextlib.suppress(Refusal):
        assert isinstance(MESSAGES.decode(body, {}), Request)


@given(hostile({"user_id": '{"session_id":"s"}'}))
@settings(max_examples=100, deadline=None)
def test_Z6_any_metadata_is_read_or_refused(metadata):
    with contextlib.suppress(Refusal):
        decode(metadata=json.loads(metadata), messages=[USER])
