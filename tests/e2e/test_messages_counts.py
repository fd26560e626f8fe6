"""`count_tokens` against the real call, and beside running streams; and errors in Anthropic's own envelope."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import anthropic
import pytest

from asking import CONSOLE, WEB, ask
from files import png
from frames import frames
from grok2api.simulator.script import Say, Script, Tokens
from rig import BASIC, MESSAGES, rigged

COUNT = "/v1/messages/count_tokens"
USER: Any = {"role": "user", "content": "How many tokens is this?"}
PICTURE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png(900, 500)).decode()},
}
DOCUMENT = {"type": "document", "title": "Notes", "source": {"type": "text", "media_type": "text/plain", "data": "a b"}}
PDF = {
    "type": "document",
    "source": {
        "type": "base64",
        "media_type": "application/pdf",
        "data": base64.b64encode(b"%PDF-1.4\n1 0 obj << /Type /Page >> endobj\ntrailer<<>>\n%%EOF\n").decode(),
    },
}
TOOL = {"name": "read", "description": "Reads a file", "input_schema": {"type": "object", "properties": {"p": {}}}}
CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "read", "input": {"p": "x"}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [PICTURE]}]}

REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {"messages": [USER]},
    "system": {"messages": [USER], "system": [{"type": "text", "text": "Be brief."}]},
    "tools": {"messages": [USER], "tools": [TOOL], "tool_choice": {"type": "any"}},
    "deferred": {"messages": [USER], "tools": [TOOL, {**TOOL, "name": "later", "defer_loading": True}]},
    "search": {"messages": [USER], "tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "picture": {"messages": [{"role": "user", "content": [PICTURE, {"type": "text", "text": "?"}]}]},
    "documents": {"messages": [{"role": "user", "content": [DOCUMENT, PDF, {"type": "text", "text": "?"}]}]},
    "turns": {"messages": [USER, CALL, RESULT], "tools": [TOOL], "thinking": {"type": "adaptive"}},
    "schema": {
        "messages": [USER],
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    },
    "long": {"messages": [{"role": "user", "content": "Many words, said again. " * 5000}]},
}


@pytest.mark.parametrize("model", [WEB, CONSOLE, "claude-opus-5-5"])
async def test_C4_the_count_is_the_input_of_the_real_call(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path, settings={"aliases": {"claude-*": WEB}}) as rig:
        rig.world.on(script='{"a": 1}')
        counts = {}
        for name, body in REQUESTS.items():
            counted = await rig.anthropic.messages.count_tokens(model=model, **body)
            anthropic.types.MessageTokensCount.model_validate(counted.to_dict(), strict=True)
            assert not rig.world.journal.chats
            asked = {**body, "model": model, "max_tokens": 2048, "stream": True}
            asked.pop("tool_choice", None)  # the canned answer calls nothing
            if "tool_choice" in body:
                counted = await rig.anthropic.messages.count_tokens(
                    model=model, **{key: value for key, value in body.items() if key != "tool_choice"}
                )
            _, _, stream = await rig.post(MESSAGES, asked)
            start = frames(stream)[0].payload["message"]["usage"]
            assert (name, start["input_tokens"]) == (name, counted.input_tokens)
            counts[name] = counted.input_tokens
            rig.world.journal.entries.clear()
        assert counts["picture"] > counts["plain"] + 1000
        assert counts["documents"] > counts["plain"] + 1400
        assert counts["plain"] < counts["tools"] == counts["deferred"]


async def test_S8_in_the_end_the_console_says_itself_what_was_read_and_what_a_cache_had(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=Script(steps=(Say("Hi."),), usage=Tokens(input=120, output=7, reasoning=5, cached=100)))
        message = await rig.anthropic.messages.create(model=CONSOLE, max_tokens=99, messages=[USER])
        assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (20, 100)
        assert message.usage.output_tokens == 7
        async with rig.anthropic.messages.stream(model=CONSOLE, max_tokens=99, messages=[USER]) as events:
            streamed = await events.get_final_message()
        assert streamed.usage.to_dict() == message.usage.to_dict()
        chat = await rig.openai.chat.completions.create(model=CONSOLE, messages=[USER], stream=False)
        assert chat.usage
        assert chat.usage.prompt_tokens == 120
        assert chat.usage.prompt_tokens_details
        assert chat.usage.prompt_tokens_details.cached_tokens == 100
        response = await rig.openai.responses.create(model=CONSOLE, input="hi")
        assert response.usage
        assert (response.usage.input_tokens, response.usage.input_tokens_details.cached_tokens) == (120, 100)


async def test_C11_a_burst_of_counts_costs_no_account_and_holds_up_no_stream(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=(("sim-basic-1", BASIC),)) as rig:
        rig.world.on(script="word " * 200)
        body = {"model": WEB, "messages": [{"role": "user", "content": "Some words to count. " * 8000}]}
        stream, *counts = await asyncio.gather(
            rig.post(MESSAGES, ask("messages", "talk")), *(rig.post(COUNT, body) for _ in range(30))
        )
        assert {status for status, _, _ in counts} == {200}
        assert len({answer for _, _, answer in counts}) == 1
        status, _, said = stream
        assert status == 200
        assert frames(said)[-1].event == "message_stop"
        assert len(rig.world.journal.chats) == 1
        await rig.settled()


async def test_C4_counting_needs_no_account(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=()) as rig:
        status, _, body = await rig.post(COUNT, {"model": WEB, "messages": [USER]})
        assert status == 200
        assert json.loads(body)["input_tokens"] > 0


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        (MESSAGES, {"model": "parrot-1", "max_tokens": 9, "messages": [USER]}, 404, "not_found_error"),
        (MESSAGES, {"model": WEB, "max_tokens": 9}, 400, "invalid_request_error"),
        (COUNT, {"model": "parrot-1", "messages": [USER]}, 404, "not_found_error"),
        (COUNT, {"model": WEB, "messages": [{"role": "user"}]}, 400, "invalid_request_error"),
    ],
)
async def test_C7_errors_have_anthropics_envelope_and_name_the_request(
    tmp_path: Path, path: str, body: dict[str, Any], status: int, kind: str
) -> None:
    async with rigged(tmp_path) as rig:
        got, headers, answer = await rig.post(path, body)
        error = json.loads(answer)
        assert got == status
        assert error["error"]["type"] == kind
        assert error["request_id"] == headers["request-id"] == headers["x-request-id"]
        assert headers["x-should-retry"] == "false"
        anthropic.types.ErrorResponse.model_validate(error, strict=True)


@pytest.mark.parametrize("path", ["/v1/models/parrot-1", "/v1/nowhere", "/v1/v1/messages"])
async def test_C7_other_routes_answer_an_anthropic_client_in_its_own_envelope(tmp_path: Path, path: str) -> None:
    async with rigged(tmp_path) as rig:
        async with rig.http.get(rig.url + path, headers={"anthropic-version": "2023-06-01"}) as answer:
            error = await answer.json()
        assert answer.status == 404
        assert error["type"] == "error"
        assert error["error"]["type"] == "not_found_error"
        assert error["request_id"] == answer.headers["request-id"]
        anthropic.types.ErrorResponse.model_validate(error, strict=True)


async def test_a_limit_says_when_to_come_back_before_and_in_the_stream(tmp_path: Path) -> None:
    one = {"accounts": (("sim-basic-1", BASIC),), "settings": {"retry.max_retries": 0}}
    async with rigged(tmp_path, **one) as rig:  # type: ignore[arg-type]
        rig.world.on(fault="429")
        status, headers, answer = await rig.post(MESSAGES, ask("messages"))
        error = json.loads(answer)
        assert status == 429
        assert error["error"]["type"] == "rate_limit_error"
        assert error["request_id"] == headers["request-id"]
        assert int(headers["retry-after"]) >= 1
        assert "x-should-retry" not in headers
    async with rigged(tmp_path / "2", **one) as rig:  # type: ignore[arg-type]
        rig.world.on(fault="cut@5000", script="word " * 400)
        status, headers, answer = await rig.post(MESSAGES, ask("messages"))
        assert status == 200
        last = frames(answer)[-1]
        assert last.event == "error"
        assert last.payload["request_id"] == headers["request-id"]
