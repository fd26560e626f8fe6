"""LlamaIndex: chat and Messages; streams, tools, an agent, typed output."""

from typing import Any

from cases import KEY, MODEL, URL, V1, case, equal, main
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel


class City(BaseModel):
    """A typed answer."""

    name: str
    people: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"12 degrees in {city}"


TOOL = FunctionTool.from_defaults(get_weather)
HELLO = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="Hello from the index")]


def openai() -> Any:
    """A model over chat completions."""
    return OpenAILike(
        model=MODEL,
        api_base=V1,
        api_key=KEY,
        is_chat_model=True,
        is_function_calling_model=True,
        should_use_structured_outputs=True,
        max_retries=0,
    )


def anthropic() -> Any:
    """A model over Messages. LlamaIndex knows Claude's names only, so an alias of the gateway is used."""
    return Anthropic(model="claude-sonnet-4-5", base_url=URL, api_key=KEY, max_retries=0)


def cases_of(api: str, make: Any) -> None:
    """Every case over one API."""

    @case(f"{api}: chat")
    def plain() -> None:
        assert "Hello from the index" in str(make().chat(HELLO))

    @case(f"{api}: complete")
    def complete() -> None:
        assert "Hello from the index" in str(make().complete("Hello from the index"))

    @case(f"{api}: stream")
    def stream() -> None:
        pieces = [piece.delta for piece in make().stream_chat(HELLO)]
        assert "Hello from the index" in "".join(piece for piece in pieces if piece)

    @case(f"{api}: tools")
    def tools() -> None:
        model = make()
        answer = model.chat_with_tools([TOOL], user_msg="What is the weather in Oslo?")
        made = model.get_tool_calls_from_response(answer)
        equal([(one.tool_name, one.tool_kwargs) for one in made], [("get_weather", {"city": "Oslo"})])

    @case(f"{api}: agent")
    async def agent() -> None:
        answer = await FunctionAgent(tools=[TOOL], llm=make()).run("What is the weather in Oslo?")
        assert "12 degrees in Oslo" in str(answer)

    @case(f"{api}: typed output")
    def typed() -> None:
        answer = make().as_structured_llm(City).complete("What about Oslo?")
        assert isinstance(answer.raw, City)


cases_of("chat", openai)
cases_of("messages", anthropic)

if __name__ == "__main__":
    main()
