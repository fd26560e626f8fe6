"""Facts become events of the grammar, and events a whole answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.canonical.events import (
    CallArgued,
    CallClosed,
    CallOpened,
    Cited,
    Ended,
    Event,
    Fact,
    Failed,
    Finish,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Produced,
    Progressed,
    Reasoned,
    Said,
    Searched,
    Source,
    Sourced,
    Started,
    Thought,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.sequence import GrammarError, Sequencer, check, fold

END = Finished(Finish.STOP, Usage(input=1, output=1))


def events_of(*facts: Fact) -> list[Event]:
    return list(check([Started(1), *Sequencer().feed([*facts, Ended()]), END]))


def test_parts_open_and_close_by_themselves() -> None:
    call = CallOpened("c1", "f")
    assert events_of(Thought("a"), Thought("b"), Said("c"), call, CallArgued("{}"), CallClosed(), Said("d"))[1:-1] == [
        PartStarted(0, PartKind.THINKING),
        PartDelta(0, "a"),
        PartDelta(0, "b"),
        PartEnded(0),
        PartStarted(1, PartKind.TEXT),
        PartDelta(1, "c"),
        PartEnded(1),
        PartStarted(2, PartKind.CALL, call),
        PartDelta(2, "{}"),
        PartEnded(2),
        PartStarted(3, PartKind.TEXT),
        PartDelta(3, "d"),
        PartEnded(3),
    ]


def test_S12_thinking_after_text_is_not_shown_but_its_encrypted_form_is_kept() -> None:
    answer = fold(events_of(Thought("early"), Said("text"), Thought("late"), Reasoned("opaque", "rs_1"), Said("more")))
    assert answer.thinking() == "early"
    assert answer.text() == "textmore"
    assert [(part.kind, part.encrypted) for part in answer.parts] == [
        (PartKind.THINKING, None),
        (PartKind.TEXT, None),
        (PartKind.THINKING, "opaque"),
        (PartKind.TEXT, None),
    ]


def test_thinking_between_calls_is_shown() -> None:
    call = [CallOpened("c", "f"), CallArgued("{}"), CallClosed()]
    assert fold(events_of(Thought("a"), *call, Thought("b"), *call)).thinking() == "ab"


def test_a_citation_counts_from_the_start_of_its_own_part() -> None:
    call = [CallOpened("c", "f"), CallClosed()]
    events = events_of(Said("01234"), *call, Said("56789"), Cited("u", "t", 6, 8), Cited("v", "t", 1, 2))
    cited = [event for event in events if isinstance(event, Cited)]
    assert cited == [Cited("u", "t", 1, 3, index=2), Cited("v", "t", 1, 2, index=0)]


def test_an_answer_of_pictures_alone_has_content() -> None:
    sequencer = Sequencer()
    assert not sequencer.begun
    sequencer.feed([Produced("https://x/y.jpg")])
    assert sequencer.begun
    assert sequencer.has_content


def test_thinking_and_searches_alone_are_no_content() -> None:
    sequencer = Sequencer()
    sequencer.feed([Searched("web_search", "q"), Progressed(10)])
    assert not sequencer.begun
    sequencer.feed([Thought("hm")])
    assert sequencer.begun
    assert not sequencer.has_content


FACTS = st.lists(
    st.one_of(
        st.builds(Said, st.text(max_size=5)),
        st.builds(Thought, st.text(max_size=5)),
        st.builds(Reasoned, st.none() | st.just("e")),
        st.builds(CallOpened, st.just("c"), st.just("f")),
        st.builds(CallArgued, st.text(max_size=5)),
        st.just(CallClosed()),
        st.builds(Cited, st.just("u"), st.just("t"), st.integers(0, 9), st.integers(9, 20)),
        st.builds(Searched, st.just("x_search"), st.just("q")),
        st.builds(Sourced, st.just((Source("u"),))),
        st.builds(Produced, st.just("u")),
        st.builds(Progressed, st.integers(0, 100)),
    ),
    max_size=30,
)


@settings(max_examples=300)
@given(FACTS)
def test_whatever_facts_come_the_events_satisfy_the_grammar(facts: list[Fact]) -> None:
    events = events_of(*facts)
    assert fold(events).finish is Finish.STOP


@given(FACTS, st.data())
def test_the_cut_into_batches_changes_no_event(facts: list[Fact], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(facts)))
    whole, cut = Sequencer(), Sequencer()
    assert whole.feed(facts) == cut.feed(facts[:at]) + cut.feed(facts[at:])


@pytest.mark.parametrize(
    "events",
    [
        [],
        [Started()],
        [END],
        [Started(), Started()],
        [Started(), PartStarted(1, PartKind.TEXT)],
        [Started(), PartStarted(0, PartKind.CALL)],
        [Started(), PartStarted(0, PartKind.TEXT), END],
        [Started(), PartDelta(0, "x"), END],
        [Started(), PartStarted(0, PartKind.TEXT), PartEnded(0), PartDelta(0, "x"), END],
        [Started(), Cited("u", "t", 0, 1, index=0), END],
        [Started(), END, END],
        [Failed(Problem(kind=Kind.CUT, message="x")), Started()],
    ],
    ids=str,
)
def test_the_grammar_check_refuses(events: list[Event]) -> None:
    with pytest.raises(GrammarError):
        list(check(events))


def test_a_failure_may_come_first() -> None:
    failed = Failed(Problem(kind=Kind.CUT, message="x"))
    assert fold(check([failed])).problem == failed.problem
