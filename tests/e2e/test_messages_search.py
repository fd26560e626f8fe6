"""Anthropic's web search over our upstreams, which search by themselves: as Claude Code's WebSearch asks for it."""

import json
from pathlib import Path
from typing import Any

import anthropic
import pytest

from asking import CONSOLE, WEB
from frames import frames
from grok2api.simulator.script import Cite, Say, Script, Search, Think, WebResult, XPost
from rig import MESSAGES, Rig, rigged

every_upstream = pytest.mark.parametrize("model", [CONSOLE, WEB])

PAGES = (WebResult("https://example.org/phobos", "Phobos", "A moon"), WebResult("https://example.org/deimos", "Deimos"))
SEARCHED = Script(
    steps=(
        Think("I have to look."),
        Search("moons of Mars", web=PAGES),
        Search("Mars on X", posts=(XPost("1", "nasa", "Two moons"),)),
        Say("Mars has two moons."),
        Cite(PAGES[0].url, PAGES[0].title),
        Say(" That is all."),
    )
)
#: What Claude Code's WebSearch sends, shortened: a request of its own whose only tool is the search.
WEB_SEARCH: dict[str, Any] = {
    "max_tokens": 4096,
    "thinking": {"type": "adaptive"},
    "system": [{"type": "text", "text": "You are an assistant for performing a web search tool use"}],
    "messages": [{"role": "user", "content": "Perform a web search for the query: moons of Mars"}],
    "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8, "blocked_domains": ["a.org"]}],
}


async def asked(rig: Rig, model: str, stream: bool, **more: Any) -> Any:
    rig.world.scenarios.clear()
    rig.world.on(script=SEARCHED)
    body: Any = {**WEB_SEARCH, "model": model, **more}
    if not stream:
        return await rig.anthropic.messages.create(**body)
    async with rig.anthropic.messages.stream(**body) as events:
        return await events.get_final_message()


def plain(message: Any) -> list[dict[str, Any]]:
    """The content without the ids of searches, which differ from answer to answer."""
    blocks = message.to_dict()["content"]
    return [
        {key: value for key, value in block.items() if key not in ("id", "tool_use_id", "signature")}
        for block in blocks
    ]


