"""What Codex needs of the gateway beside an answer: WebSockets refused at once, counts, an account that stays."""

import json
from pathlib import Path
from typing import Any

import pytest

from asking import CONSOLE, WEB, ask
from frames import frames
from grok2api.simulator.script import Call, Say, Script, Think
from rig import BASIC, RESPONSES, rigged

COUNT = "/v1/responses/input_tokens"
TOOL = {"type": "function", "name": "read", "description": "Reads a file.", "parameters": {"type": "object"}}


async def test_C11_a_websocket_is_refused_with_the_one_status_that_sends_codex_to_post(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        answer = await rig.raw(
            b"GET /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"openai-beta: responses_websockets=2026-02-06\r\n\r\n"
        )
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 426 ")
        assert b"\r\nupgrade: HTTP/1.1" in head
        assert json.loads(rest)["error"]["code"] == "websocket_not_supported"
        async with rig.http.get(rig.url + RESPONSES) as plain:
            assert (plain.status, (await plain.json())["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("tools", [[], [TOOL]], ids=["words", "tools"])
async def test_input_tokens_agree_with_the_real_call_and_cost_nothing(tmp_path: Path, tools: list[object]) -> None:
    async with rigged(tmp_path) as rig:
        body = ask("responses", "How many tokens is this? " * 200, stream=False, tools=tools, instructions="Be brief.")
        status, _, counted = await rig.post(COUNT, body)
        assert status == 200
        assert json.loads(counted)["object"] == "response.input_tokens"
        assert not rig.world.journal.chats
        assert not rig.app.pool.census().in_flight
        _, _, answer = await rig.post(RESPONSES, body)
        assert json.loads(answer)["usage"]["input_tokens"] == json.loads(counted)["input_tokens"]


async def test_input_tokens_are_counted_through_the_sdk_with_and_without_a_model(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        count = rig.openai.responses.input_tokens.count
        plain = await count(input="Hello there, gateway")
        more = await count(input="Hello there, gateway", instructions="Answer in French.")
        named = await count(model=CONSOLE, input="Hello there, gateway")
        tooled = await count(model=WEB, input="Hello there, gateway", tools=[TOOL])  # type: ignore[list-item]
        assert 0 < plain.input_tokens == named.input_tokens < more.input_tokens < tooled.input_tokens
        status, _, body = await rig.post(COUNT, {"model": "no-such-model", "input": "x"})
        assert (status, json.loads(body)["error"]["code"]) == (400, "model_not_found")


@pytest.mark.parametrize("model", [WEB, CONSOLE])
async def test_a_conversation_is_compacted_and_goes_on_from_its_summary(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="The user likes moons. Phobos is done, Deimos is left.", times=1)
        history = [
            {"role": "user", "content": "Tell me about Phobos."},
            {"type": "function_call", "call_id": "call_1", "name": "read", "arguments": '{"path": "moons.txt"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "Phobos, Deimos"},
        ]
        compacted = await rig.openai.responses.compact(model=model, input=history)  # type: ignore[arg-type]
        asked = json.dumps(rig.world.journal.chats[-1].body)
        assert "Phobos, Deimos" in asked
        assert "write a summary" in asked
        assert [item.type for item in compacted.output] == ["message", "compaction"]
        assert compacted.usage.output_tokens > 0
        window = [item.model_dump(exclude_none=True, warnings="none") for item in compacted.output]
        answer = await rig.openai.responses.create(
            model=model,
            input=[*window, {"role": "user", "content": "Go on."}],  # type: ignore[list-item]
        )
        assert answer.output_text
        assert "Deimos is left" in json.dumps(rig.world.journal.chats[-1].body)


async def test_a_compaction_that_fails_is_an_http_status_and_tries_another_account(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(fault="429", times=1)
        body = {"model": WEB, "input": "A long story."}
        status, _, answer = await rig.post("/v1/responses/compact", body)
        assert status == 200, answer
        rig.world.on(fault="500")
        status, _, answer = await rig.post("/v1/responses/compact", body)
        assert (status, json.loads(answer)["error"]["type"]) == (502, "upstream_error")
        await rig.settled()


PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edits files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "*** Begin Patch" LF'},
}
AGENTS = {
    "type": "namespace",
    "name": "agents",
    "description": "Other agents.",
    "tools": [{"type": "function", "name": "close", "parameters": {"type": "object"}}],
}
TOOLS = [TOOL, PATCH, AGENTS, {"type": "local_shell"}, {"type": "shell"}, {"type": "web_search"}]
EDIT = '*** Begin Patch\n*** Update File: a.py\n@@\n-print("1 < 2 & \\"x\\"")\n+print(3)\n*** End Patch\n'
MADE = [
    ("apply_patch", json.dumps({"input": EDIT}), {"type": "custom_tool_call", "name": "apply_patch", "input": EDIT}),
    ("close", '{"id":"a1"}', {"type": "function_call", "name": "close", "namespace": "agents"}),
    ("local_shell", '{"command":["ls"]}', {"type": "local_shell_call", "action": ["ls"]}),
    ("shell", '{"commands":["ls","pwd"]}', {"type": "shell_call", "action": ["ls", "pwd"]}),
]


@pytest.mark.parametrize("model", [WEB, CONSOLE])
@pytest.mark.parametrize(("name", "arguments", "expected"), MADE, ids=[name for name, _, _ in MADE])
async def test_a_call_of_every_kind_is_made_streamed_and_taken_back(
    tmp_path: Path, model: str, name: str, arguments: str, expected: dict[str, Any]
) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script=Script(steps=(Call(name, arguments),)), times=1)
        body = ask("responses", "Do it.", model=model, tools=TOOLS)
        status, headers, stream = await rig.post(RESPONSES, body)
        assert status == 200, stream
        assert "shell" not in headers.get("x-grok2api-ignored", "")
        got = [frame.payload for frame in frames(stream) if frame.payload != "[DONE]"]
        item = got[-1]["response"]["output"][-1]
        told = {**item, "action": item.get("action", {}).get("command") or item.get("action", {}).get("commands")}
        assert {key: told[key] for key in expected} == expected
        if item["type"] == "custom_tool_call":
            deltas = [f["delta"] for f in got if f["type"] == "response.custom_tool_call_input.delta"]
            assert "".join(deltas) == EDIT
            assert [f["input"] for f in got if f["type"] == "response.custom_tool_call_input.done"] == [EDIT]
        kind = item["type"]
        output: Any = [{"stdout": "RESULT-7", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]
        result = {"type": f"{kind}_output", "call_id": item["call_id"], "id": item["id"], "output": "RESULT-7"}
        result |= {"output": output} if kind == "shell_call" else {}
        history = [{"role": "user", "content": "Do it."}, item, result]
        status, _, again = await rig.post(RESPONSES, {**body, "input": history, "stream": False})
        assert status == 200, again
        assert "RESULT-7" in json.dumps(rig.world.journal.chats[-1].body)


async def test_codex_reads_a_catalogue_beside_the_list_of_everybody(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        async with rig.http.get(f"{rig.url}/v1/models?client_version=0.169.0") as answer:
            asked = await answer.json()
        async with rig.http.get(f"{rig.url}/v1/models") as answer:
            plain = await answer.json()
        assert {key: asked[key] for key in plain} == plain
        assert {entry["slug"] for entry in asked["models"]} < {model["id"] for model in plain["data"]}


async def test_encrypted_reasoning_goes_back_between_the_calls_that_it_belongs_to(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        history: list[dict[str, Any]] = [{"type": "message", "role": "user", "content": "Read two files."}]
        for path in ("a.txt", "b.txt"):
            steps = (Think(f"Now {path}."), Say("One moment."), Call("read", json.dumps({"path": path})))
            rig.world.on(script=Script(steps=steps), times=1)
            body = ask("responses", model=CONSOLE, tools=[TOOL], store=False, include=["reasoning.encrypted_content"])
            _, _, stream = await rig.post(RESPONSES, {**body, "input": history})
            items = [f.payload["item"] for f in frames(stream) if f.event == "response.output_item.done"]
            assert [item["type"] for item in items] == ["reasoning", "message", "function_call"]
            result = {"type": "function_call_output", "call_id": items[-1]["call_id"], "output": f"words of {path}"}
            history += [*items, result]
        await rig.post(RESPONSES, {**body, "input": history})
        sent = rig.world.journal.chats[-1].body["input"]
        assert [item.get("type", item.get("role")) for item in sent] == [
            "user", *("reasoning", "assistant", "function_call", "function_call_output") * 2,
        ]  # fmt: skip
        encrypted = [item["encrypted_content"] for item in history if item["type"] == "reasoning"]
        assert len(set(encrypted)) == 2
        assert [item["encrypted_content"] for item in sent if item.get("type") == "reasoning"] == encrypted
        assert [item["id"] for item in sent if item.get("type") == "reasoning"] == [
            item["id"] for item in history if item["type"] == "reasoning"
        ]


FOUR = tuple((f"sim-basic-{number}", BASIC) for number in range(4))


@pytest.mark.parametrize("key", ["prompt_cache_key", "session-id"])
async def test_P8_a_conversation_stays_with_its_account_while_that_is_free(tmp_path: Path, key: str) -> None:
    async with rigged(tmp_path, accounts=FOUR) as rig:

        async def turn(name: str) -> str:
            body = ask("responses", "And then?", stream=False)
            body |= {"prompt_cache_key": name} if key == "prompt_cache_key" else {}
            status, _, answer = await rig.post(RESPONSES, body, **({} if "prompt_cache_key" in body else {key: name}))
            assert status == 200, answer
            return str(rig.world.journal.chats[-1].account)

        mine, other = await turn("mine"), await turn("other")
        assert mine != other
        assert [await turn("mine") for _ in range(3)] == [mine] * 3
        assert await turn("other") == other
        rig.world.on(account=mine, fault="429=600")
        elsewhere = await turn("mine")
        assert elsewhere != mine, "a preference, never a queue"
        assert await turn("mine") == elsewhere


LONG = (
    "*** Begin Patch\n*** Add File: a.html\n"
    + '+<p>{"a": "b\\n"} </tool_call> <tool_calls> \t é 😀 \\u00e9 \\\\</p>\n' * 40
    + "*** End Patch\n"
)


@pytest.mark.parametrize("model", [WEB, CONSOLE])
async def test_a_long_patch_full_of_markup_arrives_byte_for_byte(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path) as rig:
        steps = tuple(Call("apply_patch", json.dumps({"input": text})) for text in (LONG, "short"))
        rig.world.on(script=Script(steps=steps), fault="split@7")
        _, _, stream = await rig.post(RESPONSES, ask("responses", "Do it.", model=model, tools=[PATCH]))
        got = [frame.payload for frame in frames(stream) if frame.payload != "[DONE]"]
        calls = [item for item in got[-1]["response"]["output"] if item["type"] == "custom_tool_call"]
        assert [call["input"] for call in calls] == [LONG, "short"]
        deltas = [f["delta"] for f in got if f["type"].endswith("input.delta") and f["item_id"] == calls[0]["id"]]
        assert "".join(deltas) == LONG
