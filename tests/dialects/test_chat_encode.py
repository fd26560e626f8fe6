"""Chat completion streams and whole answers, refereed by OpenAI's own types and client."""

import json
from typing import Any

import httpx2
import msgspec
import openai
import pytest
from goldens import CHAT_BODY, EXCHANGES, envelope, streamed, whole
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from grok2api.canonical.events import (
    CallOpened,
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
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import fold
from grok2api.dialects.openai_chat import CHAT
from strategies import batches, event_streams

REQUEST = CHAT.decode(CHAT_BODY, {})


def frames(stream: bytes) -> list[Any]:
    """The payloads of a stream, `[DONE]` as itself."""
    parts = stream.decode().split("\n\n")
    assert parts.pop() == ""
    assert all(part.startswith("data: ") and "\n" not in part for part in parts)
    payloads = [part.removeprefix("data: ") for part in parts]
    return [payload if payload == "[DONE]" else json.loads(payload) for payload in payloads]


def encoded(groups: list[list[Event]], request: Request = REQUEST) -> bytes:
    encoder = CHAT.encoder(request, envelope())
    return b"".join(encoder.feed(group) for group in groups)


def collected(chunks: list[Any]) -> dict[str, Any]:
    """The whole answer that a client builds of the chunks."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
    body: dict[str, Any] = {}
    for chunk in chunks:
        body.update({key: chunk[key] for key in ("usage", "search_sources") if key in chunk})
        for choice in chunk["choices"]:
            delta = choice["delta"]
            message["content"] += delta.get("content", "")
            if "reasoning_content" in delta:
                message["reasoning_content"] = message.get("reasoning_content", "") + delta["reasoning_content"]
            for call in delta.get("tool_calls", ()):
                assert call.pop("index") == len(message.setdefault("tool_calls", []))
                message["tool_calls"].append(call)
            if "annotations" in delta:
                message["annotations"] = delta["annotations"]
            body["finish_reason"] = choice["finish_reason"]
    if not message["content"] and "tool_calls" in message:
        message["content"] = None
    return {**body, "message": message}


@settings(max_examples=150, deadline=None)
@given(event_streams(custom_calls=True), st.data())
def test_S15_a_whole_answer_equals_the_collected_stream(events, data):
    payloads = frames(encoded(data.draw(batches(events))))
    assert payloads.pop() == "[DONE]"
    answer = json.loads(CHAT.whole(REQUEST, [fold(events)], envelope()))
    choice = answer["choices"][0]
    expected = {"message": choice["message"], "finish_reason": choice["finish_reason"], "usage": answer["usage"]}
    if "search_sources" in answer:
        expected["search_sources"] = answer["search_sources"]
    assert collected(payloads) == expected


@settings(max_examples=60, deadline=None)
@given(event_streams(), st.data())
def test_S15_how_events_are_grouped_changes_no_byte(events, data):
    assert encoded(data.draw(batches(events))) == encoded([events])


@settings(max_examples=100, deadline=None)
@given(event_streams())
def test_S9_every_chunk_has_the_same_head_and_only_the_last_a_reason(events):
    payloads = frames(encoded([events]))
    assert payloads.pop() == "[DONE]"
    chunks = [ChatCompletionChunk.model_validate(payload, strict=True) for payload in payloads]
    assert {(chunk.id, chunk.created, chunk.model) for chunk in chunks} == {
        ("chatcmpl-0001", 1767225600, "grok-4.3-fast")
    }
    assert all(set(choice) >= {"index", "delta", "finish_reason"} for chunk in payloads for choice in chunk["choices"])
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert all(reason is None for reason in reasons[:-1])
    assert reasons[-1] is not None
    roles = [choice.delta.role for chunk in chunks for choice in chunk.choices]
    assert roles[0] == "assistant"
    assert set(roles[1:]) <= {None}
    assert payloads[-2]["choices"][0]["delta"] == {}


@pytest.mark.parametrize("asked", [True, False])
def test_S8_usage_comes_in_one_chunk_of_its_own_and_only_when_asked_for(asked):
    request = msgspec.structs.replace(REQUEST, include_usage=asked)
    payloads = frames(encoded([EXCHANGES["plain"]], request))
    with_usage = [payload for payload in payloads if "usage" in payload]
    assert len(with_usage) == (1 if asked else 0)
    if asked:
        assert payloads[-2:] == [with_usage[0], "[DONE]"]
        assert with_usage[0]["choices"] == []
        usage = with_usage[0]["usage"]
        assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"] > 0


@settings(max_examples=50, deadline=None)
@given(event_streams(failing=True))
def test_S4_a_broken_answer_ends_in_an_error_frame_and_done(events):
    *before, error, done = frames(encoded([events]))
    assert done == "[DONE]"
    assert set(error["error"]) == {"message", "type", "code", "param", "status"}
    assert all(choice["finish_reason"] is None for chunk in before for choice in chunk["choices"])


def test_S4_half_of_a_call_is_not_sent_as_a_call():
    stream = streamed("openai_chat", EXCHANGES["cut_in_call"])
    assert b"tool_calls" not in stream


def test_S4_nothing_follows_the_end_of_a_stream():
    encoder = CHAT.encoder(REQUEST, envelope())
    encoder.feed([Started(1), Failed(Problem(kind=Kind.CUT, message="cut"))])
    assert encoder.feed(EXCHANGES["plain"]) == b""


def test_a_failure_may_come_first():
    assert frames(encoded([[Failed(Problem(kind=Kind.TIMEOUT, message="silent"))]]))[0]["error"]["status"] == 504


def test_C3_a_call_is_one_delta_with_an_index_of_its_own():
    payloads = frames(streamed("openai_chat", EXCHANGES["parallel_calls"]))
    deltas = [choice["delta"] for payload in payloads[:-1] for choice in payload["choices"]]
    calls = [delta["tool_calls"] for delta in deltas if "tool_calls" in delta]
    assert [[call["index"] for call in group] for group in calls] == [[0], [1]]
    assert [json.loads(group[0]["function"]["arguments"]) for group in calls] == [{"path": 'a "b"'}, {}]


def _said(text: str, output: int, finish: Finish = Finish.STOP) -> list[Event]:
    said = [PartStarted(0, PartKind.TEXT), PartDelta(0, text), PartEnded(0)]
    return [Started(4), *said, Finished(finish, Usage(input=4, output=output))]


def test_several_choices_share_one_stream_one_usage_and_one_end():
    request = msgspec.structs.replace(REQUEST, n=2)
    encoder = CHAT.encoder(request, envelope())
    one, two = _said("a", 1), _said("b", 2, Finish.LENGTH)
    stream = encoder.feed(one[:3], 0) + encoder.feed(two, 1) + encoder.feed(one[3:], 0)
    payloads = frames(stream)
    assert payloads.count("[DONE]") == 1
    assert [choice["index"] for payload in payloads[:-1] for choice in payload["choices"]] == [0, 0, 1, 1, 1, 0]
    assert payloads[-2]["usage"]["prompt_tokens"] == 4
    assert payloads[-2]["usage"]["completion_tokens"] == 3
    answer = json.loads(CHAT.whole(request, [fold(one), fold(two)], envelope()))
    assert ChatCompletion.model_validate(answer, strict=True)
    assert [choice["message"]["content"] for choice in answer["choices"]] == ["a", "b"]
    assert [choice["finish_reason"] for choice in answer["choices"]] == ["stop", "length"]
    assert answer["usage"] == payloads[-2]["usage"]


def test_a_client_of_the_older_functions_finds_its_function_call():
    request = msgspec.structs.replace(REQUEST, echo={"functions": True})
    payloads = frames(encoded([EXCHANGES["parallel_calls"]], request))
    deltas = [choice["delta"] for payload in payloads[:-1] for choice in payload["choices"]]
    called = [delta["function_call"] for delta in deltas if "function_call" in delta]
    assert called == [{"name": "read", "arguments": '{"path":"a \\"b\\""}'}]
    assert payloads[-3]["choices"][0]["finish_reason"] == "function_call"
    choice = json.loads(CHAT.whole(request, [fold(EXCHANGES["parallel_calls"])], envelope()))["choices"][0]
    assert choice["message"]["function_call"] == called[0]
    assert choice["finish_reason"] == "function_call"


def test_sources_are_told_once_each_on_the_final_chunk():
    page = Source("https://a", "A", "x_post")
    events: list[Event] = [
        Started(1),
        Sourced((page,)),
        Sourced((page,)),
        Finished(Finish.STOP, Usage(input=1, output=1)),
    ]
    told = [payload["search_sources"] for payload in frames(encoded([events]))[:-1] if "search_sources" in payload]
    assert told == [[{"url": "https://a", "title": "A", "type": "x_post"}]]


def test_a_custom_call_carries_its_text_unchanged():
    call = [PartStarted(0, PartKind.CALL, CallOpened("c", "patch", custom=True)), PartDelta(0, "*** x"), PartEnded(0)]
    events: list[Event] = [Started(1), *call, Finished(Finish.TOOL_CALLS, Usage(input=1, output=1))]
    answer = json.loads(CHAT.whole(REQUEST, [fold(events)], envelope()))
    assert ChatCompletion.model_validate(answer, strict=True)
    expected = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "*** x"}}
    assert answer["choices"][0]["message"]["tool_calls"] == [expected]


def _client(body: bytes, content_type: str, status: int = 200) -> openai.OpenAI:
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(status, headers={"content-type": content_type}, content=body)
    )
    return openai.OpenAI(
        api_key="k", base_url="http://t/v1", http_client=httpx2.Client(transport=transport), max_retries=0
    )


PROMPT: Any = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize("name", [name for name in EXCHANGES if not name.startswith("cut")])
def test_C1_the_official_client_builds_the_whole_answer_of_the_stream(name):
    with _client(streamed("openai_chat", EXCHANGES[name]), "text/event-stream") as client:
        answers = list(client.chat.completions.create(model="m", messages=PROMPT, stream=True))
    text = "".join(choice.delta.content or "" for chunk in answers for choice in chunk.choices)
    with _client(whole("openai_chat", EXCHANGES[name]), "application/json") as client:
        answer = client.chat.completions.create(model="m", messages=PROMPT)
    assert (answer.choices[0].message.content or "") == text
    assert answers[-1].usage == answer.usage


def test_S4_the_official_client_raises_on_a_broken_answer():
    stream = streamed("openai_chat", EXCHANGES["cut_in_text"])
    with _client(stream, "text/event-stream") as client, pytest.raises(openai.APIError, match="broke off"):
        list(client.chat.completions.create(model="m", messages=PROMPT, stream=True))
