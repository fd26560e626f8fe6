"""The sieve's rules one by one: what is demanded, what is dropped, what is held, where citations point."""

from typing import Any

import pytest
from sieving import AUTO, CUTS, NAMED, REQUIRED, TOOLS, WEATHER, block, run, sieve, told

from grok2api.canonical.events import (
    CallArgued,
    CallClosed,
    CallOpened,
    Cited,
    Ended,
    Fact,
    Failed,
    Finish,
    Produced,
    Said,
    Searched,
    Thought,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import ToolChoice

OSLO = block(("get_weather", '{"city":"Oslo"}'))
LONG = '{"text":"' + "x" * 200 + '"}'


@pytest.mark.parametrize("choice", [REQUIRED, NAMED])
@pytest.mark.parametrize("cut", CUTS)
def test_a_demanded_call_that_does_not_come_is_missing(choice: ToolChoice, cut: Any) -> None:
    facts = run(cut("I looked it up: it rains in Oslo."), choice)
    assert told(facts) == [["failed", "call_missing"]]
    assert isinstance(facts[-1], Failed)
    assert facts[-1].problem.code == "tool_call_missing"


@pytest.mark.parametrize("cut", CUTS)
def test_text_before_a_demanded_call_waits_for_it(cut: Any) -> None:
    made = sieve(REQUIRED)
    text = f"One moment.\n{OSLO}"
    before, rest = text[:20], text[20:]
    assert [fact for piece in cut(before) for fact in made.feed([Said(piece)])] == []
    facts = [fact for piece in cut(rest) for fact in made.feed([Said(piece)])] + made.feed([Ended()])
    assert told(facts) == [["text", "One moment."], ["call", "get_weather", '{"city":"Oslo"}'], ["end", "tool_calls"]]


def test_a_demanded_call_of_another_tool_does_not_count() -> None:
    assert told(run([block(("write_file", "{}"))], NAMED)) == [["failed", "call_missing"]]


def test_a_demanded_call_that_is_cut_is_broken() -> None:
    assert told(run([OSLO[: OSLO.index("slo")]], REQUIRED)) == [["failed", "call_broken"]]


def test_a_demanded_call_against_its_schema_is_broken_and_says_why() -> None:
    facts = run([block(("get_weather", '{"town":"Oslo"}'))], REQUIRED)
    assert isinstance(facts[-1], Failed)
    assert "get_weather" in facts[-1].problem.message
    assert "'city' is a required property" in facts[-1].problem.message


def test_a_moderated_answer_is_not_asked_for_again() -> None:
    assert told(run(["No."], REQUIRED, end=Ended(Finish.CONTENT_FILTER))) == [
        ["text", "No."],
        ["end", "content_filter"],
    ]


def test_nothing_follows_a_failure() -> None:
    made = sieve(REQUIRED)
    assert told(made.feed([Said("no"), Ended(), Said("more")])) == [["failed", "call_missing"]]
    assert made.feed([Said("more"), Ended()]) == []


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("hold", [0, 128])
def test_without_parallel_calls_the_first_call_counts(cut: Any, hold: int) -> None:
    text = block(("get_weather", '{"city":"Oslo"}'), ("get_weather", '{"city":"Rome"}')) + "\nok"
    assert told(run(cut(text), parallel=False, hold=hold)) == [
        ["call", "get_weather", '{"city":"Oslo"}'],
        ["text", "ok"],
        ["end", "tool_calls"],
    ]


def test_parallel_calls_keep_their_order_and_have_ids_of_their_own() -> None:
    facts = run([block(("write_file", "{}"), ("get_weather", '{"city":"Oslo"}'), ("write_file", '{"a":1}'))])
    opened = [(fact.id, fact.name) for fact in facts if isinstance(fact, CallOpened)]
    assert opened == [("call_1", "write_file"), ("call_2", "get_weather"), ("call_3", "write_file")]


def test_thinking_that_mentions_tags_is_left_alone() -> None:
    facts: list[Fact] = [Thought(f"I will write {OSLO}"), Said("Hello"), Ended()]
    assert sieve().feed(facts) == facts


def test_searches_of_the_upstream_are_never_calls() -> None:
    search = Searched("web_search", "weather Oslo", id="ws_1")
    assert told(sieve().feed([search, Said("Rain."), Ended()])) == [["Searched"], ["text", "Rain."], ["end", "stop"]]


def test_thinking_inside_a_streamed_call_waits_for_its_end() -> None:
    made = sieve()
    text = block(("write_file", LONG))
    facts = made.feed([Said(text[:250]), Thought("hm"), Said(text[250:]), Ended()])
    kinds = [type(fact) for fact in facts]
    assert kinds.index(Thought) == kinds.index(CallClosed) + 1


@pytest.mark.parametrize("text", ["plain", " words", "a|b", "x > y", "né 漢", "tail ", "&", "1"])
def test_plain_words_pass_the_moment_they_come(text: str) -> None:
    made = sieve()
    made.feed([Said("Well,")])
    assert "".join(fact.text for fact in made.feed([Said(text), Said(".")]) if isinstance(fact, Said)) == text + "."


def test_no_more_is_held_than_what_may_be_a_call() -> None:
    made = sieve()
    assert made.feed([Said("a <tool")]) == [Said("a ")]
    assert told(made.feed([Said("box> b")])) == [["text", "<toolbox> b"]]
    assert made.feed([Said(" <tool_calls> ")]) == [Said(" ")]
    assert told(made.feed([Said("is a tag")])) == [["text", "<tool_calls> is a tag"]]


def test_an_undeclared_call_is_let_go_at_its_name() -> None:
    made = sieve()
    assert told(made.feed([Said("<tool_call><tool_name>launch")])) == []
    assert told(made.feed([Said("</tool_name>")])) == [["text", "<tool_call><tool_name>launch</tool_name>"]]


def test_C3_long_arguments_are_streamed_as_they_arrive() -> None:
    made = sieve()
    text = block(("write_file", LONG))
    at = text.index("x" * 150) + 150
    early = made.feed([Said(text[:at])])
    assert isinstance(early[0], CallOpened)
    assert "".join(fact.text for fact in early if isinstance(fact, CallArgued)) == '{"text":"' + "x" * 150
    assert made.feed([Said("yy")]) == [CallArgued("yy")]


def test_small_arguments_are_judged_before_anything_is_shown() -> None:
    made = sieve()
    text = block(("get_weather", '{"city":7}'))
    assert made.feed([Said(text[:-20])]) == []
    assert told(made.feed([Said(text[-20:]), Ended()])) == [["failed", "call_broken"]]


@pytest.mark.parametrize("end", range(len(block(("write_file", LONG))) + 1))
def test_an_answer_that_ends_anywhere_is_text_or_a_valid_call(end: int) -> None:
    text = block(("write_file", LONG))[:end]
    items = told(run([text]))
    if items[0][0] == "call":
        assert items[0][2].startswith('{"text":"x')
        assert items[0][2].endswith('x"}')
        assert items[1:] == [["end", "tool_calls" if '"}' in text else "length"]]
    else:
        assert items == ([["text", text]] if text else []) + [["end", "stop"]]


def test_a_broken_stream_passes_its_problem_on() -> None:
    problem = Failed(Problem(kind=Kind.CUT, message="cut"))
    assert sieve().feed([Said("Hello\n"), problem]) == [Said("Hello"), Said("\n"), problem]
    assert sieve(REQUIRED).feed([Said("Hello"), problem]) == [problem]


def test_the_end_keeps_its_usage_and_its_reason() -> None:
    usage = Usage(input=1, output=2)
    facts = run([OSLO], end=Ended(Finish.STOP, usage))
    assert facts[-1] == Ended(Finish.TOOL_CALLS, usage)
    assert run([OSLO], end=Ended(Finish.LENGTH))[-1] == Ended(Finish.LENGTH)
    assert run(["hi"], end=Ended(Finish.STOP_SEQUENCE, None, "x"))[-1] == Ended(Finish.STOP_SEQUENCE, None, "x")


def test_after_a_picture_was_shown_nothing_is_asked_again() -> None:
    facts = sieve().feed([Produced("https://a/b.png"), Said(block(("get_weather", '{"city":7}'))), Ended()])
    assert told(facts)[1:] == [["call", "get_weather", '{"city":7}'], ["end", "tool_calls"]]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("choice", [AUTO, REQUIRED])
def test_citations_move_by_what_was_removed(cut: Any, choice: ToolChoice) -> None:
    before, after = "See [[1]](a).", "And [[2]](b) too."
    text = f"{before}\n\n{OSLO}\n\n{after}"
    first, second = text.index("[[1]]"), text.index("[[2]]")
    inside = text.index("Oslo")
    made = sieve(choice)
    facts = [fact for piece in cut(text) for fact in made.feed([Said(piece)])]
    for start in (first, inside, second):
        facts += made.feed([Cited("u", "t", start, start + 8)])
    facts += made.feed([Ended()])
    shown = before + after
    spans = [(fact.start, fact.end) for fact in facts if isinstance(fact, Cited)]
    assert [shown[start:end] for start, end in spans] == ["[[1]](a)", "[[2]](b)"]


def test_a_citation_waits_for_its_text() -> None:
    made = sieve()
    assert made.feed([Said("a\n"), Cited("u", "t", 0, 2)]) == [Said("a")]
    assert made.feed([Said("b")]) == [Said("\nb"), Cited("u", "t", 0, 2)]


def test_without_an_offer_everything_is_text() -> None:
    text = OSLO + '{"tool_calls":[]}'
    assert told(run([text], ToolChoice("none"))) == [["text", text], ["end", "stop"]]
    assert told(run([text], tools=[])) == [["text", text], ["end", "stop"]]


def test_a_namespaced_tool_is_found_by_its_other_spellings() -> None:
    for name in ("mcp__agents__close", "mcp__agents.close", "close"):
        facts = run([block((name, "{}"))])
        assert facts[0] == CallOpened("call_1", "close", False, "mcp__agents")


def test_the_same_answer_folds_alike_for_any_hold() -> None:
    text = "Hm.\n" + block(("write_file", LONG), ("get_weather", '{"city":"Oslo"}'))
    answers = [told(run([text], hold=hold, tools=TOOLS)) for hold in (0, 50, 10_000)]
    assert answers[0] == answers[1] == answers[2]


def test_many_tags_that_open_nothing_cost_little() -> None:
    text = "<tool_calls><tool_call><tool_name>" * 3_000 + "&lt;tool_calls&gt;{" * 3_000
    assert told(run([text], tools=[WEATHER])) == [["text", text], ["end", "stop"]]
