"""The Responses wire, read: transcripts in every cut, every kind of event, and noise."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.canonical.events import Ended, Fact, Failed, Finished, Said, Started, Usage
from grok2api.canonical.problem import Kind
from grok2api.canonical.request import Tool
from grok2api.canonical.sequence import Sequencer, check
from grok2api.upstreams.responses_wire.parse import Parser
from grok2api.upstreams.responses_wire.tools import ToolNames

TOOLS = (
    Tool("get_weather"),
    Tool("get_time"),
    Tool("apply_patch", custom=True),
    Tool("close"),
    Tool("close", namespace="agents"),
)
FOLDER = Path(__file__).parents[1] / "transcripts" / "console"
TRANSCRIPTS = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.sse"))}


def whole(raw: bytes) -> list[bytes]:
    return [raw]


def bytewise(raw: bytes) -> list[bytes]:
    return [raw[i : i + 1] for i in range(len(raw))]


def ragged(raw: bytes) -> list[bytes]:
    dice = random.Random(7)
    chunks = []
    while raw:
        size = dice.randint(1, 90)
        chunks.append(raw[:size])
        raw = raw[size:]
    return chunks


def read(chunks: list[bytes]) -> list[Fact]:
    parser = Parser(ToolNames(TOOLS), "console.x.ai")
    facts = [fact for chunk in chunks for fact in parser.feed(chunk)]
    facts += parser.close()
    assert parser.over
    return facts


def written(fact: Fact) -> list[object]:
    """A fact as it stands in a transcript's JSON."""
    members = msgspec.to_builtins(fact, builtin_types=(bytes,))
    if isinstance(fact, Failed):
        kept = ("kind", "message", "code", "retry_after", "upstream_status")
        members = {"problem": {name: members["problem"][name] for name in kept}}
    return json.loads(json.dumps([type(fact).__name__, members]))


def sse(*events: dict[str, object]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) > 50


@pytest.mark.parametrize("cut", [whole, bytewise, ragged])
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_tells_the_same_facts_however_it_arrives(name: str, cut: Callable[[bytes], list[bytes]]) -> None:
    expected = json.loads((FOLDER / f"{name}.json").read_text())
    assert [written(fact) for fact in read(cut(TRANSCRIPTS[name]))] == expected


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_the_facts_of_a_transcript_make_events_that_the_grammar_allows(name: str) -> None:
    facts = read([TRANSCRIPTS[name]])
    events = [Started(), *Sequencer().feed(facts)]
    events.append(Failed(facts[-1].problem) if isinstance(facts[-1], Failed) else _finished(facts[-1]))
    assert list(check(events)) == events


def _finished(end: Fact) -> Finished:
    assert isinstance(end, Ended)
    return Finished(end.finish, end.usage or Usage(input=1, output=1))


@pytest.mark.parametrize("name", ["thought_and_text", "calls_interleaved", "searches_and_citations", "custom_call"])
def test_S4_a_stream_cut_anywhere_ends_in_one_failure_and_repeats_nothing(name: str) -> None:
    raw = TRANSCRIPTS[name]
    complete = read([raw])
    text = "".join(fact.text for fact in complete if isinstance(fact, Said))
    last = raw.rindex(b"event: response.completed")
    for size in range(0, last, 7):
        facts = read([raw[:size]])
        assert isinstance(facts[-1], Failed)
        assert facts[-1].problem.kind is (Kind.CUT if size else Kind.EMPTY)
        assert sum(isinstance(fact, Failed | Ended) for fact in facts) == 1
        assert text.startswith("".join(fact.text for fact in facts if isinstance(fact, Said)))


