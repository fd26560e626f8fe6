"""smolagents: an agent that calls tools at every step, and one that writes code. The model's part is scripted."""

from cases import KEY, MODEL, V1, asked, call, case, equal, main, scripted
from smolagents import CodeAgent, OpenAIModel, ToolCallingAgent, tool


@tool
def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: which
    """
    return f"13 degrees in {city}"


def model() -> OpenAIModel:
    """The model over chat completions."""
    return OpenAIModel(model_id=MODEL, api_base=V1, api_key=KEY)


@case("generate")
def plain() -> None:
    said = model().generate([{"role": "user", "content": [{"type": "text", "text": "Hello from the agents"}]}])
    assert "Hello from the agents" in said.content
    assert said.token_usage.output_tokens > 0


@case("stream")
def stream() -> None:
    pieces = model().generate_stream([{"role": "user", "content": [{"type": "text", "text": "Hello from the agents"}]}])
    assert "Hello from the agents" in "".join(piece.content or "" for piece in pieces)


def _steps(wish: str) -> None:
    scripted([call("get_weather", city="Oslo")], [call("final_answer", answer="13 degrees")], contains=wish)


@case("agent with tools")
def tools() -> None:
    _steps("How warm is it in the north?")
    answer = ToolCallingAgent(tools=[get_weather], model=model(), max_steps=3).run("How warm is it in the north?")
    equal(answer, "13 degrees")
    assert "13 degrees in Oslo" in asked()


@case("agent with tools, streamed")
def tools_streamed() -> None:
    _steps("How warm is it up there?")
    agent = ToolCallingAgent(tools=[get_weather], model=model(), max_steps=3, stream_outputs=True)
    equal(agent.run("How warm is it up there?"), "13 degrees")


@case("agent that writes code")
def code() -> None:
    wish = "How warm is it in the far north?"
    scripted(
        'Thought: I ask the tool.\n<code>\nprint(get_weather("Oslo"))\n</code>',
        'Thought: I know.\n<code>\nfinal_answer("13 degrees")\n</code>',
        contains=wish,
    )
    equal(CodeAgent(tools=[get_weather], model=model(), max_steps=3).run(wish), "13 degrees")
    assert "13 degrees in Oslo" in asked()


if __name__ == "__main__":
    main()
