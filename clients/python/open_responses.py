"""The Open Responses compliance cases, and more of its specification: every object and event read by its types."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import openresponses_types
from cases import KEY, MODEL, V1, case, equal, main, ordered, png
from openresponses_types import ResponseResource

EVENTS = {
    next(iter(cls.model_fields["type"].annotation)).value: cls
    for name, cls in vars(openresponses_types).items()
    if name.endswith("StreamingEvent")
}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather at a place",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "A city"}},
        "required": ["location"],
    },
}
ASKED = "What is the weather in San Francisco?"


def said(text: Any, role: str = "user") -> dict[str, Any]:
    """A message of the input."""
    return {"type": "message", "role": role, "content": text}


def post(**body: Any) -> Any:
    """The open answer to a request."""
    request = urllib.request.Request(
        f"{V1}/responses",
        json.dumps({"model": MODEL, **body}).encode(),
        {"authorization": f"Bearer {KEY}", "content-type": "application/json"},
    )
    return urllib.request.urlopen(request, timeout=60.0)


def whole(**body: Any) -> ResponseResource:
    """A complete response, read strictly."""
    with post(**body) as answer:
        told = json.load(answer)
    form = told["text"]["format"]
    if "schema" in form:  # an object or null by the specification; the package takes null only
        equal(form["schema"], body["text"]["format"]["schema"])
        form["schema"] = None
    response = ResponseResource.model_validate_json(json.dumps(told), strict=True)
    assert response.output
    return response


def streamed(**body: Any) -> list[Any]:
    """All events, each read strictly; named as their `event` line says and numbered without a gap."""
    events: list[Any] = []
    with post(stream=True, **body) as answer:
        equal(answer.headers.get_content_type(), "text/event-stream")
        frames = answer.read().decode().strip().split("\n\n")
    *frames, last = [frame for frame in frames if frame]
    if "response.failed" in last:  # nothing may follow a failure
        frames.append(last)
    else:
        equal(last, "data: [DONE]")
    for frame in frames:
        lines = dict(line.split(": ", 1) for line in frame.splitlines() if not line.startswith(":"))
        if not lines:
            continue
        kind = json.loads(lines["data"])["type"]
        equal(kind, lines["event"])
        events.append(EVENTS[kind].model_validate_json(lines["data"], strict=True))
    equal([event.sequence_number for event in events], list(range(len(events))))
    return events


def items(response: Any, kind: str) -> list[Any]:
    """The output items of a kind, as plain values."""
    dumped = json.loads(response.model_dump_json())
    return [item for item in dumped["output"] if item["type"] == kind]


def words(response: Any) -> str:
    """All text of the answer."""
    return "".join(part["text"] for item in items(response, "message") for part in item["content"])


def complete(response: Any) -> None:
    """Raise unless it ended well."""
    equal(json.loads(response.model_dump_json())["status"], "completed")


@case("basic-response")
def basic() -> None:
    response = whole(input=[said("Say hello in three words.")])
    complete(response)
    assert words(response)


@case("input as text")
def text() -> None:
    complete(whole(input="Say hello."))


@case("streaming-response")
def streaming() -> None:
    events = streamed(input=[said("Count to five.")])
    kinds = [event.type.value if hasattr(event.type, "value") else event.type for event in events]
    ordered(
        kinds,
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    )
    complete(events[-1].response)
    deltas = [event.delta for event, kind in zip(events, kinds, strict=True) if kind == "response.output_text.delta"]
    equal("".join(deltas), words(events[-1].response))


@case("system-prompt")
def system() -> None:
    for role in ("system", "developer"):
        complete(whole(input=[said("Talk like a pirate.", role), said("Say hello.")]))
    complete(whole(instructions="Talk like a pirate.", input=[said("Say hello.")]))


@case("tool-calling")
def calling() -> None:
    response = whole(input=[said(ASKED)], tools=[WEATHER])
    equal(json.loads(items(response, "function_call")[0]["arguments"]), {"location": "San Francisco"})


@case("tool-calling-streaming")
def calling_streamed() -> None:
    events = streamed(input=[said(ASKED)], tools=[WEATHER])
    plain = [json.loads(event.model_dump_json()) for event in events]
    kinds = [
        f"{event['type']} {event['item']['type']}" if "item" in event else event["type"]
        for event in plain
    ]  # fmt: skip
    ordered(
        kinds,
        "response.output_item.added function_call",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done function_call",
        "response.completed",
    )


@case("tool result")
def result() -> None:
    first = whole(input=[said(ASKED)], tools=[WEATHER])
    made = items(first, "function_call")[0]
    output = {"type": "function_call_output", "call_id": made["call_id"], "output": "18 degrees"}
    history = [said(ASKED), *json.loads(first.model_dump_json(exclude_none=True))["output"], output]
    assert "18 degrees" in words(whole(input=history, tools=[WEATHER]))


@case("tool_choice")
def choice() -> None:
    for wanted in ("required", {"type": "function", "name": "get_weather"}):
        assert items(whole(input=[said("Hello")], tools=[WEATHER], tool_choice=wanted), "function_call")
    equal(items(whole(input=[said(ASKED)], tools=[WEATHER], tool_choice="none"), "function_call"), [])


@case("image-input")
def image() -> None:
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    parts = [{"type": "input_text", "text": "What is in this picture?"}, {"type": "input_image", "image_url": url}]
    complete(whole(input=[said(parts)]))


@case("multi-turn")
def turns() -> None:
    history = [said("My name is Alice."), said("Hello Alice!", "assistant"), said("What is my name?")]
    complete(whole(input=history))


@case("reasoning")
def reasoning() -> None:
    response = whole(input=[said("Think.")], reasoning={"effort": "high", "summary": "auto"})
    assert items(response, "reasoning")
    streamed(input=[said("Think.")], reasoning={"effort": "high", "summary": "auto"})


@case("structured output")
def structured() -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "name": "person", "schema": schema, "strict": True}
    response = whole(input=[said("Who?")], text={"format": form})
    equal(list(json.loads(words(response))), ["name"])


@case("previous_response_id")
def previous() -> None:
    first = whole(input=[said("My name is Alice.")])
    second = whole(input=[said("What is my name?")], previous_response_id=first.id)
    equal(second.previous_response_id, first.id)
    streamed(input=[said("And again?")], previous_response_id=second.id)


@case("a response that fails on its way")
def failing() -> None:
    events = streamed(input=[said("sim:long sim:error@4=13 please")])
    equal(json.loads(events[-1].model_dump_json())["response"]["status"], "failed")


@case("errors")
def errors() -> None:
    try:
        post(input=[said("Hello")], temperature="hot")
    except urllib.error.HTTPError as refused:
        equal(refused.code, 400)
        error = json.load(refused)["error"]
        equal((error["param"], bool(error["message"]), bool(error["type"])), ("temperature", True, True))
        return
    raise AssertionError("it was answered")


if __name__ == "__main__":
    main()
