"""JSON answers: how they are asked for, and which pass."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.canonical.events import (
    CallArgued,
    CallClosed,
    CallOpened,
    Cited,
    Ended,
    Fact,
    Failed,
    Finish,
    Said,
    Thought,
)
from grok2api.canonical.problem import Kind
from grok2api.canonical.request import Format, Message, Request, Role, Text
from grok2api.tools import structured

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OBJECT = Format("json_object")
CITY = Format("json_schema", "place", SCHEMA, True, "A place.")
LIST = Format("json_schema", "list", {"type": "array", "items": {"type": "integer"}})
NUMBER = Format("json_schema", "number", {"type": "integer"})


def verify(asked: Format, text: str, end: Fact | None = None) -> list[Fact]:
    stage = structured.Verify(asked)
    out = [fact for char in text for fact in stage.feed([Said(char)])]
    assert out == []
    return stage.feed([end or Ended()])


@pytest.mark.parametrize(
    ("asked", "text", "wanted"),
    [
        (CITY, '{"city": "Oslo"}', '{"city": "Oslo"}'),
        (CITY, '\n {\n "city" : "Oslo" }\n', '{\n "city" : "Oslo" }'),
        (CITY, '```json\n{"city": "Oslo"}\n```', '{"city": "Oslo"}'),
        (CITY, 'Here [1] it is:\n```\n{"city": "Oslo"}\n```\nAnything {else}?', '{"city": "Oslo"}'),
        (CITY, 'Sure: {"city": "Os{lo}"} - ok?', '{"city": "Os{lo}"}'),
        (CITY, '{"town": 1} or {"city": "Oslo"}', '{"city": "Oslo"}'),
        (CITY, '{"city": "a ```b\\n{}``` c"}', '{"city": "a ```b\\n{}``` c"}'),
        (CITY, '{"city": "Os\nlo",}', '{"city":"Os\\nlo"}'),
        (OBJECT, '{"a": [1.50]}', '{"a": [1.50]}'),
        (LIST, "[1, 2]", "[1, 2]"),
        (NUMBER, " 7\n", "7"),
    ],
)
def test_the_bare_json_passes(asked: Format, text: str, wanted: str) -> None:
    assert verify(asked, text) == [Said(wanted), Ended()]


@pytest.mark.parametrize(
    ("asked", "text", "reason"),
    [
        (CITY, "I cannot say.", "not JSON"),
        (CITY, '{"city": 7}', "$.city: 7 is not of type 'string'"),
        (CITY, '{"city": "Oslo"', "not JSON"),
        (OBJECT, "[1]", "must be one JSON object"),
        (OBJECT, '{"a": NaN}', "not JSON"),
        (OBJECT, "[" * 5_000, "not JSON"),
    ],
)
def test_anything_else_is_broken_and_says_why(asked: Format, text: str, reason: str) -> None:
    (failed,) = verify(asked, text)
    assert isinstance(failed, Failed)
    assert (failed.problem.kind, failed.problem.code) == (Kind.FORMAT_BROKEN, "invalid_structured_output")
    assert reason in failed.problem.message


@pytest.mark.parametrize("finish", [Finish.LENGTH, Finish.CONTENT_FILTER, Finish.STOP_SEQUENCE])
def test_an_answer_that_was_cut_short_is_not_judged(finish: Finish) -> None:
    assert verify(CITY, '{"city": "Os', Ended(finish)) == [Said('{"city": "Os'), Ended(finish)]


def test_an_empty_answer_stays_empty() -> None:
    assert verify(CITY, " \n") == [Ended()]


def test_thinking_passes_at_once() -> None:
    stage = structured.Verify(CITY)
    assert stage.feed([Thought("hm"), Said("{"), Thought("so")]) == [Thought("hm"), Thought("so")]


def test_an_answer_that_calls_is_not_judged() -> None:
    call: list[Fact] = [CallOpened("call_1", "f"), CallArgued("{}"), CallClosed()]
    end = Ended(Finish.TOOL_CALLS)
    assert structured.Verify(CITY).feed([Said("One moment."), *call, Said("ok"), end]) == [
        Said("One moment."),
        *call,
        Said("ok"),
        end,
    ]


def test_citations_inside_the_json_move_with_it() -> None:
    text = 'So: {"city": "Oslo [[1]](u)"} [[2]](v)'
    stage = structured.Verify(CITY)
    cited: list[Fact] = [
        Cited("u", "", text.index("[["), text.index("[[") + 8),
        Cited("v", "", len(text) - 8, len(text)),
    ]
    assert stage.feed([Said(text), *cited, Ended()]) == [
        Said('{"city": "Oslo [[1]](u)"}'),
        Cited("u", "", 15, 23),
        Ended(),
    ]


_JSON = st.dictionaries(
    st.text(max_size=5),
    st.recursive(st.text(max_size=9) | st.integers() | st.none(), lambda v: st.lists(v, max_size=3)),
    max_size=4,
)


@given(_JSON, st.sampled_from(["", "Here it is:\n", "```json\n"]), st.sampled_from([None, 2]))
@settings(max_examples=150, deadline=None)
def test_any_object_passes_as_it_was_written(value: Any, before: str, indent: int | None) -> None:
    written = json.dumps(value, indent=indent, ensure_ascii=False)
    after = "\n```" if before.startswith("```") else ""
    assert verify(OBJECT, before + written + after) == [Said(written), Ended()]


def test_the_form_is_asked_for_in_a_system_message() -> None:
    asked = Request(model="m", messages=(Message(Role.USER, (Text("Where?"),)),), format=CITY)
    instructed = structured.instruct(asked)
    first = instructed.messages[0]
    assert (first.role, instructed.messages[1:], instructed.format) == (Role.SYSTEM, asked.messages, CITY)
    assert isinstance(first.parts[0], Text)
    for words in (json.dumps(SCHEMA, separators=(",", ":")), "place", "A place."):
        assert words in first.parts[0].text


def test_text_is_not_asked_for() -> None:
    asked = Request(model="m", messages=(Message(Role.USER, (Text("Where?"),)),))
    assert structured.instruct(asked) is asked
    facts: list[Fact] = [Said("Oslo"), Ended()]
    assert structured.Verify(Format()).feed(facts) == facts


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"city": "Oslo"}', ['{"city"', ': "Oslo"}']),
        ('\n {"city": "Oslo"}', ['\n {"cit', 'y": "Oslo"}']),
        ('{"town": "Oslo"}', ['{"town"', ': "Oslo"}']),
        ('```{"city": "Oslo"}```', ['{"city": "Oslo"}']),
    ],
)
def test_an_upstream_that_writes_the_form_itself_is_believed_once_it_begins_so(text: str, told: list[str]) -> None:
    stage = structured.Verify(CITY, native=True)
    out = [fact for piece in (text[:7], text[7:]) for fact in stage.feed([Said(piece)])]
    out += stage.feed([Ended()])
    assert out == [*(Said(piece) for piece in told), Ended()]
