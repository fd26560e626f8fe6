"""Pydantic AI: agents over the three APIs, with tools, typed output and streams."""

from typing import Any

from cases import KEY, MODEL, URL, V1, case, equal, main, png
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

OPENAI = OpenAIProvider(base_url=V1, api_key=KEY)
MODELS = {
    "chat": lambda: OpenAIChatModel(MODEL, provider=OPENAI),
    "responses": lambda: OpenAIResponsesModel(MODEL, provider=OPENAI),
    "messages": lambda: AnthropicModel(
        MODEL,
        provider=AnthropicProvider(base_url=URL, api_key=KEY),
        profile=ModelProfile(supports_json_schema_output=True),  # it knows Claude's names only
    ),
}


class City(BaseModel):
    """A typed answer."""

    name: str
    people: int


def cases_of(api: str, model: Any) -> None:
    """Every case over one API."""

    @case(f"{api}: run and go on")
    def plain() -> None:
        agent = Agent(model(), instructions="Be brief.")
        first = agent.run_sync("Hello from the agent")
        assert "Hello from the agent" in first.output
        assert first.usage.input_tokens > 0 < first.usage.output_tokens
        again = agent.run_sync("And now?", message_history=first.all_messages())
        assert "And now?" in again.output

    @case(f"{api}: stream")
    async def stream() -> None:
        async with Agent(model()).run_stream("Hello from the agent") as answer:
            pieces = [piece async for piece in answer.stream_text(delta=True, debounce_by=None)]
        assert "Hello from the agent" in "".join(pieces)
        assert len(pieces) > 1

    @case(f"{api}: tools")
    def tools() -> None:
        agent, seen = Agent(model()), []

        @agent.tool_plain
        def get_weather(city: str) -> str:
            """The weather of a city."""
            seen.append(city)
            return f"9 degrees in {city}"

        answer = agent.run_sync("Get the weather in Oslo and Rome, both in parallel")
        equal(sorted(seen), ["Oslo", "Rome"])
        assert "9 degrees in Rome" in answer.output

    for name, output in (("tool", ToolOutput), ("native", NativeOutput), ("prompted", PromptedOutput)):
        _typed(api, model, name, output)

    @case(f"{api}: typed output, streamed")
    async def typed_stream() -> None:
        async with Agent(model(), output_type=City).run_stream("What about Oslo?") as answer:
            assert isinstance(await answer.get_output(), City)

    @case(f"{api}: picture in the question")
    def seen() -> None:
        assert Agent(model()).run_sync(["What is this?", BinaryContent(png(), media_type="image/png")]).output


def _typed(api: str, model: Any, name: str, output: Any) -> None:
    @case(f"{api}: typed output ({name})")
    def typed() -> None:
        answer = Agent(model(), output_type=output(City)).run_sync("What about Oslo?")
        assert isinstance(answer.output, City)


for one, make in MODELS.items():
    cases_of(one, make)

if __name__ == "__main__":
    main()
