"""Our own count of input tokens: in steps, and no long text twice."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from gateway_fakes import request
from msgspec.structs import replace

from grok2api.canonical.request import Message, Request, Role, Text, Tool, ToolCall, ToolResult
from grok2api.gateway.counting import STEP, count_input
from grok2api.gateway.tokens import Remembering, count


class Words:
    """A tokenizer that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def count(self, text: str) -> int:
        self.asked.append(text)
        return len(text.split())


def saying(texts: Iterable[str]) -> Request:
    return replace(request(), messages=tuple(Message(Role.USER, (Text(text),)) for text in texts))


def test_the_last_step_is_the_whole_and_every_step_is_short() -> None:
    asked: list[str] = []

    def counted(text: str) -> int:
        asked.append(text)
        return len(text)

    texts = ["a" * (3 * STEP + 5), "b", "c" * STEP, "d" * 100]
    steps = list(count_input(saying(texts), counted))
    assert steps[-1] == sum(map(len, texts)) + 4 * len(texts) + 3
    assert "".join(asked) == "".join(texts)
    assert max(map(len, asked)) == STEP
    assert all(later - earlier <= 2 * STEP for earlier, later in pairwise(steps))
    assert len(steps) > 4


@pytest.mark.parametrize("text", ["", "x" * 50_000, "\n" * 50_000, "漢" * 30_000, "one two " * 9_000])
def test_a_long_text_is_cut_where_tokens_begin_and_nothing_is_lost(text: str) -> None:
    asked: list[str] = []
    *_, total = count_input(saying([text]), lambda window: asked.append(window) or count(window))  # type: ignore[func-returns-value]
    assert "".join(asked) == text
    assert total - 7 == pytest.approx(count(text), rel=0.001, abs=16)


def test_an_empty_request_has_tokens_too() -> None:
    assert list(count_input(saying([]), len))[-1] > 0


def test_calls_results_and_tools_are_counted() -> None:
    call, result = ToolCall("c", "look", '{"at": "the moon"}'), ToolResult("c", (Text("It is bright."),))
    turns = (Message(Role.ASSISTANT, (call,)), Message(Role.TOOL, (result,)))
    tool = Tool(name="look", description="Looks at things", schema={"type": "object"})
    everything = replace(request(), messages=turns, tools=(tool,))
    seen = Words()
    list(count_input(everything, seen.count))
    assert seen.asked == ["look", '{"at": "the moon"}', "It is bright.", "look Looks at things", '{"type":"object"}']


@pytest.mark.parametrize("size", [255, 256, 5000])
def test_long_texts_are_counted_once(size: int) -> None:
    words = Words()
    remembering = Remembering(words)
    text = ("ab " * size)[:size]
    assert {remembering.count(text) for _ in range(3)} == {len(text.split())}
    assert len(words.asked) == (3 if size < 256 else 1)


def test_what_was_asked_longest_ago_is_forgotten_first() -> None:
    words = Words()
    remembering = Remembering(words, most=2)
    one, two, three = ("x" * 300, "y" * 300, "z" * 300)
    for text in (one, two, one, three, one, two):
        remembering.count(text)
    assert words.asked == [one, two, three, two]


def test_the_real_tokenizer_is_remembered_with_the_same_figures() -> None:
    text = "How long is a piece of string? " * 50
    assert count(text) == count(text) > 300
