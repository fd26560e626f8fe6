"""Messages streams and whole answers, refereed by Anthropic's own types and client."""

import json
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from goldens import BODIES, EXCHANGES, envelope, streamed, whole
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

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
    Started,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Text, Thinking
from grok2api.canonical.sequence import fold
from grok2api.dialects.anthropic_messages import MESSAGES
from strategies import batches, event_streams

REQUEST = MESSAGES.decode(BODIES["anthropic_messages"], {})
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
FITTING = {"text": {"text_delta"}, "thinking": {"thinking_delta", "signature_delta"}, "tool_use": {"input_json_delta"}}


def frames(stream: bytes) -> list[dict[str, Any]]:
    parts = stream.decode().split("\n\n")
    assert parts.pop() == ""
    payloads = []
    for part in parts:
        event, data = part.split("\n")
        payload = json.loads(data.removeprefix("data: "))
        assert event == f"event: {payload['type']}"
        payloads.append(payload)
    return payloads


def encoded(groups: list[list[Event]]) -> bytes:
    encoder = MESSAGES.encoder(REQUEST, envelope())
    return b"".join(encoder.feed(group) for group in groups)


def collected(payloads: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that a client builds of the frames."""
    message = payloads[0]["message"]
    inputs: dict[int, str] = {}
    for payload in payloads[1:]:
        if payload["type"] == "content_block_start":
            message["content"].append(payload["content_block"])
        elif payload["type"] == "content_block_delta":
            _add(message["content"][payload["index"]], payload["delta"], inputs, payload["index"])
        elif payload["type"] == "message_delta":
            message.update(payload["delta"])
            message["usage"] = payload["usage"]
    for index, text in inputs.items():
        message["content"][index]["input"] = json.loads(text or "{}")
    return message


def _add(block: dict[str, Any], delta: dict[str, Any], inputs: dict[int, str], index: int) -> None:
    if delta["type"] == "input_json_delta":
        inputs[index] = inputs.get(index, "") + delta["partial_json"]
    else:
        member = delta["type"].removesuffix("_delta")
        block[member] += delta[member]


@settings(max_examples=150, deadline=None)
@given(event_streams(custom_calls=True), st.data())
def test_S15_a_whole_answer_equals_the_collected_stream(events, data):
    message = collected(frames(encoded(data.draw(batches(events)))))
    assert message == json.loads(MESSAGES.whole(REQUEST, [fold(events)], envelope()))


@settings(max_examples=60, deadline=None)
@given(event_streams(), st.data())
def test_S15_how_events_are_grouped_changes_no_byte(events, data):
    assert encoded(data.draw(batches(events))) == encoded([events])


@settings(max_examples=100, deadline=None)
@given(event_streams())
def test_S11_blocks_open_and_close_in_order_with_deltas_that_fit(events):
    payloads = frames(encoded([events]))
    kinds = [payload["type"] for payload in payloads]
    assert kinds[:2] == ["message_start", "ping"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert (kinds.count("message_start"), kinds.count("message_delta"), kinds.count("message_stop")) == (1, 1, 1)
    current: tuple[int, str] | None = None
    opened = 0
    for payload in payloads[2:-2]:
        if payload["type"] == "content_block_start":
            assert current is None
            assert payload["index"] == opened
            current, opened = (opened, payload["content_block"]["type"]), opened + 1
            continue
        assert current is not None
        assert payload["index"] == current[0]
        if payload["type"] == "content_block_stop":
            current = None
        else:
            assert payload["delta"]["type"] in FITTING[current[1]]
    assert current is None


@settings(max_examples=100, deadline=None)
@given(event_streams())
def test_every_frame_and_every_whole_answer_fits_the_official_types(events):
    for payload in frames(encoded([events])):
        if payload["type"] != "ping":
            assert EVENT.validate_python(payload, strict=True).type == payload["type"]
    answer = json.loads(MESSAGES.whole(REQUEST, [fold(events)], envelope()))
    assert Message.model_validate(answer, strict=True)
    assert all("citations" not in block for block in answer["content"])


def test_S8_usage_is_told_at_the_start_and_at_the_end():
    payloads = frames(encoded([EXCHANGES["plain"]]))
    assert payloads[0]["message"]["usage"]["input_tokens"] == 7
    assert payloads[-2]["usage"]["output_tokens"] == 5


def test_S8_an_unknown_count_is_never_zero_at_the_start():
    assert frames(encoded([[Started(0)]]))[0]["message"]["usage"]["input_tokens"] == 1


@settings(max_examples=50, deadline=None)
@given(event_streams(failing=True))
def test_S4_a_broken_answer_ends_in_an_error_event_and_no_done(events):
    stream = encoded([events])
    payloads = frames(stream)
    assert payloads[-1] == {
        "type": "error",
        "error": {"type": "api_error", "message": "The upstream's answer broke off"},
    }
    assert "message_stop" not in {payload["type"] for payload in payloads}
    assert b"[DONE]" not in stream


def test_S4_the_block_of_half_a_call_is_never_closed():
    assert b"content_block_stop" not in streamed("anthropic_messages", EXCHANGES["cut_in_call"])


def test_a_failure_may_come_first():
    payloads = frames(encoded([[Failed(Problem(kind=Kind.TIMEOUT, message="silent"))]]))
    assert payloads == [{"type": "error", "error": {"type": "timeout_error", "message": "silent"}}]


def test_C3_the_input_of_a_call_comes_in_deltas_and_one_of_them_may_be_empty():
    payloads = frames(encoded([EXCHANGES["parallel_calls"]]))
    starts = [payload["content_block"] for payload in payloads if payload["type"] == "content_block_start"]
    assert [block["input"] for block in starts if block["type"] == "tool_use"] == [{}, {}]
    empty = [payload["delta"] for payload in payloads if payload.get("index") == 2 and "delta" in payload]
    assert empty == [{"type": "input_json_delta", "partial_json": ""}]


def test_a_custom_call_becomes_an_object_with_its_text():
    call = [PartStarted(0, PartKind.CALL, CallOpened("c", "patch", custom=True)), PartDelta(0, 'a "'), PartEnded(0)]
    events: list[Event] = [Started(1), *call, Finished(Finish.TOOL_CALLS, Usage(input=1, output=1))]
    assert collected(frames(encoded([events])))["content"][0]["input"] == {"input": 'a "'}


@pytest.mark.parametrize(("encrypted", "ident"), [("b3Bh/+=", "rs_1"), ("b3Bh", None), (None, None), (None, "rs.2")])
def test_encrypted_reasoning_comes_back_in_the_signature(encrypted, ident):
    thinking = [PartStarted(0, PartKind.THINKING), PartDelta(0, "hm"), PartEnded(0, encrypted, ident)]
    said = [PartStarted(1, PartKind.TEXT), PartDelta(1, "hi"), PartEnded(1)]
    events: list[Event] = [Started(1), *thinking, *said, Finished(Finish.STOP, Usage(input=1, output=1))]
    answer = json.loads(MESSAGES.whole(REQUEST, [fold(events)], envelope()))
    assert answer["content"][0]["signature"]
    turns = [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": "go on"}]
    request = MESSAGES.decode(json.dumps({"model": "m", "messages": turns}).encode(), {})
    kept = None if ident == "rs.2" else ident
    assert request.messages[0].parts == (Thinking("hm", encrypted, kept), Text("hi"))


def test_S5_the_keepalive_is_a_ping_frame_of_its_own():
    assert frames(MESSAGES.keepalive) == [{"type": "ping"}]


def test_the_count_of_tokens_has_its_own_small_body():
    assert MESSAGES.counted(42) == b'{"input_tokens":42}'


def _client(body: bytes, content_type: str, status: int = 200) -> anthropic.Anthropic:
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(status, headers={"content-type": content_type}, content=body)
    )
    return anthropic.Anthropic(
        api_key="k", base_url="http://t", http_client=httpx2.Client(transport=transport), max_retries=0
    )


PROMPT: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("name", [name for name in EXCHANGES if not name.startswith("cut")])
def test_C1_the_official_client_builds_the_whole_answer_of_the_stream(name):
    with _client(streamed("anthropic_messages", EXCHANGES[name]), "text/event-stream") as client:  # noqa: SIM117
        with client.messages.stream(**PROMPT) as stream:
            streamed_message = stream.get_final_message()
    with _client(whole("anthropic_messages", EXCHANGES[name]), "application/json") as client:
        answer = client.messages.create(**PROMPT)
    assert streamed_message.to_dict(exclude_none=True) == answer.to_dict(exclude_none=True)


def test_S4_the_official_client_raises_on_a_broken_answer():
    stream = streamed("anthropic_messages", EXCHANGES["cut_in_text"])
    with (
        _client(stream, "text/event-stream") as client,
        pytest.raises(anthropic.APIStatusError, match="broke off"),
        client.messages.stream(**PROMPT) as events,
    ):
        events.get_final_message()
