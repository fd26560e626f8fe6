"""The OpenAI Python SDK: chat completions, Responses, pictures, films, the models list, errors."""

import base64
import json
from typing import Any

import openai
from cases import FOLDER, KEY, MODEL, ON_GROK_COM, V1, asked, case, equal, main, ordered, png, refusal
from openai import OpenAI
from pydantic import BaseModel

client = OpenAI(base_url=V1, api_key=KEY, max_retries=0)

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
CHAT_TOOL: Any = {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": WEATHER}}
FLAT_TOOL: Any = {"type": "function", "name": "get_weather", "description": "d", "parameters": WEATHER, "strict": True}
HELLO: Any = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello from the SDK"}]
OSLO: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
BOTH: Any = [{"role": "user", "content": "Get the weather in Oslo and Rome, both in parallel"}]


class City(BaseModel):
    """What a structured answer has to be."""

    name: str
    people: int
    districts: list[str]


@case("chat")
def chat() -> None:
    answer = client.chat.completions.create(model=MODEL, messages=HELLO)
    assert "Hello from the SDK" in answer.choices[0].message.content
    equal(answer.choices[0].finish_reason, "stop")
    assert answer.usage.prompt_tokens > 0 < answer.usage.completion_tokens
    assert "Be brief." in asked()


@case("chat: turns and parts")
def turns() -> None:
    parts = [{"type": "text", "text": "My number"}, {"type": "text", "text": " is 417"}]
    history: Any = [
        {"role": "system", "content": [{"type": "text", "text": "You are calm."}]},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "Noted."},
        {"role": "user", "content": "Which?"},
    ]
    answer = client.chat.completions.create(model=MODEL, messages=history, stop=None, tools=[])
    assert answer.choices[0].message.content
    assert all(word in asked() for word in ("You are calm.", "417", "Noted."))


@case("chat: stream")
def stream() -> None:
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
    assert "Hello from the SDK" in "".join(one.choices[0].delta.content or "" for one in chunks)
    equal([one.usage for one in chunks if one.usage], [])
    equal([one.choices[0].finish_reason for one in chunks if one.choices[0].finish_reason], ["stop"])
    with client.chat.completions.stream(model=MODEL, messages=HELLO, stream_options={"include_usage": True}) as events:
        final = list(events) and events.get_final_completion()
    assert final.choices[0].message.content
    assert final.usage.completion_tokens > 0


@case("chat: tool round trip")
def tools() -> None:
    first = client.chat.completions.create(model=MODEL, messages=OSLO, tools=[CHAT_TOOL])
    equal(first.choices[0].finish_reason, "tool_calls")
    made = first.choices[0].message.tool_calls
    equal([json.loads(one.function.arguments) for one in made], [{"city": "Oslo"}])
    result = {"role": "tool", "tool_call_id": made[0].id, "content": "4 degrees, clear"}
    history: Any = [*OSLO, first.choices[0].message, result]
    second = client.chat.completions.create(model=MODEL, messages=history, tools=[CHAT_TOOL])
    assert "4 degrees, clear" in second.choices[0].message.content
    equal(second.choices[0].finish_reason, "stop")


@case("chat: parallel tools, streamed")
def parallel() -> None:
    chunks = list(client.chat.completions.create(model=MODEL, messages=BOTH, tools=[CHAT_TOOL], stream=True))
    made = [one for chunk in chunks for one in chunk.choices[0].delta.tool_calls or ()]
    equal([one.index for one in made], [0, 1])
    equal([json.loads(one.function.arguments)["city"] for one in made], ["Oslo", "Rome"])
    equal(len({one.id for one in made}), 2)
    equal(chunks[-1].choices[0].finish_reason, "tool_calls")
    results = [{"role": "tool", "tool_call_id": one.id, "content": f"{one.index} degrees"} for one in made]
    calls = [{"id": one.id, "type": "function", "function": one.function.model_dump()} for one in made]
    history: Any = [*BOTH, {"role": "assistant", "content": None, "tool_calls": calls}, *results]
    answer = client.chat.completions.create(model=MODEL, messages=history, tools=[CHAT_TOOL])
    assert all(word in answer.choices[0].message.content for word in ("0 degrees", "1 degrees"))


