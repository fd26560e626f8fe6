"""LiteLLM as a client: `openai/` over chat and Responses, `anthropic/`, pictures."""

import json
from typing import Any

import litellm
from cases import KEY, MODEL, ON_GROK_COM, URL, V1, case, equal, main, refusal
from pydantic import BaseModel

litellm.suppress_debug_info = True
litellm.num_retries = 0

HELLO: Any = [{"role": "user", "content": "Hello from LiteLLM"}]
OSLO: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(BaseModel):
    """A typed answer."""

    name: str
    people: int


def cases_of(provider: str, base: str) -> None:
    """Every case by one provider of LiteLLM's."""
    given = {"model": f"{provider}/{MODEL}", "api_base": base, "api_key": KEY, "max_tokens": 900}

    @case(f"{provider}: completion")
    def plain() -> None:
        answer = litellm.completion(messages=HELLO, **given)
        assert "Hello from LiteLLM" in answer.choices[0].message.content
        assert answer.usage.completion_tokens > 0

    @case(f"{provider}: stream")
    def stream() -> None:
        chunks = list(litellm.completion(messages=HELLO, stream=True, stream_options={"include_usage": True}, **given))
        assert "Hello from LiteLLM" in "".join(
            chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices
        )
        assert any(getattr(chunk, "usage", None) for chunk in chunks)

    @case(f"{provider}: tool round trip")
    def tools() -> None:
        first = litellm.completion(messages=OSLO, tools=[TOOL], **given)
        equal(first.choices[0].finish_reason, "tool_calls")
        made = first.choices[0].message.tool_calls
        equal([json.loads(one.function.arguments) for one in made], [{"city": "Oslo"}])
        result = {"role": "tool", "tool_call_id": made[0].id, "content": "2 degrees"}
        again = litellm.completion(messages=[*OSLO, first.choices[0].message, result], tools=[TOOL], **given)
        assert "2 degrees" in again.choices[0].message.content

    @case(f"{provider}: streamed tool call")
    def streamed_tools() -> None:
        chunks = list(litellm.completion(messages=OSLO, tools=[TOOL], stream=True, **given))
        whole = litellm.stream_chunk_builder(chunks, messages=OSLO)
        equal(json.loads(whole.choices[0].message.tool_calls[0].function.arguments), {"city": "Oslo"})

    @case(f"{provider}: typed output")
    def typed() -> None:
        answer = litellm.completion(messages=OSLO, response_format=City, **given)
        assert City.model_validate_json(answer.choices[0].message.content)

    @case(f"{provider}: async")
    async def later() -> None:
        answer = await litellm.acompletion(messages=HELLO, **given)
        assert answer.choices[0].message.content

    @case(f"{provider}: errors")
    def errors() -> None:
        wrong = {**given, "api_key": "wrong"}
        refusal(litellm.AuthenticationError, lambda: litellm.completion(messages=HELLO, **wrong))
        limited = [{"role": "user", "content": "sim:429 please"}]
        refusal(litellm.RateLimitError, lambda: litellm.completion(messages=limited, **given))


cases_of("openai", V1)
cases_of("anthropic", URL)

HERE: Any = {"model": f"openai/{MODEL}", "api_base": V1, "api_key": KEY}


@case("responses")
def responses() -> None:
    answer = litellm.responses(input="Hello from LiteLLM", **HERE)
    assert "Hello from LiteLLM" in answer.output[-1].content[0].text
    events = list(litellm.responses(input="Hello from LiteLLM", stream=True, **HERE))
    equal(str(events[-1].type.value), "response.completed")


if ON_GROK_COM:

    @case("images")
    def images() -> None:
        made = litellm.image_generation(
            model="openai/grok-imagine-image", prompt="A dusk", api_base=V1, api_key=KEY, size="1024x1024"
        )
        assert made.data[0].url.startswith("http")


if __name__ == "__main__":
    main()
