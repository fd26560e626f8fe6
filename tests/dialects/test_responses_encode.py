"""Responses streams and whole objects: the grammar, the ids, the numbers, and that both say the same."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from responses_goldens import EXCHANGES, FOLDER, REQUEST, envelope, every, streamed, whole

from grok2api.canonical.events import (
    CallOpened,
    Cited,
    Event,
    Failed,
    Finish,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Source,
    Sourced,
    Started,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Request, Tool
from grok2api.canonical.sequence import check, fold
from grok2api.dialects.openai_responses import RESPONSES
from strategies import batches, event_streams

TERMINAL = {"response.completed", "response.incomplete", "response.failed"}
KEPT = every()
DONE = Finished(Finish.STOP, Usage(input=8, output=5))


def encoded(groups: list[list[Event]], request: Request = REQUEST) -> bytes:
    encoder = RESPONSES.encoder(request, envelope())
    return b"".join(encoder.feed(group) for group in groups)


def payloads(stream: bytes) -> list[dict[str, Any]]:
    """The payloads of a stream, whose event names are their types; `[DONE]` must follow all but a failure."""
    frames = stream.decode().split("\n\n")
    assert frames.pop() == ""
    ended = frames[-1] == "data: [DONE]"
    found = []
    for frame in frames[:-1] if ended else frames:
        name, data = frame.split("\n")
        payload = json.loads(data.removeprefix("data: "))
        assert name == f"event: {payload['type']}"
        found.append(payload)
    assert ended == (found[-1]["type"] != "response.failed")
    return found


def types(events: list[Event], request: Request = REQUEST) -> list[str]:
    return [payload["type"] for payload in payloads(encoded([events], request))]


def collected(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The output that a client builds of the frames alone, and in passing what S10 says of them."""
    items: dict[int, dict[str, Any]] = {}
    words: dict[int, str] = {}
    for frame in frames:
        index, kind = frame.get("output_index"), frame["type"]
        if kind == "response.output_item.added":
            assert index == len(items)
            items[index], words[index] = frame["item"], ""
            continue
        if index is None:
            continue
        assert frame.get("item_id", items[index]["id"]) == items[index]["id"]
        if kind.endswith(".delta"):
            words[index] += frame["delta"]
        elif kind.endswith((".output_text.done", "summary_text.done", "arguments.done", "input.done")):
            assert frame.get("text", frame.get("arguments", frame.get("input"))) == words[index]
        elif kind == "response.output_text.annotation.added" and items[index]["status"] != "in_progress":
            items[index]["content"][0]["annotations"].append(frame["annotation"])
        elif kind == "response.output_item.done":
            assert frame["item"]["id"] == items[index]["id"]
            items[index] = frame["item"]
    return [items[index] for index in sorted(items)]


def without_ids(value: Any) -> Any:
    text = json.dumps(value)
    for prefix in ("resp_", "msg_", "rs_", "fc_", "ctc_", "ws_"):
        for number in range(60):
            text = text.replace(f'"{prefix}{number:04}"', f'"{prefix}"')
    return json.loads(text)


@pytest.mark.parametrize("name", KEPT)
def test_the_bytes_of_an_exchange_are_the_kept_ones(name):
    request, events = KEPT[name]
    assert list(check(events)) == events
    assert streamed(events, request) == (FOLDER / f"{name}.sse").read_bytes()
    assert whole(events, request) + b"\n" == (FOLDER / f"{name}.json").read_bytes()


@settings(max_examples=150, deadline=None)
@given(event_streams(custom_calls=True), st.data())
def test_S10_S15_the_terminal_object_is_what_was_streamed_and_the_whole_answer(events, data):
    frames = payloads(encoded(data.draw(batches(events))))
    response = frames[-1]["response"]
    assert collected(frames) == response["output"]
    answer = json.loads(RESPONSES.whole(REQUEST, [fold(events)], envelope()))
    assert without_ids(answer) == without_ids(response)


@settings(max_examples=60, deadline=None)
@given(event_streams(), st.data())
def test_S15_how_events_are_grouped_changes_no_byte(events, data):
    assert encoded(data.draw(batches(events))) == encoded([events])