@case("chat: forced tool")
def forced() -> None:
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        answer = client.chat.completions.create(model=MODEL, messages=HELLO, tools=[CHAT_TOOL], tool_choice=choice)
        equal(answer.choices[0].message.tool_calls[0].function.name, "get_weather")
    answer = client.chat.completions.create(model=MODEL, messages=OSLO, tools=[CHAT_TOOL], tool_choice="none")
    equal(answer.choices[0].message.tool_calls, None)


@case("chat: parse")
def parse() -> None:
    answer = client.chat.completions.parse(model=MODEL, messages=OSLO, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)
    with client.chat.completions.stream(model=MODEL, messages=OSLO, response_format=City) as events:
        kinds = [event.type for event in events]
    assert "content.done" in kinds
    answer = client.chat.completions.create(model=MODEL, messages=OSLO, response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


@case("chat: picture in the question")
def seen() -> None:
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content


@case("chat: two choices or a refusal, never one")
def choices() -> None:
    try:
        equal(len(client.chat.completions.create(model=MODEL, messages=HELLO, n=2).choices), 2)
    except openai.BadRequestError as refused:
        equal(refused.param, "n")


@case("responses")
def responses() -> None:
    answer = client.responses.create(model=MODEL, instructions="Be brief.", input="Hello from the SDK")
    assert "Hello from the SDK" in answer.output_text
    equal(answer.status, "completed")
    assert answer.usage.input_tokens > 0 < answer.usage.output_tokens
    assert "Be brief." in asked()


@case("responses: stream")
def responses_stream() -> None:
    with client.responses.stream(model=MODEL, input="Hello from the SDK", reasoning={"summary": "auto"}) as events:
        kinds = [event.type for event in events]
        final = events.get_final_response()
    assert "Hello from the SDK" in final.output_text
    equal(kinds[:2], ["response.created", "response.in_progress"])
    ordered(kinds, "response.output_item.added", "response.output_text.delta", "response.completed")
    assert "response.reasoning_summary_text.delta" in kinds
    assert final.usage.output_tokens > 0


@case("responses: tool round trip")
def responses_tools() -> None:
    history: list[Any] = [*BOTH]
    first = client.responses.create(model=MODEL, input=history, tools=[FLAT_TOOL])
    made = [item for item in first.output if item.type == "function_call"]
    equal([json.loads(item.arguments) for item in made], [{"city": "Oslo"}, {"city": "Rome"}])
    history += first.output
    history += [{"type": "function_call_output", "call_id": one.call_id, "output": "5 degrees"} for one in made]
    second = client.responses.create(model=MODEL, input=history, tools=[FLAT_TOOL])
    assert "5 degrees" in second.output_text


@case("responses: hosted tools and items of reasoning are taken")
def responses_hosted() -> None:
    first = client.responses.create(
        model=MODEL, input="Hello", tools=[{"type": "web_search"}], include=["reasoning.encrypted_content"], store=False
    )
    again = client.responses.create(
        model=MODEL,
        input=[*first.output, {"role": "user", "content": "And now?"}],
        tools=[{"type": "web_search"}, FLAT_TOOL],
        parallel_tool_calls=True,
        store=False,
    )
    equal(again.status, "completed")


@case("responses: parse")
def responses_parse() -> None:
    answer = client.responses.parse(model=MODEL, input="What about Oslo?", text_format=City)
    assert isinstance(answer.output_parsed, City)


@case("responses: previous_response_id")
def previous() -> None:
    first = client.responses.create(model=MODEL, input="My number is 4711.")
    second = client.responses.create(model=MODEL, input="Which number?", previous_response_id=first.id)
    equal(second.previous_response_id, first.id)
    assert "4711" in asked()
    assert second.output_text
    with client.responses.stream(model=MODEL, input="And again?", previous_response_id=second.id) as events:
        third = list(events) and events.get_final_response()
    assert all(word in asked() for word in ("4711", "Which number?"))
    equal(third.status, "completed")


@case("responses: previous_response_id after a tool call")
def previous_call() -> None:
    first = client.responses.create(model=MODEL, input="What is the weather in Oslo?", tools=[FLAT_TOOL])
    made = next(item for item in first.output if item.type == "function_call")
    output: Any = [{"type": "function_call_output", "call_id": made.call_id, "output": "6 degrees"}]
    second = client.responses.create(model=MODEL, input=output, previous_response_id=first.id, tools=[FLAT_TOOL])
    assert "6 degrees" in second.output_text


@case("responses: retrieve, list items, delete")
def stored() -> None:
    made = client.responses.create(model=MODEL, input="Keep this.")
    equal(client.responses.retrieve(made.id).output_text, made.output_text)
    items = list(client.responses.input_items.list(made.id))
    assert any(getattr(part, "text", "") == "Keep this." for item in items for part in item.content)
    client.responses.delete(made.id)
    refusal(openai.NotFoundError, lambda: client.responses.retrieve(made.id))


@case("responses: unknown previous_response_id")
def unknown_previous() -> None:
    gone = "resp_that_never_was"
    refused = refusal(
        openai.APIStatusError, lambda: client.responses.create(model=MODEL, input="Hello", previous_response_id=gone)
    )
    assert refused.status_code in (400, 404)
    equal(refused.code, "previous_response_not_found")


@case("models")
def models() -> None:
    names = [model.id for model in client.models.list()]
    assert MODEL in names
    equal(client.models.retrieve(MODEL).id, MODEL)


@case("401")
def wrong_key() -> None:
    stranger = OpenAI(base_url=V1, api_key="wrong", max_retries=0)
    equal(refusal(openai.AuthenticationError, stranger.models.list).status_code, 401)


@case("unknown model")
def unknown_model() -> None:
    for ask in (
        lambda: client.chat.completions.create(model="gpt-nonsense", messages=HELLO),
        lambda: client.responses.create(model="gpt-nonsense", input="Hello"),
    ):
        equal(refusal(openai.APIStatusError, ask).code, "model_not_found")


@case("429")
def limited() -> None:
    said: Any = [{"role": "user", "content": "sim:429 please"}]
    refused = refusal(openai.RateLimitError, lambda: client.chat.completions.create(model=MODEL, messages=said))
    assert int(refused.response.headers["retry-after"]) > 0


@case("error in mid-stream")
def broken() -> None:
    said: Any = [{"role": "user", "content": "sim:long sim:error@4=13 please"}]
    refusal(openai.APIError, lambda: list(client.chat.completions.create(model=MODEL, messages=said, stream=True)))
    events = list(client.responses.create(model=MODEL, input=said, stream=True))
    equal(events[-1].type, "response.failed")


if ON_GROK_COM:

    @case("images")
    def images() -> None:
        made = client.images.generate(model="grok-imagine-image", prompt="A dusk", n=2, response_format="b64_json")
        equal([base64.b64decode(one.b64_json)[:2] for one in made.data], [b"\xff\xd8"] * 2)
        made = client.images.generate(model="grok-imagine-image", prompt="A dusk", size="1024x1024")
        assert made.data[0].url.startswith("http")

    @case("images: edit")
    def edited() -> None:
        path = FOLDER / "sea.png"
        path.write_bytes(png())
        for files in (path.open("rb"), [path.open("rb"), path.open("rb")]):
            made = client.images.edit(
                model="grok-imagine-image-edit", image=files, prompt="A rainbow", response_format="b64_json"
            )
            assert base64.b64decode(made.data[0].b64_json)

    @case("videos")
    def videos() -> None:
        film = client.videos.create_and_poll(
            model="grok-imagine-video", prompt="A cat", seconds="6", poll_interval_ms=200
        )
        equal((film.status, film.progress, film.seconds), ("completed", 100, "6"))
        equal(client.videos.download_content(film.id).read()[4:8], b"ftyp")
        assert film.id in [one.id for one in client.videos.list()]
        client.videos.delete(film.id)


if __name__ == "__main__":
    main()
