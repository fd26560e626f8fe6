"""What the OpenAI-shaped dialects write, refereed: OpenAI's SDK types and description, and Open Responses' types."""

import json
from typing import Any

import goldens
import httpx2
import openai
import openresponses_types
import pytest
from hypothesis import given, settings
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from responses_goldens import BODY, EXCHANGES, REQUEST, envelope, streamed, whole

from grok2api.canonical.events import Event
from grok2api.canonical.sequence import fold
from grok2api.dialects.openai_chat import CHAT
from grok2api.dialects.openai_responses import RESPONSES
from openai_spec import needs_spec, stream_events, validate
from strategies import event_streams

SDK_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
FUNCTIONS_ONLY = RESPONSES.decode(json.dumps({**BODY, "tools": BODY["tools"][:1]}).encode(), {})  # type: ignore[index]
ANSWERED = [name for name in EXCHANGES if not name.startswith("cut")]

#: The event classes of Open Responses by their `type`; items of other kinds than its own are extensions of it.
OPEN_EVENTS = {
    next(iter(cls.model_fields["type"].annotation)).value: cls
    for name, cls in vars(openresponses_types).items()
    if name.endswith("StreamingEvent")
}
OPEN_ITEMS = {"message", "function_call", "reasoning"}


def payloads(stream: bytes) -> list[Any]:
    datas = [line.removeprefix("data: ") for line in stream.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(data) for data in datas if data != "[DONE]"]


def for_description(payload: dict[str, Any]) -> dict[str, Any]:
    """Unfinished responses have `usage: null`, as OpenAI sends it; its description forgets that."""
    response = payload.get("response")
    if response is None or response["usage"] is not None:
        return payload
    return {**payload, "response": {key: value for key, value in response.items() if key != "usage"}}


@settings(max_examples=40, deadline=None)
@given(event_streams(custom_calls=True) | event_streams(failing=True))
def test_S10_every_event_and_object_satisfies_the_sdks_types(events):
    frames = payloads(streamed(events))
    for payload in frames:
        parsed = SDK_EVENT.validate_python(payload, strict=True)
        assert parsed.type == payload["type"]
    answer = fold(events)
    if answer.problem is None:
        Response.model_validate(json.loads(RESPONSES.whole(REQUEST, [answer], envelope())), strict=True)


@needs_spec
@pytest.mark.parametrize("name", EXCHANGES)
def test_S10_every_event_satisfies_openais_description(name):
    for payload in payloads(streamed(EXCHANGES[name])):
        validate(stream_events()[payload["type"]], for_description(payload))


@needs_spec
@pytest.mark.parametrize("name", ANSWERED)
def test_every_object_satisfies_openais_description(name):
    validate("Response", json.loads(whole(EXCHANGES[name])))


@settings(max_examples=40, deadline=None)
@given(event_streams())
def test_C6_every_event_satisfies_open_responses(events: list[Event]):
    frames = payloads(RESPONSES.encoder(FUNCTIONS_ONLY, envelope()).feed(events))
    for payload in frames:
        if payload["type"].startswith("response.web_search_call"):
            continue
        if "item" in payload and payload["item"]["type"] not in OPEN_ITEMS:
            continue
        if "response" in payload:
            output = [item for item in payload["response"]["output"] if item["type"] in OPEN_ITEMS]
            payload["response"]["output"] = output
        OPEN_EVENTS[payload["type"]].model_validate_json(json.dumps(payload), strict=True)


@settings(max_examples=40, deadline=None)
@given(event_streams())
def test_C6_every_object_satisfies_open_responses(events: list[Event]):
    answer = json.loads(RESPONSES.whole(FUNCTIONS_ONLY, [fold(events)], envelope()))
    answer["output"] = [item for item in answer["output"] if item["type"] in OPEN_ITEMS]
    openresponses_types.ResponseResource.model_validate_json(json.dumps(answer), strict=True)


def test_C6_a_schema_that_was_asked_for_is_told_again_with_every_member_that_open_responses_demands():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    asked = RESPONSES.decode(
        json.dumps(
            {"model": "m", "input": "hi", "text": {"format": {"type": "json_schema", "name": "n", "schema": schema}}}
        ).encode(),
        {},
    )
    answer = json.loads(RESPONSES.whole(asked, [fold(EXCHANGES[ANSWERED[0]])], envelope()))
    told = answer["text"]["format"]
    assert told == {"type": "json_schema", "name": "n", "description": None, "schema": schema, "strict": False}
    assert Response.model_validate(answer, strict=True).text
    # The package reads `schema` as null and nothing else; the specification allows an object.
    told["schema"] = None
    openresponses_types.JsonSchemaResponseFormat.model_validate_json(json.dumps(told), strict=True)


def _client(body: bytes, kind: str) -> openai.OpenAI:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=body)

    transport = httpx2.MockTransport(answer)
    return openai.OpenAI(api_key="k", base_url="http://gateway.test/v1", http_client=httpx2.Client(transport=transport))


@pytest.mark.parametrize("name", ANSWERED)
def test_C1_the_sdks_stream_helper_comes_to_the_whole_answer(name):
    client = _client(streamed(EXCHANGES[name]), "text/event-stream")
    with client.responses.stream(model="m", input="hi") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
    client = _client(whole(EXCHANGES[name]), "application/json")
    answer = client.responses.create(model="m", input="hi")
    assert answer.output_text == text
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0


def test_C1_the_sdk_reads_a_failure_in_mid_stream():
    client = _client(streamed(EXCHANGES["cut_in_call"]), "text/event-stream")
    *_, last = client.responses.create(model="m", input="hi", stream=True)
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert last.response.error.message == "The upstream was silent for 60 s"


@needs_spec
@pytest.mark.parametrize("name", goldens.EXCHANGES)
def test_chat_chunks_satisfy_openais_description(name):
    for payload in payloads(goldens.streamed("openai_chat", goldens.EXCHANGES[name])):
        if "error" not in payload:
            validate("CreateChatCompletionStreamResponse", payload)


@needs_spec
@settings(max_examples=20, deadline=None)
@given(event_streams(custom_calls=True))
def test_whole_chat_completions_satisfy_openais_description(events):
    request = CHAT.decode(goldens.CHAT_BODY, {})
    validate("CreateChatCompletionResponse", json.loads(CHAT.whole(request, [fold(events)], goldens.envelope())))


@needs_spec
def test_the_referee_sees_what_is_wrong():
    answer = json.loads(whole(EXCHANGES["plain"]))
    answer["output"][0]["content"][0]["annotations"] = None
    with pytest.raises(AssertionError, match="annotations"):
        validate("Response", answer)
    with pytest.raises(AssertionError, match="status"):
        validate("Response", {**answer, "status": "done"})