@settings(max_examples=80, deadline=None)
@given(event_streams() | event_streams(failing=True))
def test_S10_sequence_numbers_rise_and_one_terminal_event_is_last(events):
    frames = payloads(encoded([events]))
    assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
    assert [frame["type"] for frame in frames[:2]] == ["response.created", "response.in_progress"]
    assert [frame["type"] in TERMINAL for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert {frame["response"]["id"] for frame in frames if "response" in frame} == {"resp_0001"}


@settings(max_examples=60, deadline=None)
@given(event_streams(failing=True))
def test_S4_a_broken_answer_ends_in_response_failed_and_declares_nothing_cut_as_done(events):
    *before, failed = payloads(encoded([events]))
    response = failed["response"]
    assert (response["status"], response["model"]) == ("failed", "grok-4.3-console")
    assert response["error"] == {"code": "server_error", "message": "The upstream's answer broke off"}
    done = [frame["item"]["id"] for frame in before if frame["type"] == "response.output_item.done"]
    assert {item["id"]: item["status"] for item in response["output"]} == {
        item["id"]: "completed" if item["id"] in done else "incomplete" for item in collected(before)
    }


def test_a_failure_before_anything_else_still_has_a_response_to_fail():
    problem = Problem(kind=Kind.RATE_LIMITED, message="Try later", evidence=b"secret")
    stream = encoded([[Failed(problem)]])
    assert [frame["type"] for frame in payloads(stream)] == [
        "response.created",
        "response.in_progress",
        "response.failed",
    ]
    assert payloads(stream)[-1]["response"]["error"] == {"code": "rate_limit_exceeded", "message": "Try later"}
    assert b"secret" not in stream


def test_S8_usage_stands_in_the_terminal_object_and_nowhere_before():
    *before, last = payloads(encoded([EXCHANGES["thinking_and_citations"]]))
    assert last["response"]["usage"] == {
        "input_tokens": 8,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 17,
    }
    assert all(frame["response"]["usage"] is None for frame in before if "response" in frame)


def test_S10_the_frames_of_words_come_in_the_order_of_the_specification():
    assert types(EXCHANGES["plain"]) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


def test_S12_reasoning_is_one_item_before_the_words_with_its_own_frames():
    assert types(EXCHANGES["thinking_and_citations"])[2:9] == [
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
    ]


def test_encrypted_reasoning_is_given_only_to_who_asked_for_it():
    events = [Started(), PartStarted(0, PartKind.THINKING), PartEnded(0, "b3BhcXVl", "rs_up"), DONE]
    plain = msgspec.structs.replace(REQUEST, include_encrypted=False)
    for request, expected in ((REQUEST, "b3BhcXVl"), (plain, None)):
        [item] = payloads(encoded([events], request))[-1]["response"]["output"]
        assert item.get("encrypted_content") == expected
        assert item["summary"] == []


@pytest.mark.parametrize(
    ("finish", "status", "details", "kind"),
    [
        (Finish.STOP, "completed", None, "response.completed"),
        (Finish.STOP_SEQUENCE, "completed", None, "response.completed"),
        (Finish.TOOL_CALLS, "completed", None, "response.completed"),
        (Finish.REFUSAL, "completed", None, "response.completed"),
        (Finish.LENGTH, "incomplete", {"reason": "max_output_tokens"}, "response.incomplete"),
        (Finish.CONTENT_FILTER, "incomplete", {"reason": "content_filter"}, "response.incomplete"),
    ],
)
def test_each_end_has_its_status_and_the_last_item_shares_it(finish, status, details, kind):
    said = [PartStarted(0, PartKind.TEXT), PartDelta(0, "a"), PartEnded(0)]
    last = payloads(encoded([[Started(), *said, Finished(finish, Usage(input=1, output=1))]]))[-1]
    response = last["response"]
    assert (last["type"], response["status"], response["incomplete_details"]) == (kind, status, details)
    assert [item["status"] for item in response["output"]] == [status]
    assert response["completed_at"] == (1767225607 if status == "completed" else None)


def test_only_what_is_completed_says_when_and_not_before_it_began():
    frames = payloads(encoded([[Started(), Failed(Problem(kind=Kind.TIMEOUT, message="silent"))]]))
    assert [frame["response"]["completed_at"] for frame in frames if "response" in frame] == [None] * 3
    given_up = payloads(RESPONSES.encoder(REQUEST, envelope()).cancelled())
    assert given_up[-1]["response"]["completed_at"] is None
    set_back = msgspec.structs.replace(envelope(), now=lambda: 1.5)
    answer = json.loads(RESPONSES.whole(REQUEST, [fold([Started(), DONE])], set_back))
    assert answer["completed_at"] == answer["created_at"] == 1767225600


def test_C3_a_call_without_arguments_is_called_with_an_empty_object():
    events = [Started(), PartStarted(0, PartKind.CALL, CallOpened("c", "read")), PartEnded(0), DONE]
    frames = payloads(encoded([events]))
    assert [frame["delta"] for frame in frames if "delta" in frame] == ["{}"]
    assert frames[-1]["response"]["output"][0]["arguments"] == "{}"


def test_a_call_names_its_namespace_even_when_the_upstream_lost_it():
    frames = payloads(encoded([EXCHANGES["custom_and_namespaced_calls"]]))
    patch, close = frames[-1]["response"]["output"]
    assert (close["name"], close["namespace"], close["type"]) == ("close", "agents", "function_call")
    assert "namespace" not in patch
    assert patch["type"] == "custom_tool_call"


def test_a_name_in_two_places_is_given_no_namespace_by_guessing():
    request = msgspec.structs.replace(REQUEST, tools=(Tool("f"), Tool("f", namespace="n")))
    called = [PartStarted(0, PartKind.CALL, CallOpened("c", "f")), PartEnded(0)]
    [item] = payloads(encoded([[Started(), *called, DONE]], request))[-1]["response"]["output"]
    assert "namespace" not in item


def test_a_citation_after_its_words_are_done_is_announced_and_stands_in_the_terminal_object():
    events = [
        Started(),
        PartStarted(0, PartKind.TEXT),
        PartDelta(0, "words"),
        PartEnded(0),
        PartStarted(1, PartKind.CALL, CallOpened("c", "read")),
        PartEnded(1),
        Cited("https://x.ai/", "xAI", 0, 5, 0),
        DONE,
    ]
    frames = payloads(encoded([[event] for event in events]))
    assert collected(frames) == frames[-1]["response"]["output"]
    [note] = frames[-1]["response"]["output"][0]["content"][0]["annotations"]
    assert note == {"type": "url_citation", "url": "https://x.ai/", "title": "xAI", "start_index": 0, "end_index": 5}


def test_sources_of_no_one_search_stand_beside_the_output():
    events = [Started(), Sourced((Source("https://x.ai/", "xAI"), Source("https://x.ai/", "again"))), DONE]
    response = payloads(encoded([events]))[-1]["response"]
    assert response["search_sources"] == [{"url": "https://x.ai/", "title": "xAI", "type": "web"}]


def test_the_object_repeats_the_request_and_says_that_nothing_is_stored():
    body = {
        "model": "m",
        "input": "hi",
        "temperature": 0,
        "max_output_tokens": 9,
        "store": True,
        "user": "u",
        "reasoning": {"effort": "low", "summary": "auto"},
        "parallel_tool_calls": False,
    }
    request = RESPONSES.decode(json.dumps(body).encode(), {})
    answer = json.loads(RESPONSES.whole(request, [fold([Started(), DONE])], envelope()))
    assert {key: answer[key] for key in ("temperature", "max_output_tokens", "user", "parallel_tool_calls")} == {
        "temperature": 0,
        "max_output_tokens": 9,
        "user": "u",
        "parallel_tool_calls": False,
    }
    assert answer["reasoning"] == {"effort": "low", "summary": "auto"}
    assert (answer["store"], answer["top_p"], answer["instructions"]) == (False, 1.0, None)
    assert request.given["store"] == "store"
