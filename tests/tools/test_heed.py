"""An upstream with tools of its own, held to `tool_choice` and `parallel_tool_calls`."""

from collections.abc import Sequence

import pytest

from grok2api.canonical.events import CallArgued, CallClosed, CallOpened, Ended, Fact, Failed, Finish, Said, Thought
from grok2api.canonical.problem import Kind
from grok2api.canonical.request import HostedTool, Message, Request, Role, Text, Tool, ToolChoice
from grok2api.tools.heed import Heed, demands, reask


def call(name: str, ident: str = "call_1") -> list[Fact]:
    return [CallOpened(ident, name), CallArgued("{}"), CallClosed()]


def run(heed: Heed, facts: Sequence[Fact]) -> list[Fact]:
    return [out for fact in facts for out in heed.feed([fact])]


CALLED, STOPPED = Ended(Finish.TOOL_CALLS), Ended(Finish.STOP)
AUTO, NONE, REQUIRED, NAMED = (
    ToolChoice(),
    ToolChoice("none"),
    ToolChoice("required"),
    ToolChoice("named", "f"),
)


@pytest.mark.parametrize(
    ("choice", "parallel", "facts", "kept"),
    [
        (AUTO, True, [*call("f"), *call("g"), CALLED], [*call("f"), *call("g"), CALLED]),
        (AUTO, False, [*call("f"), *call("g"), CALLED], [*call("f"), CALLED]),
        (NONE, True, [Said("a"), *call("f"), CALLED], [Said("a"), STOPPED]),
        (NAMED, True, [*call("g"), *call("f"), CALLED], [*call("f"), CALLED]),
        (REQUIRED, True, [Thought("t"), Said("a"), *call("g"), CALLED], [Thought("t"), Said("a"), *call("g"), CALLED]),
        (REQUIRED, True, [Said("a"), Ended(Finish.LENGTH)], [Said("a"), Ended(Finish.LENGTH)]),
        (REQUIRED, True, [Said("a"), Ended(Finish.CONTENT_FILTER)], [Said("a"), Ended(Finish.CONTENT_FILTER)]),
    ],
)
def test_calls_that_nobody_allowed_are_dropped(
    choice: ToolChoice, parallel: bool, facts: list[Fact], kept: list[Fact]
) -> None:
    assert run(Heed(choice, demanded=choice.demands_call, parallel=parallel), facts) == kept


@pytest.mark.parametrize(("choice", "facts"), [(REQUIRED, [Said("a"), STOPPED]), (NAMED, [*call("g"), CALLED])])
def test_a_demanded_call_that_does_not_come_fails_before_anything_is_shown(
    choice: ToolChoice, facts: list[Fact]
) -> None:
    [failed] = run(Heed(choice, demanded=True, parallel=True), facts)
    assert isinstance(failed, Failed)
    assert failed.problem.kind is Kind.CALL_MISSING


def test_a_tool_of_the_upstreams_own_may_satisfy_a_demand_of_any_tool() -> None:
    request = Request(model="m", messages=(), tools=(Tool("f"),), tool_choice=REQUIRED)
    assert demands(request)
    hosted = (HostedTool("web_search"),)
    assert not demands(Request(model="m", messages=(), tools=(Tool("f"),), hosted_tools=hosted, tool_choice=REQUIRED))
    assert demands(Request(model="m", messages=(), tools=(Tool("f"),), hosted_tools=hosted, tool_choice=NAMED))


def test_asking_again_speaks_of_no_block() -> None:
    request = Request(model="m", messages=(Message(Role.USER, (Text("hi"),)),), tools=(Tool("f"),))
    [failed] = run(Heed(NAMED, demanded=True, parallel=True), [STOPPED])
    assert isinstance(failed, Failed)
    again = reask(request, failed.problem, "some words")
    assert [message.role for message in again.messages] == [Role.USER, Role.ASSISTANT, Role.USER]
    [correction] = again.messages[-1].parts
    assert isinstance(correction, Text)
    assert "<tool_calls>" not in correction.text
    assert "the tool f" in correction.text
