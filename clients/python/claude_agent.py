"""The Claude Agent SDK: a question, a file written by Claude Code's own tool, a tool of the program, typed output."""

from typing import Any

from cases import FOLDER, KEY, MODEL, URL, asked, call, case, equal, main, scripted
from claude_agent_sdk import (
    AssistantMessage,
    ClaudeAgentOptions,
    ClaudeSDKClient,
    ResultMessage,
    TextBlock,
    create_sdk_mcp_server,
    query,
    tool,
)

SETTINGS = {
    "ANTHROPIC_BASE_URL": URL,
    "ANTHROPIC_AUTH_TOKEN": KEY,
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
}


def options(**more: Any) -> ClaudeAgentOptions:
    """What every case sets."""
    return ClaudeAgentOptions(model=MODEL, env=SETTINGS, cwd=str(FOLDER), setting_sources=[], max_turns=4, **more)


async def result(wish: str, **more: Any) -> ResultMessage:
    """How one question ends."""
    ends = [one async for one in query(prompt=wish, options=options(**more)) if isinstance(one, ResultMessage)]
    equal(len(ends), 1)
    assert not ends[0].is_error, ends[0].result
    return ends[0]


@case("question")
async def question() -> None:
    end = await result("Say hello to the agent")
    assert "Say hello to the agent" in end.result
    assert end.usage["output_tokens"] > 0


@case("file written by its tool")
async def written() -> None:
    wish, path = "Put a greeting into a file.", FOLDER / "greeting.txt"
    scripted([call("Write", file_path=str(path), content="good day\n")], "It is written.", contains=wish)
    end = await result(wish, permission_mode="acceptEdits", allowed_tools=["Write"])
    equal(path.read_text(), "good day\n")
    equal(end.result, "It is written.")


@case("tool of the program")
async def own_tool() -> None:
    @tool("get_weather", "The weather of a city.", {"city": str})
    async def get_weather(given: dict[str, Any]) -> dict[str, Any]:
        return {"content": [{"type": "text", "text": f"14 degrees in {given['city']}"}]}

    wish = "How warm is it in the north today?"
    name = "mcp__weather__get_weather"
    search = call("ToolSearch", query=f"select:{name}", max_results=1)  # Claude Code keeps such tools back until then
    scripted([search], [call(name, city="Oslo")], "Warm enough.", contains=wish)
    server = create_sdk_mcp_server("weather", tools=[get_weather])
    end = await result(wish, mcp_servers={"weather": server}, allowed_tools=[name])
    equal(end.result, "Warm enough.")
    assert "14 degrees in Oslo" in asked(3)


@case("conversation")
async def conversation() -> None:
    async with ClaudeSDKClient(options=options()) as client:
        said = []
        for wish in ("My number is 4711.", "Which number was it?"):
            await client.query(wish)
            said = [
                block.text
                async for message in client.receive_response()
                if isinstance(message, AssistantMessage)
                for block in message.content
                if isinstance(block, TextBlock)
            ]
    assert any("Which number was it?" in text for text in said), said
    assert "4711" in asked(2)


if __name__ == "__main__":
    main()
