"""Stages: what they change, and that no cut of the text changes what they do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.canonical.events import CallArgued, Ended, Fact, Finish, Reasoned, Said, Thought
from grok2api.gateway.counting import Meter
from grok2api.gateway.stages import HideThinking, Limit, Measure, Stage, Stop


def words(text: str) -> int:
    """A tokenizer that a reader can do in his head: one token a word."""
    return len(text.split())


def run(stage: Stage, batches: list[list[Fact]]) -> list[Fact]:
    return [fact for batch in batches for fact in stage.feed(batch)]


def said(facts: list[Fact]) -> str:
    return "".join(fact.text for fact in facts if isinstance(fact, Said))


def cuts(text: str, sizes: list[int]) -> list[list[Fact]]:
    """The text as one `Said` a batch, cut at the given sizes, with an end."""
    out: list[list[Fact]] = []
    for size in sizes:
        if not text:
            break
        out.append([Said(text[:size])])
        text = text[size:]
    if text:
        out.append([Said(text)])
    return [*out, [Ended()]]


@pytest.mark.parametrize(
    ("sequences", "text", "kept", "matched"),
    [
        (["END"], "one END two", "one ", "END"),
        (["END"], "one EN two", "one EN two", None),
        (["END"], "one EN", "one EN", None),
        (["abcd", "c"], "abcd", "ab", "c"),
        (["\n\n", "x"], "a\nb\n\nc", "a\nb", "\n\n"),
        (["ab", "abc"], "xxabc", "xx", "ab"),
        (["aab"], "aaab", "a", "aab"),
        ([""], "all of it", "all of it", None),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_H1_stop_ends_before_the_first_sequence_however_the_text_is_cut(
    sequences: list[str], text: str, kept: str, matched: str | None, size: int
) -> None:
    facts = run(Stop(sequences), cuts(text, [size] * len(text)))
    assert said(facts) == kept
    end = facts[-1]
    assert isinstance(end, Ended)
    assert end.stop_sequence == matched
    assert end.finish is (Finish.STOP_SEQUENCE if matched else Finish.STOP)


@given(st.text("abc \n", max_size=60), st.lists(st.text("abc", min_size=1, max_size=4), max_size=3), st.data())
def test_H1_stop_loses_nothing_that_comes_before_the_sequence(
    text: str, sequences: list[str], data: st.DataObject
) -> None:
    sizes = data.draw(st.lists(st.integers(1, 7), max_size=30))
    kept = said(run(Stop(sequences), cuts(text, sizes)))
    ends = [(at + len(sequence), at) for sequence in sequences if (at := text.find(sequence)) >= 0]
    assert kept == text[: min(ends)[1] if ends else len(text)]


def test_H1_limit_ends_with_length_at_the_token_that_fills_it() -> None:
    facts = run(Limit(3, words), [[Said("one two")], [Said(" three four")], [Said(" five")], [Ended()]])
    assert words(said(facts)) == 3
    assert facts[-1] == Ended(Finish.LENGTH)


def test_H1_limit_leaves_a_shorter_answer_alone() -> None:
    batches: list[list[Fact]] = [[Thought("much thinking that costs nothing here")], [Said("one two")], [Ended()]]
    assert run(Limit(3, words), batches) == [fact for batch in batches for fact in batch]


def test_hidden_thinking_keeps_the_encrypted_form_only_when_asked() -> None:
    batch: list[Fact] = [Thought("hm"), Reasoned("opaque"), Said("yes"), Ended()]
    assert HideThinking(keep_encrypted=True).feed(batch) == [Reasoned("opaque"), Said("yes"), Ended()]
    assert HideThinking(keep_encrypted=False).feed(batch) == [Said("yes"), Ended()]


def test_H2_measure_counts_text_arguments_and_thinking() -> None:
    measure = Measure(words)
    facts: list[Fact] = [Thought("a b"), Said("c d e"), CallArgued(' {"f": 1}'), Ended()]
    assert measure.feed(facts) is facts
    assert measure.totals() == (2 + 3 + 2, 2)


def test_M4_a_meter_holds_no_more_than_its_window() -> None:
    meter = Meter(words)
    held = 0
    for _ in range(10_000):
        meter.add("word ")
        held = max(held, sum(len(piece) for piece in meter._pending))
    assert held <= 2048
    assert meter.total() == 10_000
