"""The chat stream against its transcripts, cut everywhere, and against noise."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import OPTIONS, merged, summary, text_of, told

from grok2api.canonical.events import Cited, Ended, Failed, Said
from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.grok_web.chat_wire import Parser
from grok2api.upstreams.grok_web.options import WebOptions

TRANSCRIPTS = {path.stem: path for path in (Path(__file__).parents[2] / "transcripts" / "grok_web").glob("*.ndjson")}
BODIES = {name: path.read_bytes() for name, path in TRANSCRIPTS.items()}


def frame(**members: object) -> bytes:
    return json.dumps({"result": {"response": members}}).encode() + b"\n"


def say(text: str) -> bytes:
    return frame(token=text, isThinking=False, messageTag="final")


FINAL = frame(finalMetadata={})


@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
def test_a_transcript_says_what_is_written_beside_it(name: str) -> None:
    expected = json.loads(TRANSCRIPTS[name].with_suffix(".json").read_text())
    assert summary(told(BODIES[name])) == expected


@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
def test_a_transcript_read_byte_by_byte_says_the_same(name: str) -> None:
    body = BODIES[name]
    assert merged(told(body, range(1, len(body)))) == merged(told(body))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(BODIES)), st.lists(st.integers(0, 6000), max_size=12))
def test_a_transcript_cut_anywhere_says_the_same(name: str, cuts: list[int]) -> None:
    body = BODIES[name]
    assert merged(told(body, [cut for cut in cuts if cut < len(body)])) == merged(told(body))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(BODIES)), st.integers(0, 6000))
def test_S4_a_body_that_breaks_off_anywhere_fails_once_and_last(name: str, at: int) -> None:
    parser = Parser(OPTIONS)
    facts = parser.feed(BODIES[name][:at])
    if not parser.over:
        facts += parser.broken(Problem(kind=Kind.CUT, message="cut"))
    assert [type(fact) for fact in facts if isinstance(fact, Ended | Failed)] == [type(facts[-1])]
    assert text_of(told(BODIES[name])).startswith(text_of(facts)) or parser.stopping


PIECES = st.sampled_from(
    [
        b'{"result":{"response":{',
        b'"token":"x"',
        b'"token":"<grok:render "',
        b'"isThinking":true',
        b"}}}",
        b"\n",
        b"data:",
        b"[DONE]",
        b'{"error":"x"}',
        b'"modelResponse":{"message":"xy","streamErrors":[{}]}',
        b'"cardAttachment":{"jsonData":"{}"}',
        b'"cardAttachments":[1,null,"{",{"jsonData":4}]',
        b'"toolUsageCard":{"a":{"args":[]}},"toolUsageCardId":"q"',
        b'"webSearchResults":{"results":[1,{"url":2}]}',
        b'"xposts":{"results":{}}',
        b'"streamingImageGenerationResponse":{"progress":"x"}',
        b'"isSoftStop":true',
        b",",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=20) | PIECES, max_size=25), st.lists(st.integers(0, 300), max_size=4))
def test_any_bytes_are_facts_and_the_last_is_an_end(pieces: list[bytes], cuts: list[int]) -> None:
    body = b"".join(pieces)
    facts = told(body, [cut for cut in cuts if cut < len(body)])
    ends = [fact for fact in facts if isinstance(fact, Ended | Failed)]
    assert len(ends) == 1
    assert facts[-1] is ends[0]
    assert merged(facts) == merged(told(body))


TOKENS = st.text(max_size=12) | st.sampled_from(
    [
        '<grok:render card_id="a" type="render_inline_citation"><argument name="i">0</argument></grok:render>',
        '<grok:render card_id="b" type="render_inline_citation"></grok:render>',
        '<grok:render card_id="p" type="render_searched_image"/>',
        "<grok:render ",
        "</grok:render>",
        "<",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TOKENS, max_size=8), st.data())
def test_citations_span_exactly_the_marker_and_no_cut_of_the_tokens_changes_the_text(
    tokens: list[str], data: st.DataObject
) -> None:
    cards = b"".join(
        frame(cardAttachment={"jsonData": json.dumps({"id": name, "url": f"https://example.org/{name}"})})
        for name in "ab"
    )
    whole = "".join(tokens)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    facts = told(cards + b"".join(map(say, pieces)) + FINAL)
    assert merged(facts)[:-1] == merged(told(cards + say(whole) + FINAL))[:-1]
    text = text_of(facts)
    numbers: dict[str, int] = {}
    for fact in facts:
        if isinstance(fact, Cited):
            number = numbers.setdefault(fact.url, len(numbers) + 1)
            assert text[fact.start : fact.end] == f" [[{number}]]({fact.url})"


@given(st.lists(st.text(st.characters(exclude_characters="<", exclude_categories=["Cs"]), max_size=12), max_size=8))
def test_plain_tokens_pass_unchanged(tokens: list[str]) -> None:
    assert text_of(told(b"".join(map(say, tokens)) + FINAL)) == "".join(tokens)


@given(st.text(min_size=1, max_size=30), st.integers(0, 30))
def test_the_whole_message_adds_exactly_what_was_missed(message: str, said: int) -> None:
    response = frame(modelResponse={"message": message})
    assert text_of(told(say(message[:said]) + response + response + FINAL)) == message


def test_H3_a_stream_of_unknown_shapes_is_an_upstream_error_with_its_bytes() -> None:
    facts = told(BODIES["shape_unknown"])
    assert len(facts) == 1
    assert isinstance(facts[0], Failed)
    assert facts[0].problem.kind is Kind.UPSTREAM
    assert facts[0].problem.evidence.startswith(b'{"answer":{"delta":"hello"}}')


def test_H3_an_empty_answer_keeps_the_frame_that_was_not_understood() -> None:
    strange = b'{"result":{"response":{"newText":"hello"}}}'
    last = told(frame(llmInfo={}) + strange + b"\n" + FINAL)[-1]
    assert isinstance(last, Failed)
    assert last.problem.kind is Kind.EMPTY
    assert last.problem.evidence == strange


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><html><title>Just a moment...</title>" + b"<p>x</p>\n" * 2000, Kind.CHALLENGE),
        (b"<html><body>Welcome</body></html>", Kind.UPSTREAM),
        (b"plain words", Kind.UPSTREAM),
        (b"\xff\xfe\x00", Kind.UPSTREAM),
        (b"", Kind.EMPTY),
        (b"\n\n \n", Kind.EMPTY),
        (b"data: [DONE]\n", Kind.EMPTY),
    ],
)
def test_H3_a_body_that_is_no_stream_is_never_an_answer(body: bytes, kind: Kind) -> None:
    facts = told(body)
    assert [type(fact) for fact in facts] == [Failed]
    assert isinstance(facts[0], Failed)
    assert facts[0].problem.kind is kind


def test_S2_an_error_in_the_first_line_is_told_before_any_output() -> None:
    for name in ("error_first_rate_limit", "error_first_anti_bot", "error_in_stream_errors", "error_bare"):
        assert [type(fact) for fact in told(BODIES[name])] == [Failed]


def test_an_overlong_frame_breaks_the_answer_off_however_it_is_cut() -> None:
    options = WebOptions(max_line_bytes=200)
    for body in (say("x" * 300), say("x" * 300).rstrip(b"\n")):
        for cuts in ((), range(1, len(body))):
            facts = told(body, cuts, options)
            assert isinstance(facts[0], Failed)
            assert facts[0].problem.kind is Kind.UPSTREAM


def test_a_soft_stop_waits_for_the_whole_message_and_then_ends_at_once() -> None:
    parser = Parser(OPTIONS)
    parser.feed(say("Hel"))
    assert parser.feed(frame(token="", isSoftStop=True)) == []
    assert parser.stopping
    assert not parser.over
    assert [type(fact) for fact in parser.feed(frame(modelResponse={"message": "Hello"}))] == [Said, Ended]
    assert parser.over


def test_a_body_that_breaks_after_a_soft_stop_is_a_whole_answer() -> None:
    parser = Parser(OPTIONS)
    parser.feed(say("Hello") + frame(isSoftStop=True))
    assert [type(fact) for fact in parser.broken(Problem(kind=Kind.CUT, message="cut"))] == [Ended]


def test_search_sources_end_the_text_when_they_are_switched_on() -> None:
    text = text_of(told(BODIES["moons_of_mars"], options=WebOptions(show_search_sources=True)))
    assert text.endswith("\n\n## Sources\n[grok2api-sources]: #\n- [Phobos](https://example.org/phobos)")


def test_a_tag_that_grows_for_ever_is_text_in_the_end() -> None:
    head = '<grok:render card_id="a">'
    facts = told(say(head) + say("y" * 9000) + say("y" * 9000) + say(" end") + FINAL)
    assert text_of(facts) == head + "y" * 18_000 + " end"


def test_M4_the_parser_holds_no_more_after_more_text() -> None:
    parser = Parser(OPTIONS)
    for _ in range(1000):
        parser.feed(say("some words of an answer "))
    text = parser._teller.text
    assert not parser._tail
    assert text._held == ""
    assert text._last_said == "some words of an answer "
