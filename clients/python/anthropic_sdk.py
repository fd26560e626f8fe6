"""The Anthropic Python SDK: messages, streams, tools, parsing, thinking, counting, the models list, errors."""

import base64
from typing import Any

import anthropic
from anthropic import Anthropic, beta_tool
from cases import BACKEND, KEY, MODEL, URL, asked, case, equal, main, ordered, png, refusal
from pydantic import BaseModel

client = Anthropic(base_url=URL, api_key=KEY, max_retries=0)

WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
HELLO: Any = [{"role": "user", "content": "Hello from the SDK"}]
OSLO: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
BOTH: Any = [{"role": "user", "content": "Get the weather in Oslo and Rome, both in parallel"}]


class City(BaseModel):
    """What a structured answer has to be."""

    name: str
    people: int


def text_of(message: Any) -> str:
    """The words of an answer."""
    return "".join(block.text for block in message.content if block.type == "text")


@case("create")
def create() -> None:
    system: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    answer = client.messages.create(model=MODEL, max_tokens=500, system=system, messages=HELLO)
    assert "Hello from the SDK" in text_of(answer)
    equal(answer.stop_reason, "end_turn")
    assert answer.usage.input_tokens > 0 < answer.usage.output_tokens
    assert "Be brief." in asked()


@case("bearer key")
def bearer() -> None:
    answer = Anthropic(base_url=URL, auth_token=KEY).messages.create(model=MODEL, max_tokens=500, messages=HELLO)
    assert text_of(answer)


@case("turns, and a system message among them")
def turns() -> None:
    history: Any = [
        {"role": "user", "content": "My number is 417."},
        {"role": "assistant", "content": [{"type": "text", "text": "Noted."}]},
        {"role": "user", "content": [{"type": "text", "text": "Which?"}]},
        {"role": "system", "content": "Be calm."},
    ]
    answer = client.messages.create(model=MODEL, max_tokens=500, messages=history)
    assert "Which?" in text_of(answer)
    assert all(word in asked() for word in ("417", "Noted.", "Be calm."))


@case("stream")
def stream() -> None:
    with client.messages.stream(model=MODEL, max_tokens=500, messages=HELLO) as events:
        kinds = [event.type for event in events]
        final = events.get_final_message()
    assert "Hello from the SDK" in text_of(final)
    ordered(kinds, "message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop")
    assert final.usage.output_tokens > 0
    with client.messages.stream(model=MODEL, max_tokens=500, messages=HELLO) as events:
        assert "Hello from the SDK" in "".join(events.text_stream)


@case("tool round trip, streamed and parallel")
def tools() -> None:
    with client.messages.stream(model=MODEL, max_tokens=500, messages=BOTH, tools=[WEATHER]) as events:
        first = events.get_final_message()
    equal(first.stop_reason, "tool_use")
    made = [block for block in first.content if block.type == "tool_use"]
    equal([block.input for block in made], [{"city": "Oslo"}, {"city": "Rome"}])
    results: Any = [
        {"type": "tool_result", "tool_use_id": made[0].id, "content": "4 degrees"},
        {"type": "tool_result", "tool_use_id": made[1].id, "content": [{"type": "text", "text": "no such city"}],
         "is_error": True},
        {"type": "text", "text": "Go on."},
    ]  # fmt: skip
    history: Any = [*BOTH, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = client.messages.create(model=MODEL, max_tokens=500, messages=history, tools=[WEATHER])
    assert text_of(second)
    assert all(word in asked() for word in ("4 degrees", "no such city", "Go on."))


@case("forced tool")
def forced() -> None:
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True}):
        answer = client.messages.create(
            model=MODEL, max_tokens=500, messages=HELLO, tools=[WEATHER], tool_choice=choice
        )
        equal([block.name for block in answer.content if block.type == "tool_use"], ["get_weather"])


@case("tool_runner")
def runner() -> None:
    cities: list[str] = []

    @beta_tool
    def get_weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: which
        """
        cities.append(city)
        return f"7 degrees in {city}"

    final = client.beta.messages.tool_runner(
        model=MODEL, max_tokens=500, messages=OSLO, tools=[get_weather]
    ).until_done()
    equal(cities, ["Oslo"])
    assert "7 degrees in Oslo" in text_of(final)
    cities.clear()
    for events in client.beta.messages.tool_runner(
        model=MODEL, max_tokens=500, messages=OSLO, tools=[get_weather], stream=True
    ):
        final = events.get_final_message()
    equal(cities, ["Oslo"])
    assert "7 degrees in Oslo" in text_of(final)


@case("parse")
def parse() -> None:
    answer = client.messages.parse(model=MODEL, max_tokens=500, messages=OSLO, output_format=City)
    assert isinstance(answer.parsed_output, City)


@case("thinking comes back")
def thinking() -> None:
    given: Any = {"type": "enabled", "budget_tokens": 1024}
    first = client.messages.create(model=MODEL, max_tokens=2000, messages=OSLO, tools=[WEATHER], thinking=given)
    thoughts = [block for block in first.content if block.type == "thinking"]
    assert thoughts, f"no thinking over {BACKEND}"
    assert all(block.signature for block in thoughts)
    used = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": used.id, "content": "8 degrees"}
    history: Any = [*OSLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    with client.messages.stream(
        model=MODEL, max_tokens=2000, messages=history, tools=[WEATHER], thinking=given
    ) as events:
        deltas = [event.delta.type for event in events if event.type == "content_block_delta"]
        final = events.get_final_message()
    ordered(deltas, "thinking_delta", "signature_delta", "text_delta")
    assert "8 degrees" in text_of(final)


@case("picture in the question")
def seen() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png()).decode()}
    parts: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    assert text_of(client.messages.create(model=MODEL, max_tokens=500, messages=[{"role": "user", "content": parts}]))


@case("count_tokens")
def counted() -> None:
    few = client.messages.count_tokens(model=MODEL, messages=HELLO).input_tokens
    more = client.messages.count_tokens(model=MODEL, messages=HELLO, system="Be brief.", tools=[WEATHER]).input_tokens
    assert 0 < few < more


@case("models")
def models() -> None:
    page = client.models.list(limit=1000)
    assert MODEL in [model.id for model in page]
    equal(page.has_more, False)
    equal(client.models.retrieve(MODEL).id, MODEL)


@case("401")
def wrong_key() -> None:
    stranger = Anthropic(base_url=URL, api_key="wrong", max_retries=0)
    refused = refusal(
        anthropic.AuthenticationError,
        lambda: stranger.messages.create(model=MODEL, max_tokens=9, messages=HELLO),
    )
    equal(refused.body["error"]["type"], "authentication_error")


@case("404")
def unknown_model() -> None:
    refused = refusal(
        anthropic.NotFoundError, lambda: client.messages.create(model="nonsense", max_tokens=9, messages=HELLO)
    )
    equal(refused.body["error"]["type"], "not_found_error")


@case("429")
def limited() -> None:
    said: Any = [{"role": "user", "content": "sim:429 please"}]
    refused = refusal(
        anthropic.RateLimitError, lambda: client.messages.create(model=MODEL, max_tokens=9, messages=said)
    )
    assert int(refused.response.headers["retry-after"]) > 0


@case("error in mid-stream")
def broken() -> None:
    said: Any = [{"role": "user", "content": "sim:long sim:error@4=13 please"}]

    def read() -> Any:
        with client.messages.stream(model=MODEL, max_tokens=900, messages=said) as events:
            return events.get_final_message()

    refusal(anthropic.APIError, read)


if __name__ == "__main__":
    main()
