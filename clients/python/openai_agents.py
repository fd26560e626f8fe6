"""OpenAI Agents SDK: tools, handoffs, sessions and streams over chat completions and Responses."""

from typing import Any

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    SQLiteSession,
    function_tool,
    set_tracing_disabled,
)
from cases import KEY, MODEL, V1, asked, case, equal, main
from openai import AsyncOpenAI
from pydantic import BaseModel

set_tracing_disabled(True)


class City(BaseModel):
    """A typed answer."""

    name: str
    people: int


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"3 degrees in {city}"


def chat() -> Any:
    """A model over chat completions, with a client of its own."""
    return OpenAIChatCompletionsModel(model=MODEL, openai_client=AsyncOpenAI(base_url=V1, api_key=KEY))


def responses() -> Any:
    """A model over Responses."""
    return OpenAIResponsesModel(model=MODEL, openai_client=AsyncOpenAI(base_url=V1, api_key=KEY))


def cases_of(api: str, model: Any) -> None:
    """Every case over one API."""

    @case(f"{api}: run")
    async def run() -> None:
        answer = await Runner.run(Agent(name="One", instructions="Be brief.", model=model()), "Hello from the agent")
        assert "Hello from the agent" in answer.final_output
        assert "Be brief." in asked()

    @case(f"{api}: tool")
    async def tool() -> None:
        agent = Agent(name="One", model=model(), tools=[get_weather])
        answer = await Runner.run(agent, "What is the weather in Oslo?")
        assert "3 degrees in Oslo" in answer.final_output
        assert answer.context_wrapper.usage.output_tokens > 0

    @case(f"{api}: forced and parallel tools")
    async def forced() -> None:
        settings = ModelSettings(tool_choice="required", parallel_tool_calls=True)
        agent = Agent(name="One", model=model(), tools=[get_weather], model_settings=settings)
        answer = await Runner.run(agent, "Get the weather in Oslo and Rome, both in parallel")
        assert all(word in answer.final_output for word in ("Oslo", "Rome"))

    @case(f"{api}: stream")
    async def stream() -> None:
        agent = Agent(name="One", model=model(), tools=[get_weather])
        answer = Runner.run_streamed(agent, "What is the weather in Oslo?")
        kinds = [event.type async for event in answer.stream_events()]
        assert "raw_response_event" in kinds
        assert "3 degrees in Oslo" in answer.final_output

    @case(f"{api}: handoff")
    async def handoff() -> None:
        other = Agent(name="Weather", model=model(), instructions="You know the weather.", handoff_description="Knows")
        first = Agent(name="Desk", model=model(), handoffs=[other])
        answer = await Runner.run(first, "Use the transfer_to_weather tool")
        equal(answer.last_agent.name, "Weather")
        assert answer.final_output

    @case(f"{api}: typed output")
    async def typed() -> None:
        answer = await Runner.run(Agent(name="One", model=model(), output_type=City), "What about Oslo?")
        assert isinstance(answer.final_output, City)

    @case(f"{api}: session")
    async def session() -> None:
        kept = SQLiteSession("one")
        agent = Agent(name="One", model=model(), tools=[get_weather])
        await Runner.run(agent, "What is the weather in Oslo?", session=kept)
        answer = await Runner.run(agent, "Which city was it?", session=kept)
        assert "Which city was it?" in answer.final_output
        assert "3 degrees in Oslo" in asked()


cases_of("chat", chat)
cases_of("responses", responses)


@case("responses: conversation by previous_response_id")
async def chained() -> None:
    agent = Agent(name="One", model=responses(), tools=[get_weather])
    first = await Runner.run(agent, "What is the weather in Oslo?", auto_previous_response_id=True)
    assert "3 degrees in Oslo" in first.final_output
    again = await Runner.run(agent, "Which city was it?", previous_response_id=first.last_response_id)
    assert "Which city was it?" in again.final_output
    assert "3 degrees in Oslo" in asked()


if __name__ == "__main__":
    main()
