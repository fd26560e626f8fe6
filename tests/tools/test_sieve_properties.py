"""What holds for the sieve whatever a model writes and however it arrives."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sieving import AUTO, REQUIRED, block, run, sieve, told

from grok2api.canonical.events import CallArgued, Ended, Said, Thought
from grok2api.canonical.request import Tool

_CALL_LIKE = ("<tool_call", "<function_call", "<invoke", "&lt;")
_BITS = st.sampled_from(
    [
        "<",
        "</",
        "<b>",
        "<tool",
        "tool_calls>",
        "&",
        "&lt",
        "&amp;",
        "`",
        "```",
        "```xml\n",
        "\n",
        "\n\n",
        " ",
        "{",
        "[",
        "é漢😀",
    ]
)
_PROSE = st.lists(_BITS | st.text(max_size=8), max_size=12).map("".join)
_PLAIN = _PROSE.filter(lambda text: not any(mark in text.lower() for mark in _CALL_LIKE))

_HARD = st.sampled_from(
    ["</tool_calls>", "</parameters>", "<tool_call>", "&lt;", '"', "\\", "\n", "\\n", "\u2028", "😀", "}", "`"]
)
_STRINGS = st.lists(_HARD | st.text(max_size=6), max_size=6).map("".join)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_STRINGS, inner, max_size=3),
    max_leaves=8,
)
_ARGUMENTS = st.dictionaries(_STRINGS, _VALUES, max_size=4)
_TOOL = Tool("write_file", schema={"type": "object"})


@st.composite
def _pieces(draw: st.DrawFn, text: str) -> list[str]:
    marks = sorted(draw(st.sets(st.integers(0, max(0, len(text))), max_size=8)))
    edges = [0, *marks, len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


def _said(items: list[list[Any]]) -> str:
    return "".join(item[1] for item in items if item[0] == "text")


@given(_PLAIN, st.data())
@settings(max_examples=300, deadline=None)
def test_text_without_a_call_is_neither_lost_nor_invented(text: str, data: st.DataObject) -> None:
    items = told(run(data.draw(_pieces(text))))
    assert _said(items) == text
    assert items[-1] == ["end", "stop"]


@given(_PROSE, st.data())
@settings(max_examples=200, deadline=None)
def test_text_that_only_looks_like_calls_is_kept_too(text: str, data: st.DataObject) -> None:
    text = text.replace("<b>", "<tool_calls>").replace("&amp;", "&lt;tool_calls&gt;").replace("</", "<tool_call>\n")
    assert _said(told(run(data.draw(_pieces(text))))) == text


@given(
    st.lists(
        _PLAIN.map(lambda text: "x" + text.replace("`", "").replace("&", "") + "x") | _ARGUMENTS, min_size=1, max_size=5
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 10, 128]),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_prose_and_calls_come_apart_in_any_cut(
    parts: list[Any], fenced: bool, pretty: bool, hold: int, data: st.DataObject
) -> None:
    text, wanted = "", []
    for part in parts:
        if isinstance(part, str):
            text += part
            wanted.append(["text", part])
        else:
            written = block(("write_file", json.dumps(part, indent=2 if pretty else None, ensure_ascii=pretty)))
            text += f"\n```xml\n{written}\n```\n" if fenced else f"\n{written}\n"
            wanted.append(["call", part])
    items = told(run(data.draw(_pieces(text)), tools=[_TOOL], hold=hold))
    seen = [["call", json.loads(item[2])] if item[0] == "call" else item for item in items[:-1]]
    assert seen == _joined(wanted)


def _joined(items: list[list[Any]]) -> list[list[Any]]:
    out: list[list[Any]] = []
    for kind, value in items:
        if out and kind == "text" == out[-1][0]:
            out[-1] = ["text", out[-1][1] + value]
        else:
            out.append([kind, value])
    return out


@given(_ARGUMENTS, st.booleans(), st.data())
@settings(max_examples=200, deadline=None)
def test_C3_argument_deltas_concatenate_to_the_arguments(arguments: Any, pretty: bool, data: st.DataObject) -> None:
    written = json.dumps(arguments, indent=1 if pretty else None, ensure_ascii=not pretty)
    facts = run(data.draw(_pieces(block(("write_file", written)))), tools=[_TOOL], hold=data.draw(st.integers(0, 40)))
    joined = "".join(fact.text for fact in facts if isinstance(fact, CallArgued))
    assert json.loads(joined) == arguments
    assert joined == json.dumps(arguments, separators=(",", ":"), ensure_ascii=not pretty)


@given(_ARGUMENTS, st.data())
@settings(max_examples=200, deadline=None)
def test_C3_arguments_are_valid_json_wherever_the_answer_ends(arguments: Any, data: st.DataObject) -> None:
    text = block(("write_file", json.dumps(arguments, ensure_ascii=False)), ("write_file", "{}"))
    text = text[: data.draw(st.integers(0, len(text)))]
    items = told(run(data.draw(_pieces(text)), tools=[_TOOL], hold=data.draw(st.sampled_from([0, 20, 128]))))
    for item in items:
        if item[0] == "call":
            assert isinstance(json.loads(item[2]), dict)
    assert items[-1][0] in ("end", "failed")


@given(
    st.lists(
        _BITS | st.sampled_from(['"', "}", "]", ":", ",", "1", "true", "'", "\\", "\\u", "</parameters>"]), max_size=20
    )
)
@settings(max_examples=300, deadline=None)
def test_broken_arguments_come_to_the_same_in_any_cut_and_stay_valid(bits: list[str]) -> None:
    text = "<tool_call><tool_name>write_file</tool_name><parameters>{" + "".join(bits) + "</parameters></tool_call> ok"
    answers = [told(run(pieces, tools=[_TOOL], hold=5)) for pieces in ([text], list(text))]
    assert answers[0] == answers[1]
    for item in answers[0]:
        if item[0] == "call":
            json.loads(item[2])


@given(_PROSE, _ARGUMENTS, _PROSE, st.data())
@settings(max_examples=200, deadline=None)
def test_S15_the_cut_never_changes_the_answer(before: str, arguments: Any, after: str, data: st.DataObject) -> None:
    text = before + block(("write_file", json.dumps(arguments, ensure_ascii=False))) + after
    choice = data.draw(st.sampled_from([AUTO, REQUIRED]))
    assert told(run(data.draw(_pieces(text)), choice, tools=[_TOOL])) == told(run([text], choice, tools=[_TOOL]))


@given(st.lists(st.text(max_size=5) | st.just("\n") | st.just("<"), max_size=20))
@settings(max_examples=100, deadline=None)
def test_everything_but_words_passes_in_order(thoughts: list[str]) -> None:
    made = sieve()
    out = [fact for text in thoughts for fact in made.feed([Thought(text), Said(text)])] + made.feed([Ended()])
    assert [fact.text for fact in out if isinstance(fact, Thought)] == thoughts
    assert "".join(fact.text for fact in out if isinstance(fact, Said)) == "".join(thoughts)