@given(raw=st.binary(max_size=300), cuts=st.lists(st.integers(1, 40), max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_bytes_end_in_ended_or_failed(raw: bytes, cuts: list[int]) -> None:
    chunks = []
    for cut in cuts:
        chunks.append(raw[:cut])
        raw = raw[cut:]
    facts = read([*chunks, raw])
    assert isinstance(facts[-1], Ended | Failed)
    assert not any(isinstance(fact, Ended | Failed) for fact in facts[:-1])


_TYPES = [
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.output_text.annotation.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.refusal.delta",
    "response.completed",
    "response.incomplete",
    "response.failed",
    "error",
]
_ITEM_TYPES = [
    "message",
    "reasoning",
    "function_call",
    "web_search_call",
    "custom_tool_call",
    "image_generation_call",
    "new",
]
_text = st.text(max_size=8)
_values = st.recursive(st.none() | st.booleans() | st.integers(-2, 10**20) | _text, lambda v: st.lists(v, max_size=2))
_items = st.fixed_dictionaries(
    {"type": st.sampled_from(_ITEM_TYPES)},
    optional={
        "id": _text,
        "call_id": _text,
        "name": st.sampled_from(["get_weather", "apply_patch", "agents__close", "x_keyword_search", "other"]),
        "arguments": _text,
        "input": _text,
        "result": _text,
        "encrypted_content": _text | st.none(),
        "content": st.lists(st.fixed_dictionaries({"type": st.just("output_text"), "text": _text}), max_size=2)
        | _values,
        "summary": st.lists(st.fixed_dictionaries({"text": _text}), max_size=2) | _values,
        "action": st.fixed_dictionaries({"type": _text, "query": _text, "url": _text}) | _values,
    },
)
_events = st.fixed_dictionaries(
    {"type": st.sampled_from(_TYPES)},
    optional={
        "output_index": st.integers(-1, 3),
        "content_index": st.integers(0, 1),
        "summary_index": st.integers(0, 1),
        "delta": _text | _values,
        "text": _text,
        "arguments": _text,
        "item": _items | _values,
        "annotation": st.fixed_dictionaries(
            {"url": _text}, optional={"start_index": st.integers(-3, 9), "end_index": st.integers(-3, 9)}
        )
        | _values,
        "response": st.fixed_dictionaries(
            {"status": _text}, optional={"output": st.lists(_items | _values, max_size=3), "usage": _values}
        )
        | _values,
        "error": _values,
        "message": _values,
        "code": _values,
    },
)


@given(events=st.lists(_events, max_size=12))
@settings(max_examples=80, deadline=None)
def test_any_events_in_any_order_give_facts_that_the_grammar_allows(events: list[dict[str, object]]) -> None:
    raw = sse(*events)
    facts = read([raw])
    assert facts == read(bytewise(raw))
    assert isinstance(facts[-1], Ended | Failed)
    told = [Started(), *Sequencer().feed(facts)]
    told.append(facts[-1] if isinstance(facts[-1], Failed) else _finished(facts[-1]))
    assert list(check(told)) == told


@given(pieces=st.lists(st.text(max_size=6), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_C3_arguments_are_byte_identical_however_they_are_cut(pieces: list[str]) -> None:
    arguments = json.dumps({"value": "".join(pieces)}, ensure_ascii=False)
    cuts = [arguments[i : i + 3] for i in range(0, len(arguments), 3)]
    item = {"type": "function_call", "call_id": "c1", "name": "get_weather"}
    deltas = [{"type": "response.function_call_arguments.delta", "output_index": 0, "delta": cut} for cut in cuts]
    raw = sse(
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        *deltas,
        {"type": "response.output_item.done", "output_index": 0, "item": {**item, "arguments": arguments}},
        {"type": "response.completed", "response": {"status": "completed"}},
    )
    facts = read(ragged(raw))
    assert "".join(fact.text for fact in facts if type(fact).__name__ == "CallArgued") == arguments


def test_H3_an_unknown_answer_keeps_its_first_bytes_for_the_log() -> None:
    for raw in (b'{"hello":"world"}', b"upstream connect error", b"data: {broken\n\n"):
        (failed,) = read([raw])
        assert isinstance(failed, Failed)
        assert failed.problem.kind is Kind.UPSTREAM
        assert failed.problem.evidence
        assert failed.problem.evidence in raw


def test_a_whole_answer_and_its_stream_say_the_same() -> None:
    streamed = read([TRANSCRIPTS["thought_and_text"]])
    last = TRANSCRIPTS["thought_and_text"].rpartition(b"data: ")[2]
    response = json.dumps(json.loads(last)["response"]).encode()
    told = read([response])
    assert [type(fact).__name__ for fact in told] == ["Thought", "Reasoned", "Said", "Ended"]
    assert "".join(f.text for f in told if isinstance(f, Said)) == "".join(
        f.text for f in streamed if isinstance(f, Said)
    )
    assert told[-1] == streamed[-1]


def test_one_read_is_one_list() -> None:
    parser = Parser(ToolNames(TOOLS), "console.x.ai")
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "a"}
    assert parser.feed(sse(delta, delta, delta)) == [Said("a")] * 3
