"""Messages streams and whole answers, refereed by Anthropic's own types and client."""

import json
from typing import Any

import anthropic
import httpx2
import msgspec
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
    Searched,
    Started,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Request, Text, Thinking
from grok2api.canonical.sequence import fold
from grok2api.dialects.anthropic_messages import MESSAGES
from strategies import batches, event_streams

REQUEST = MESSAGES.decode(BODIES["anthropic_messages"], {})
SEARCHING = MESSAGES.decode(BODIES["anthropic_messages_searching"], {})
BOTH = pytest.mark.parametrize("request_", [REQUEST, SEARCHING], ids=["plain", "searching"])
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
FITTING = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
    "web_search_tool_result": set(),
}
SEARCH_BLOCKS = {"server_tool_use", "web_search_tool_result"}


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


def encoded(groups: list[list[Event]], request: Request = REQUEST) -> bytes:
    encoder = MESSAGES.encoder(request, envelope())
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
            message["usage"] |= payload["usage"]
    for index, text in inputs.items():
        message["content"][index]["input"] = json.loads(text or "{}")
    return message


def _add(block: dict[str, Any], delta: dict[str, Any], inputs: dict[int, str], index: int) -> None:
    if delta["type"] == "input_json_delta":
        inputs[index] = inputs.get(index, "") + delta["partial_json"]
    elif delta["type"] == "citations_delta":
        block.setdefault("citations", []).append(delta["citation"])
    else:
        member = delta["type"].removesuffix("_delta")
        block[member] += delta[member]


@BOTH
@settings(max_examples=150, deadline=None)
@given(events=event_streams(custom_calls=True), data=st.data())
def test_S15_a_whole_answer_equals_the_collected_stream(request_, events, data):
    message = collected(frames(encoded(data.draw(batches(events)), request_)))
    assert message == json.loads(MESSAGES.whole(request_, [fold(events)], envelope()))


@BOTH
@settings(max_examples=60, deadline=None)
@given(events=event_streams(), data=st.data())
def test_S15_how_events_are_grouped_changes_no_byte(request_, events, data):
    assert encoded(data.draw(batches(events)), request_) == encoded([events], request_)


@BOTH
@settings(max_examples=100, deadline=None)
@given(events=event_streams())
def test_S11_blocks_open_and_close_in_order_with_deltas_that_fit(request_, events):
    payloads = frames(encoded([events], request_))
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


@BOTH
@settings(max_examples=100, deadline=None)
@given(events=event_streams())
def test_every_frame_and_every_whole_answer_fits_the_official_types(request_, events):
    for payload in frames(encoded([events], request_)):
        if payload["type"] != "ping":
            assert EVENT.validate_python(payload, strict=True).type == payload["type"]
            assert (payload["type"] == "message_start") == (None in _values(payload))
    answer = json.loads(MESSAGES.whole(request_, [fold(events)], envelope()))
    assert Message.model_validate(answer, strict=True)
    assert None not in _values(answer["content"])


@settings(max_examples=100, deadline=None)
@given(event_streams())
def test_a_client_that_declared_no_search_sees_none(events):
    answer = json.loads(MESSAGES.whole(REQUEST, [fold(events)], envelope()))
    assert all("citations" not in block and block["type"] not in SEARCH_BLOCKS for block in answer["content"])
    assert "server_tool_use" not in answer["usage"]


@settings(max_examples=100, deadline=None)
@given(event_streams())
def test_a_client_that_declared_a_search_sees_each_of_them_once(events):
    searches = [event for event in events if isinstance(event, Searched)]
    answer = json.loads(MESSAGES.whole(SEARCHING, [fold(events)], envelope()))
    uses = [block for block in answer["content"] if block["type"] == "server_tool_use"]
    results = [block for block in answer["content"] if block["type"] == "web_search_tool_result"]
    assert [use["input"] for use in uses] == [{"query": search.query} for search in searches]
    assert [[page["url"] for page in result["content"]] for result in results] == [
        [source.url for source in search.sources] for search in searches
    ]
    told = answer["usage"].get("server_tool_use", {"web_search_requests": 0})
    assert told["web_search_requests"] == len(searches)


def _values(node: Any) -> list[Any]:
    """Every value of a JSON tree, but for the one member whose null is Anthropic's own."""
    if isinstance(node, dict):
        inner = [_values(value) for key, value in node.items() if key != "stop_sequence"]
        return [value for values in inner for value in values]
    return [value for child in node for value in _values(child)] if isinstance(node, list) else [node]


def test_a_search_inside_text_breaks_it_and_one_inside_thinking_follows_it():
    answer = json.loads(whole("anthropic_messages_searching", EXCHANGES["searches"]))
    kinds = [block["type"] for block in answer["content"]]
    pair = ["server_tool_use", "web_search_tool_result"]
    assert kinds == ["thinking", *pair, "text", *pair, *pair, "text", "tool_use", *pair]
    assert [block["text"] for block in answer["content"] if block["type"] == "text"] == [
        "There is more:",
        " two moons.",
    ]
    assert [cited["url"] for cited in answer["content"][8]["citations"]] == [
        "https://example.org/a",
        "https://x.com/a/status/1",
    ]
    assert answer["content"][9]["input"] == {"n": 2}


def test_usage_is_told_as_anthropic_defines_it():
    usage = json.loads(whole("anthropic_messages_searching", EXCHANGES["searches"]))["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (50, 30)
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    assert usage["server_tool_use"] == {"web_search_requests": 4, "web_fetch_requests": 0}
    assert usage["output_tokens_details"] == {"thinking_tokens": 4}


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


@pytest.mark.parametrize("where", ["cut_in_call", "cut_in_text"])
def test_S4_half_a_block_is_never_closed(where):
    assert b"content_block_stop" not in streamed("anthropic_messages", EXCHANGES[where])


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


def test_arguments_nested_deeper_than_anybody_reads_are_passed_on_as_text():
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    call = [PartStarted(0, PartKind.CALL, CallOpened("c", "f")), PartDelta(0, deep), PartEnded(0)]
    events: list[Event] = [Started(1), *call, Finished(Finish.TOOL_CALLS, Usage(input=1, output=1))]
    answer = json.loads(MESSAGES.whole(REQUEST, [fold(events)], envelope()))
    assert answer["content"][0]["input"] == {"input": deep}


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


def test_an_error_names_the_request_where_it_is_known():
    named = MESSAGES.encoder(REQUEST, msgspec.structs.replace(envelope(), request_id="req_1"))
    [payload] = frames(named.feed([Failed(Problem(kind=Kind.TIMEOUT, message="silent"))]))
    assert payload["request_id"] == "req_1"
    status, body = MESSAGES.problem(Problem(kind=Kind.NO_ACCOUNT, message="none"), "req_2")
    assert (status, json.loads(body)) == (
        429,
        {"type": "error", "error": {"type": "rate_limit_error", "message": "none"}, "request_id": "req_2"},
    )


PROMPT: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("dialect", ["anthropic_messages", "anthropic_messages_searching"])
@pytest.mark.parametrize("name", [name for name in EXCHANGES if not name.startswith("cut")])
def test_C1_the_official_client_builds_the_whole_answer_of_the_stream(name, dialect):
    with _client(streamed(dialect, EXCHANGES[name]), "text/event-stream") as client:  # noqa: SIM117
        with client.messages.stream(**PROMPT) as stream:
            streamed_message = stream.get_final_message()
    with _client(whole(dialect, EXCHANGES[name]), "application/json") as client:
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
