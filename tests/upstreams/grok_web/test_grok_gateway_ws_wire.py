"""The WebSocket gateway's events, one kind after the other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import summary, text_of

from grok2api.canonical.events import Ended, Fact, Failed
from grok2api.upstreams.grok_web.gateway_ws_wire import GatewayParser, session_create, socket_url
from grok2api.upstreams.grok_web.options import WebOptions

DONE = {"type": "response.done", "response": {"id": "r", "status": "completed"}}


def told(*events: dict[str, object]) -> list[Fact]:
    parser = GatewayParser(WebOptions())
    facts = [fact for event in events for fact in parser.feed(json.dumps({"event": event}))]
    return facts if parser.over else facts + parser.close()


def words(text: str, channel: str = "CHANNEL_ASSISTANT_RESPONSE") -> dict[str, object]:
    return {"type": "response.chunk", "chunk": {"text": {"text": text, "channel": channel}}}


def chunk(**members: object) -> dict[str, object]:
    return {"type": "response.chunk", "chunk": members}


PAGE = {"url": "https://example.org/phobos", "title": "Phobos", "snippet": "..."}
POST = {"userhandle": "esa", "name": "ESA", "text": "close up", "post_id": "42"}
IMAGE = {
    "id": "ig",
    "image_chunk": {"imageUuid": "u1", "imageUrl": "users/u/generated/u1/image.jpg", "progress": 100},
}
CASES = [
    (
        [words("hm", "CHANNEL_REASONING"), words("?", "CHANNEL_OTHER"), words("Hi"), DONE],
        {"thinking": "hm", "text": "Hi"},
    ),
    (
        [
            chunk(tool_usage_card={"tool_usage_card_id": "t1", "web_search": {"args": {"query": "moons"}}}),
            chunk(tool_result={"tool_call_id": "t1", "web_search": {"webpages": [PAGE]}}),
            chunk(tool_result={"tool_call_id": "t2", "x_post": {"posts": [POST]}}),
            words("Phobos"),
            chunk(render_citation={"id": "c", "kind": "CITATION_KIND_WEB_PAGE", "url": PAGE["url"], "citation_id": 0}),
            words("."),
            DONE,
        ],
        {
            "thinking": "web_search: moons\n",
            "text": "Phobos [[1]](https://example.org/phobos).",
            "citations": [[" [[1]](https://example.org/phobos)", "https://example.org/phobos", "Phobos"]],
            "searches": [["web_search", "moons", ["https://example.org/phobos"]]],
            "sources": [["https://x.com/esa/status/42", "close up", "x_post"]],
        },
    ),
    (
        [
            {"type": "response.output_text.delta", "delta": "Hel"},
            {"type": "response.output_text.done", "text": "Hello"},
            {"type": "response.search.result", "result": PAGE},
            {"type": "pong"},
            DONE,
        ],
        {"text": "Hello", "sources": [["https://example.org/phobos", "Phobos", "web"]]},
    ),
    ([words("Hi"), {"type": "response.output_text.delta", "delta": "Hi"}, DONE], {"text": "Hi"}),
    (
        [{"type": "response.grok.output", "output": {"card_attachment": {"jsonData": json.dumps(IMAGE)}}}, DONE],
        {
            "places": ["https://assets.grok.com/users/u/generated/u1/image.jpg"],
            "percents": [100],
            "pictures": ["https://assets.grok.com/users/u/generated/u1/image.jpg"],
        },
    ),
    ([words("Hi"), {"type": "session.ended"}], {"text": "Hi"}),
]


@pytest.mark.parametrize(("events", "expected"), CASES)
def test_events_say_what_they_mean(events: list[dict[str, object]], expected: dict[str, object]) -> None:
    assert summary(told(*events)) == expected | {"end": "stop"}


def done(status: str, **details: object) -> dict[str, object]:
    return {"type": "response.done", "response": {"status": status, "status_details": details}}


ENDS = [
    (done("incomplete", reason="max_output_tokens"), "length"),
    (done("incomplete", reason="content_filter"), "content_filter"),
    (done("cancelled"), "failed cut stream_cut"),
    (done("failed", reason="rate limit"), "failed rate_limited"),
    (done("failed", error={"code": 16, "message": ""}), "failed unauthorized"),
    ({"type": "error", "error": {"code": 8, "message": "Too many requests"}}, "failed rate_limited"),
    ({"type": "error", "code": 8, "message": "Too many requests"}, "failed rate_limited"),
    (
        {"type": "response.grok.output", "output": {"stream_error": {"code": 7, "message": "anti-bot"}}},
        "failed challenge",
    ),
    (None, "failed cut stream_cut"),
]


@pytest.mark.parametrize(("last", "end"), ENDS)
def test_an_answer_ends_as_the_upstream_says(last: dict[str, object] | None, end: str) -> None:
    assert summary(told(words("Hi"), *([last] if last else [])))["end"] == end


def test_a_character_in_two_halves_is_whole() -> None:
    parser = GatewayParser(WebOptions())
    chunk = '{"event":{"type":"response.chunk","chunk":{"text":{"text":"%s","channel":"CHANNEL_ASSISTANT_RESPONSE"}}}}'
    facts = [fact for half in (r"a \ud83d", r"\ude00 b") for fact in parser.feed(chunk % half)]
    assert text_of(facts) == "a 😀 b"


def test_S3_an_end_without_content_is_empty() -> None:
    assert summary(told(DONE)) == {"end": "failed empty empty_response"}


def test_the_question_waits_for_the_session_and_the_conversation() -> None:
    parser = GatewayParser(WebOptions())
    parser.feed('{"event":{"type":"conversation.attached","conversation":{"id":"c-1"}}}')
    assert parser.session_id == ""
    parser.feed('{"type":"session.created"}')
    assert parser.session_id == "c-1"


def test_the_session_says_what_the_operator_chose() -> None:
    session = json.loads(session_create("expert", WebOptions(temporary=False, memory=True)))["event"]["session"]
    assert session["model"] == "expert"
    assert (session["x_grok"]["is_temporary"], session["x_grok"]["disable_memory"]) == (False, False)


@pytest.mark.parametrize(
    ("options", "url"),
    [
        (WebOptions(), "wss://grok.com/ws/mgw/?uid=u%2F1"),
        (WebOptions(base_url="http://127.0.0.1:9"), "ws://127.0.0.1:9/ws/mgw/?uid=u%2F1"),
        (WebOptions(ws_url="ws://sim:1"), "ws://sim:1/ws/mgw/?uid=u%2F1"),
    ],
)
def test_the_address_is_derived_unless_it_is_given(options: WebOptions, url: str) -> None:
    assert socket_url(options, "u/1") == url


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "url", "web_search", "webpages", "status", "text", "channel"]), inner)
    ),
    max_leaves=8,
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["response.chunk", "response.done", "response.grok.output", "error", "conversation.attached"]
        )
    },
    optional=dict.fromkeys(("chunk", "response", "output", "error", "conversation", "result"), VALUES),
)


@given(st.lists(EVENTS | st.dictionaries(st.just("event"), VALUES), max_size=4))
def test_any_event_is_facts_and_the_last_is_an_end(events: list[dict[str, object]]) -> None:
    facts = told(*events)
    assert [type(fact) for fact in facts if isinstance(fact, Ended | Failed)] == [type(facts[-1])]
