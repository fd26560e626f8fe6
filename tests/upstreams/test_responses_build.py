"""The Responses wire, written: what a request becomes, and how tools get their names."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from files import PDF, WAV, attachment, data_uri, png
from grok2api.canonical.problem import Kind, Refusal
from grok2api.canonical.request import (
    File,
    Format,
    HostedTool,
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
from grok2api.upstreams.responses_wire.build import Shape, build_body
from grok2api.upstreams.responses_wire.custom_input import CustomInput
from grok2api.upstreams.responses_wire.tools import ToolNames, hosted_tools

SEARCH = ({"type": "web_search"}, {"type": "x_search"})
HELLO = Message(Role.USER, (Text("Hello"),), "messages.0")


def built(*messages: Message, shape: Shape | None = None, **members: Any) -> dict[str, Any]:
    request = Request(model="m", messages=messages or (HELLO,), **members)
    body = build_body(request, shape or Shape(model="grok-4.3"), ToolNames(request.tools))
    whole = body if isinstance(body, bytes) else body.whole()
    assert len(whole) == len(body)
    return msgspec.json.decode(whole)


def test_the_least_request_leaves_out_what_the_caller_left_out() -> None:
    assert built() == {
        "model": "grok-4.3",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}],
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
    }


@pytest.mark.parametrize(
    ("members", "shape", "expected"),
    [
        ({"temperature": 0.0, "top_p": 0.0}, {}, {"temperature": 0.0, "top_p": 0.0}),
        ({}, {"max_output": 9}, {"max_output_tokens": 9}),
        ({"max_tokens": 5}, {"max_output": 9}, {"max_output_tokens": 5}),
        ({}, {"effort": "none"}, {"reasoning": {"effort": "none"}}),
        ({"format": Format("json_object")}, {}, {"text": {"format": {"type": "json_object"}}}),
        (
            {"format": Format("json_schema", "n", {"type": "object"}, strict=False, description="d")},
            {},
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "schema": {"type": "object"},
                        "strict": False,
                        "description": "d",
                    }
                }
            },
        ),
        ({"parallel_tool_calls": False}, {}, {}),
    ],
)
def test_H1_parameters_are_translated_and_zero_survives(
    members: dict[str, Any], shape: dict[str, Any], expected: dict[str, Any]
) -> None:
    body = built(shape=Shape(model="grok-4.3", **shape), **members)
    assert {key: value for key, value in body.items() if key not in built()} == expected


def test_a_history_goes_out_item_by_item_in_its_order() -> None:
    tools = (Tool("look"), Tool("patch", custom=True))
    body = built(
        Message(Role.SYSTEM, (Text("Be brief."),)),
        HELLO,
        Message(
            Role.ASSISTANT,
            (
                Thinking("hm", encrypted="ENC", id="rs_1"),
                Thinking("not to be sent"),
                Text("One"),
                Text("Two"),
                ToolCall("c1", "look", '{"a": 1}'),
                ToolCall("c2", "patch", 'free "text"\n', custom=True),
                ToolCall("c3", "look", ""),
                Text("Three"),
            ),
        ),
        Message(
            Role.TOOL,
            (
                ToolResult("c1", (Text("4 C"), Text("rain"))),
                ToolResult("c2", (Text("no such file"),), is_error=True, custom=True),
                ToolResult("c3", (Text("Error: gone"),), is_error=True),
            ),
        ),
        tools=tools,
    )
    assert body["input"] == [
        {"role": "system", "content": [{"type": "input_text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "hm"}],
            "encrypted_content": "ENC",
            "id": "rs_1",
        },
        {
            "role": "assistant",
            "content": [{"type": "input_text", "text": "One"}, {"type": "input_text", "text": "Two"}],
        },
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"a": 1}'},
        {"type": "function_call", "call_id": "c2", "name": "patch", "arguments": '{"input":"free \\"text\\"\\n"}'},
        {"type": "function_call", "call_id": "c3", "name": "look", "arguments": "{}"},
        {"role": "assistant", "content": [{"type": "input_text", "text": "Three"}]},
        {"type": "function_call_output", "call_id": "c1", "output": "4 C\nrain"},
        {"type": "function_call_output", "call_id": "c2", "output": "Error: no such file"},
        {"type": "function_call_output", "call_id": "c3", "output": "Error: gone"},
    ]


def test_pictures_and_files_stand_in_the_conversation() -> None:
    look = attachment(png(3, 2), detail="low")
    words = attachment("Grüße\n".encode(), File(name="notes.txt"))
    paper = attachment(PDF, File(name="a.pdf"))
    body = built(HELLO, Message(Role.USER, (look, Text("What?"), words, paper), "messages.1"))
    assert body["input"][1] == {
        "role": "user",
        "content": [
            {"type": "input_image", "image_url": data_uri("image/png", png(3, 2)), "detail": "low"},
            {"type": "input_text", "text": "What?"},
            {"type": "input_text", "text": "The file notes.txt:\n\nGrüße\n"},
            {"type": "input_file", "filename": "a.pdf", "file_data": data_uri("application/pdf", PDF)},
        ],
    }


def test_what_tools_gave_back_as_pictures_follows_behind_the_last_result() -> None:
    def result(ident: str, *parts: Any) -> Message:
        return Message(Role.TOOL, (ToolResult(ident, parts),))

    calls = (ToolCall("c1", "look", "{}"), ToolCall("c2", "look", "{}"))
    body = built(
        Message(Role.ASSISTANT, calls),
        result("c1", Text("one"), attachment(png(1, 1))),
        result("c2", attachment(png(2, 2))),
        HELLO,
    )
    kinds = [item.get("type", item.get("role")) for item in body["input"]]
    assert kinds == ["function_call", "function_call", "function_call_output", "function_call_output", "user", "user"]
    assert [item["output"] for item in body["input"][2:4]] == ["one", ""]
    assert [part["type"] for part in body["input"][4]["content"]] == ["input_text", "input_image", "input_image"]


def test_a_sound_is_refused_by_name() -> None:
    with pytest.raises(Refusal) as caught:
        built(HELLO, Message(Role.USER, (attachment(WAV, File(kind="audio")),), "messages.1"))
    problem = caught.value.problem
    assert (problem.kind, problem.param, problem.code) == (Kind.INVALID, "field", "unsupported_content")


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=4), st.text())
def test_a_body_with_holes_is_what_it_would_be_in_one_piece(files: list[bytes], words: str) -> None:
    parts = [attachment(png(1, 1) + junk, File()) for junk in files]
    sent = msgspec.json.decode(b"".join(pieces_of(Message(Role.USER, (Text(words), *parts)))))
    urls = [part.get("image_url") for part in sent["input"][0]["content"][1:]]
    assert urls == [data_uri("image/png", png(1, 1) + junk) for junk in files]
    assert sent["input"][0]["content"][0]["text"] == words


def pieces_of(*messages: Message) -> Any:
    return build_body(Request(model="m", messages=messages), Shape(model="grok-4.3"), ToolNames(()))


def test_tools_go_out_flat_and_custom_ones_as_functions_of_one_string() -> None:
    body = built(
        tools=(
            Tool("look", "Looks.", {"type": "object", "properties": {"a": {}}}, strict=True),
            Tool("plain"),
            Tool("patch", "Patches.", custom=True, grammar={"syntax": "lark", "definition": "start: A"}),
        ),
        parallel_tool_calls=False,
    )
    look, plain, patch = body["tools"]
    assert look == {
        "type": "function",
        "name": "look",
        "description": "Looks.",
        "parameters": {"type": "object", "properties": {"a": {}}},
        "strict": True,
    }
    assert plain == {"type": "function", "name": "plain", "parameters": {"type": "object", "properties": {}}}
    assert patch["parameters"]["required"] == ["input"]
    assert patch["description"].startswith("Patches.\n\n")
    assert "(lark):\nstart: A" in patch["description"]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("auto", False)


LOOK = (Tool("look"),)
WEB = (HostedTool("web_search"),)


@pytest.mark.parametrize(
    ("choice", "tools", "hosted", "search", "sent", "count"),
    [
        (ToolChoice(), (), (), SEARCH, "auto", 2),
        (ToolChoice(), (), (), (), None, 0),
        (ToolChoice("required"), (), (), SEARCH, "auto", 2),
        (ToolChoice("required"), (), WEB, SEARCH, "required", 1),
        (ToolChoice("required"), LOOK, (), SEARCH, "required", 1),
        (ToolChoice("none"), LOOK, (), SEARCH, "none", 1),
        (ToolChoice("named", "look"), LOOK, WEB, SEARCH, {"type": "function", "name": "look"}, 2),
        (ToolChoice("required"), (), (HostedTool("computer"),), (), None, 0),
    ],
)
def test_the_choice_of_tools(choice: ToolChoice, tools: Any, hosted: Any, search: Any, sent: Any, count: int) -> None:
    body = built(shape=Shape(model="m", search=search), tool_choice=choice, tools=tools, hosted_tools=hosted)
    assert (body.get("tool_choice"), len(body.get("tools", ()))) == (sent, count)


@pytest.mark.parametrize(
    ("declared", "functions", "sent", "ignored"),
    [
        (HostedTool("web_search_preview"), (), [{"type": "web_search"}], ()),
        (HostedTool("x_search", {"to_date": "2026-01-01"}), (), [{"type": "x_search", "to_date": "2026-01-01"}], ()),
        (
            HostedTool("web_search", {"filters": {"allowed_domains": ["x.ai"]}, "search_context_size": "low"}),
            (),
            [{"type": "web_search", "allowed_domains": ["x.ai"]}],
            ("tools.web_search.search_context_size",),
        ),
        (
            HostedTool("web_search", {"blocked_domains": ["a.b"], "max_uses": 3}),
            (),
            [{"type": "web_search", "excluded_domains": ["a.b"]}],
            ("tools.web_search.max_uses",),
        ),
        (
            HostedTool("web_search", {"enable_image_understanding": True}),
            ("view_image",),
            [{"type": "web_search", "enable_image_understanding": False}],
            ("tools.web_search.enable_image_understanding",),
        ),
        (HostedTool("web_search"), ("web_search",), [], ("tools.web_search",)),
        (HostedTool("computer_use_preview"), (), [], ("tools.computer_use_preview",)),
        (
            HostedTool("mcp", {"server_url": "https://m.test", "server_label": "m"}),
            (),
            [{"type": "mcp", "server_url": "https://m.test", "server_label": "m"}],
            (),
        ),
        (HostedTool("code_interpreter", {"a": 1}), (), [{"type": "code_interpreter", "a": 1}], ()),
        (
            HostedTool("web_search", {"allowed_domains": list("abcdef"), "blocked_domains": ["g"]}),
            (),
            [{"type": "web_search", "excluded_domains": ["g"]}],
            ("tools.web_search.allowed_domains",),
        ),
        (
            HostedTool("web_search", {"max_uses": 1}, "tools.web_fetch_1"),
            (),
            [{"type": "web_search"}],
            ("tools.web_fetch_1.max_uses",),
        ),
    ],
)
def test_H1_server_tools_are_sent_translated_or_reported(
    declared: HostedTool, functions: tuple[str, ...], sent: Any, ignored: tuple[str, ...]
) -> None:
    got = hosted_tools((declared,), ToolNames(Tool(name) for name in functions))
    assert (list(got.tools), got.ignored) == (sent, ignored)


def test_one_server_tool_of_each_kind_is_sent_but_every_mcp_server() -> None:
    declared = [
        HostedTool("web_search"),
        HostedTool("web_search_preview"),
        HostedTool("mcp", {"server_label": "a"}),
        HostedTool("mcp", {"server_label": "b"}),
    ]
    assert [tool["type"] for tool in hosted_tools(declared, ToolNames(())).tools] == ["web_search", "mcp", "mcp"]


def test_what_stands_in_for_another_tool_gives_way_to_what_is_declared_as_such() -> None:
    stand_in = HostedTool("web_search", {"allowed_domains": ["a"]}, "tools.web_fetch_1")
    got = hosted_tools((stand_in, HostedTool("web_search", {"excluded_domains": ["b"]})), ToolNames(()))
    assert got.tools == ({"type": "web_search", "excluded_domains": ["b"]},)
    assert got.ignored == ("tools.web_fetch_1.allowed_domains",)


@pytest.mark.parametrize(
    ("tools", "hosted", "sent"),
    [
        ((), ("web_search",), "required"),
        ((Tool("mine"),), ("web_search",), "auto"),
        ((), ("web_search", "code_interpreter"), "auto"),
    ],
)
def test_a_server_tool_is_demanded_only_where_nothing_else_could_be_called(tools: Any, hosted: Any, sent: str) -> None:
    demanded = ToolChoice(hosted="web_search", path="tool_choice.name")
    declared = tuple(HostedTool(kind) for kind in hosted)
    assert built(tools=tools, hosted_tools=declared, tool_choice=demanded)["tool_choice"] == sent


def test_H1_a_demand_of_a_server_tool_that_there_is_not_is_refused_by_name() -> None:
    demanded = ToolChoice(hosted="advisor", path="tool_choice.name")
    with pytest.raises(Refusal) as caught:
        built(hosted_tools=(HostedTool("advisor"), HostedTool("web_search")), tool_choice=demanded)
    assert caught.value.problem.param == "tool_choice.name"


def test_a_deferred_tool_is_not_sent_but_its_call_is_the_clients() -> None:
    tools = (Tool("mine"), Tool("later", deferred=True))
    assert [tool["name"] for tool in built(tools=tools)["tools"]] == ["mine"]
    assert ToolNames(tools).tool("later") == tools[1]


def test_names_are_unique_and_lead_back_to_the_clients_tool() -> None:
    tools = (
        Tool("close"),
        Tool("close", namespace="agents"),
        Tool("open", namespace="agents"),
        Tool("close", namespace="files"),
        Tool("agents__close"),
        Tool("close"),
    )
    names = ToolNames(tools)
    wire = [name for name, _ in names.declared()]
    assert wire == ["close", "agents__close", "open", "files__close", "agents__close_2"]
    for tool in tools:
        assert names.tool(names.name(tool.name, tool.namespace)) == tool
    assert names.tool("unknown") is None
    assert names.name("gone") == "gone"


_inputs = st.text(alphabet=st.sampled_from('ab "\\\n\t\u2028é漢😀{}:/u0d8'), max_size=20)


@given(text=_inputs, ascii_only=st.booleans(), cuts=st.lists(st.integers(1, 9), max_size=12))
@settings(max_examples=200, deadline=None)
def test_C3_a_custom_input_is_taken_out_of_its_arguments_in_any_cut(
    text: str, ascii_only: bool, cuts: list[int]
) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    decoder, told = CustomInput(), ""
    for cut in [*cuts, len(arguments)]:
        told += decoder.feed(arguments[:cut])
        arguments = arguments[cut:]
    assert told + decoder.close() == text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("plain words", "plain words"),
        ("", ""),
        ('{"other":1}', '{"other":1}'),
        ('{"path":"p","input":"late"}', "late"),
        ('{ "input" : "spaced" }', "spaced"),
        ('{"input":5}', '{"input":5}'),
        ('"just a string"', '"just a string"'),
        ('{"input":"' + "x" * 200 + '","more":1}', "x" * 200),
    ],
)
def test_arguments_in_other_forms_are_told_at_the_end(arguments: str, expected: str) -> None:
    for size in (1, 7, 1000):
        decoder = CustomInput()
        told = "".join(decoder.feed(arguments[i : i + size]) for i in range(0, len(arguments), size))
        assert told + decoder.close() == expected


def test_a_custom_input_streams() -> None:
    decoder = CustomInput()
    assert [decoder.feed(piece) for piece in ('{"inp', 'ut":"He', "llo\\", "n\\ud8", '3d\\ude00!"', "}")] == [
        "", "He", "llo", "\n", "😀!", "",
    ]  # fmt: skip