@every_upstream
async def test_searches_are_shown_and_cited_streamed_as_whole(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        streamed, whole = await asked(rig, model, True), await asked(rig, model, False)
    anthropic.types.Message.model_validate(whole.to_dict(), strict=True)
    assert plain(streamed) == plain(whole)
    kinds = [block.type for block in whole.content]
    pair = ["server_tool_use", "web_search_tool_result"]
    assert kinds == ["thinking", *pair, *pair, "text"]
    use, found = whole.content[1], whole.content[2]
    assert use.id.startswith("srvtoolu_")
    assert use.id == found.tool_use_id
    assert use.input == {"query": "moons of Mars"}
    assert [page.url for page in found.content] == [page.url for page in PAGES]
    assert all(page.encrypted_content and page.title for page in found.content)
    text = whole.content[-1]
    assert text.text.startswith("Mars has two moons.")
    assert [cited.url for cited in text.citations] == [PAGES[0].url]
    assert whole.usage.server_tool_use.web_search_requests == 2
    assert streamed.usage.server_tool_use.web_search_requests == 2


@every_upstream
async def test_a_client_that_declared_no_search_sees_only_words(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        message = await asked(rig, model, True, tools=[])
        assert [block.type for block in message.content] == ["thinking", "text"]
        assert message.content[-1].citations is None
        assert message.usage.server_tool_use is None


@every_upstream
async def test_what_was_searched_comes_back_in_the_next_turn(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        first = await asked(rig, model, True)
        messages = [*WEB_SEARCH["messages"], first.to_param(), {"role": "user", "content": "And of Venus?"}]
        await asked(rig, model, False, messages=messages)
        sent = json.dumps(rig.world.journal.chats[-1].body)
        assert "https://example.org/deimos" in sent
        assert "Mars has two moons." in sent


async def test_a_demanded_search_is_demanded_where_that_can_be_done(tmp_path: Path) -> None:
    demanded = {"tool_choice": {"type": "tool", "name": "web_search"}, "stream": False}
    client_tool = {"name": "note", "input_schema": {}}
    async with rigged(tmp_path) as rig:
        rig.world.on(script=SEARCHED)
        status, headers, _ = await rig.post(MESSAGES, {**WEB_SEARCH, **demanded, "model": CONSOLE})
        sent = rig.world.journal.chats[-1].body
        assert status == 200
        assert sent["tool_choice"] == "required"
        assert sent["tools"] == [{"type": "web_search", "excluded_domains": ["a.org"]}]
        assert headers["x-grok2api-ignored"] == "tools.web_search.max_uses"
        both = {**WEB_SEARCH, **demanded, "tools": [*WEB_SEARCH["tools"], client_tool]}
        status, headers, _ = await rig.post(MESSAGES, {**both, "model": CONSOLE})
        assert rig.world.journal.chats[-1].body["tool_choice"] == "auto"
        assert "tool_choice" in headers["x-grok2api-ignored"].split(", ")
        status, headers, _ = await rig.post(MESSAGES, {**WEB_SEARCH, **demanded, "model": WEB})
        assert status == 200
        assert {"tool_choice", "tools.web_search.max_uses", "tools.web_search.blocked_domains"} <= set(
            headers["x-grok2api-ignored"].split(", ")
        )


@pytest.mark.parametrize(
    ("model", "tool", "sent", "ignored"),
    [
        (CONSOLE, {"type": "web_fetch_20250910", "name": "web_fetch"}, [{"type": "web_search"}], None),
        (CONSOLE, {"type": "code_execution_20250825", "name": "x"}, [{"type": "code_interpreter"}], None),
        (CONSOLE, {"type": "advisor_20260301", "name": "advisor", "model": "m"}, None, "tools.advisor_20260301"),
        (WEB, {"type": "web_fetch_20250910", "name": "web_fetch"}, None, None),
        (WEB, {"type": "code_execution_20250825", "name": "x"}, None, "tools.code_execution_20250825"),
    ],
)
async def test_server_tools_are_mapped_or_reported(
    tmp_path: Path, model: str, tool: dict[str, Any], sent: Any, ignored: str | None
) -> None:
    async with rigged(tmp_path) as rig:
        body = {**WEB_SEARCH, "model": model, "tools": [tool], "max_tokens": 100}
        status, headers, _ = await rig.post(MESSAGES, body)
        assert status == 200
        assert headers.get("x-grok2api-ignored") == ignored
        assert rig.world.journal.chats[-1].body.get("tools") == sent


@pytest.mark.parametrize(
    ("model", "kind"), [(CONSOLE, "advisor_20260301"), (WEB, "advisor_20260301"), (WEB, "code_execution_20250825")]
)
async def test_H1_demanding_a_tool_that_there_is_not_is_refused_by_name(tmp_path: Path, model: str, kind: str) -> None:
    async with rigged(tmp_path) as rig:
        demanded = {"tools": [{"type": kind, "name": "it"}], "tool_choice": {"type": "tool", "name": "it"}}
        status, _, body = await rig.post(MESSAGES, {**WEB_SEARCH, **demanded, "model": model})
        assert status == 400
        assert "tool_choice.name" in json.loads(body)["error"]["message"]
        assert not rig.world.journal.chats


async def test_mcp_servers_go_to_the_console_and_are_reported_elsewhere(tmp_path: Path) -> None:
    server = {"type": "url", "name": "docs", "url": "https://mcp.example/sse", "authorization_token": "t0ken"}
    async with rigged(tmp_path) as rig:
        body = {**WEB_SEARCH, "tools": [], "mcp_servers": [server], "max_tokens": 9}
        _, headers, _ = await rig.post(MESSAGES, {**body, "model": CONSOLE})
        assert "x-grok2api-ignored" not in headers
        assert rig.world.journal.chats[-1].body["tools"] == [
            {
                "type": "mcp",
                "server_label": "docs",
                "server_url": "https://mcp.example/sse",
                "authorization": "t0ken",
            }
        ]
        _, headers, _ = await rig.post(MESSAGES, {**body, "model": WEB})
        assert headers["x-grok2api-ignored"] == "mcp_servers"


@every_upstream
async def test_search_blocks_are_whole_frames_in_order(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=SEARCHED)
        _, _, body = await rig.post(MESSAGES, {**WEB_SEARCH, "model": model, "stream": True})
        opened = [frame.payload for frame in frames(body) if frame.event == "content_block_start"]
        assert [start["index"] for start in opened] == list(range(len(opened)))
        closed = [frame.payload["index"] for frame in frames(body) if frame.event == "content_block_stop"]
        assert closed == list(range(len(opened)))
