"""Tools in words: what a model is told, and how its earlier calls look."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sieving import AUTO, CLOSE, PATCH, TOOLS, WEATHER, WRITE, run, told

from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import (
    Format,
    HostedTool,
    Message,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from grok2api.tools import prompt, render
from grok2api.tools.offers import Offers

USER = Message(Role.USER, (Text("Weather?"),), "messages.0")


def request(
    *messages: Message, choice: ToolChoice = AUTO, parallel: bool | None = None, tools: tuple[Tool, ...] = TOOLS
) -> Request:
    return Request(
        model="m", messages=messages or (USER,), tools=tools, tool_choice=choice, parallel_tool_calls=parallel
    )


def system(asked: Request) -> str:
    first = prompt.inject(asked).messages[0]
    assert first.role is Role.SYSTEM
    assert isinstance(first.parts[0], Text)
    return first.parts[0].text


def test_the_tools_are_told_first_and_gone_from_the_request() -> None:
    asked = request()
    injected = prompt.inject(asked)
    assert (injected.tools, injected.tool_choice, injected.parallel_tool_calls) == ((), ToolChoice(), None)
    assert injected.messages[1:] == asked.messages
    text = system(asked)
    for tool in TOOLS:
        assert tool.description in text
    assert json.dumps(WEATHER.schema, separators=(",", ":")) in text
    assert render.EXAMPLE in text


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (ToolChoice(), "only when it is needed"),
        (ToolChoice("required"), "must call at least one tool"),
        (ToolChoice("named", "get_weather"), "must call the tool get_weather, and no other"),
        (ToolChoice("named", "close"), "must call the tool mcp__agents__close"),
    ],
)
def test_the_choice_is_told(choice: ToolChoice, words: str) -> None:
    assert words in system(request(choice=choice))


def test_a_named_choice_offers_only_that_tool() -> None:
    text = system(request(choice=ToolChoice("named", "get_weather")))
    assert "### get_weather" in text
    assert "### write_file" not in text


def test_one_call_at_most_is_told() -> None:
    assert "At most one <tool_call>" in system(request(parallel=False))
    assert "At most one <tool_call>" not in system(request())


def test_a_custom_tool_is_told_with_its_grammar() -> None:
    text = system(request())
    assert "start: /.+/" in text
    assert '{"input": "the text"}' in text


def test_a_namespaced_tool_is_offered_by_a_name_of_its_own() -> None:
    twin = Tool("close", namespace="other")
    text = system(request(tools=(CLOSE, twin, Tool("close"))))
    assert [line for line in text.splitlines() if line.startswith("### ")] == [
        "### mcp__agents__close",
        "### other__close",
        "### close",
    ]


@pytest.mark.parametrize("asked", [request(choice=ToolChoice("none")), request(tools=())])
def test_nothing_is_told_where_nothing_is_offered(asked: Request) -> None:
    assert prompt.inject(asked).messages == asked.messages


def test_hosted_tools_stay() -> None:
    asked = Request(model="m", messages=(USER,), hosted_tools=(HostedTool("web_search"),))
    assert prompt.inject(asked) == asked


def test_earlier_calls_are_shown_in_the_canonical_form() -> None:
    called = Message(
        Role.ASSISTANT, (Text("One moment."), ToolCall("call_1", "get_weather", '{ "city": "Oslo" }')), "messages.1"
    )
    result = Message(Role.TOOL, (ToolResult("call_1", (Text("rain"),), is_error=True),), "messages.2")
    injected = prompt.inject(request(USER, called, result))
    assert injected.messages[2].parts == (
        Text("One moment."),
        Text(render.EXAMPLE.replace("NAME", "get_weather").replace('{"key": "value"}', '{"city":"Oslo"}')),
    )
    assert injected.messages[2].path == "messages.1"
    assert injected.messages[3] == result


def test_earlier_calls_are_shown_even_when_none_may_be_made() -> None:
    called = Message(Role.ASSISTANT, (ToolCall("call_1", "gone", "not json"),))
    shown = prompt.inject(request(called, choice=ToolChoice("none"))).messages[0].parts[0]
    assert isinstance(shown, Text)
    assert "<parameters>not json</parameters>" in shown.text


def test_parallel_calls_bear_their_ids() -> None:
    made = [ToolCall('call_1"', "write_file", "{}"), ToolCall("call_2", "apply_patch", 'a "b"\n', custom=True)]
    text = render.calls(made, Offers(TOOLS))
    assert '<tool_call id="call_1">' in text
    assert '<tool_call id="call_2">' in text


_ARGUMENTS = st.dictionaries(st.text(max_size=6), st.text(max_size=12) | st.integers() | st.none(), max_size=4)
_CALLS = st.one_of(
    st.builds(lambda value: ToolCall("c", "write_file", json.dumps(value, separators=(",", ":"))), _ARGUMENTS),
    st.builds(lambda value: ToolCall("c", "close", json.dumps(value), namespace="mcp__agents"), _ARGUMENTS),
    st.builds(lambda text: ToolCall("c", "apply_patch", text, custom=True), st.text(min_size=1, max_size=30)),
)


@given(st.lists(_CALLS, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_what_is_rendered_is_read_back(made: list[ToolCall]) -> None:
    items = told(run([render.calls(made, Offers((WRITE, PATCH, CLOSE)))]))
    assert len(items) == len(made) + 1
    for item, call in zip(items[:-1], made, strict=True):
        assert item[1] == (f"{call.namespace}/{call.name}" if call.namespace else call.name)
        assert item[2] == call.arguments if call.custom else json.loads(item[2]) == json.loads(call.arguments)


@pytest.mark.parametrize("kind", [Kind.CALL_MISSING, Kind.CALL_BROKEN, Kind.FORMAT_BROKEN])
def test_asking_again_shows_what_was_said_and_what_is_wrong(kind: Kind) -> None:
    injected = prompt.inject(request())
    again = prompt.reask(injected, Problem(kind=kind, message="$.city: {7} is not a string."), "I looked.")
    assert again.messages[: len(injected.messages)] == injected.messages
    said, correction = again.messages[len(injected.messages) :]
    assert (said.role, said.parts) == (Role.ASSISTANT, (Text("I looked."),))
    assert correction.role is Role.USER
    assert isinstance(correction.parts[0], Text)
    assert "$.city: {7} is not a string" in correction.parts[0].text


def test_asking_again_after_silence_shows_no_empty_turn() -> None:
    again = prompt.reask(request(), Problem(kind=Kind.CALL_MISSING, message="none"), " \n")
    assert [message.role for message in again.messages] == [Role.USER, Role.USER]


def test_the_form_of_the_answer_is_not_the_prompts_business() -> None:
    asked = Request(model="m", messages=(USER,), tools=TOOLS, format=Format("json_object"))
    assert prompt.inject(asked).format == Format("json_object")


def test_offers_find_no_name_that_is_doubtful() -> None:
    tools = [Tool("close", namespace=name) for name in ("a", "b")]
    offers = Offers(tools)
    assert offers.find("close") is None
    assert [offers.find(f"{name}.close") for name in ("a", "b")] == tools
    assert [name for name, _ in itertools.chain(offers)] == ["a__close", "b__close"]
