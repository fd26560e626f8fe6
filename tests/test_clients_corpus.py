"""Recordings of clients: what is kept of them, that it keeps its shape, and that it tells nothing about the machine."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from clients.corpus import LARGEST, chosen, keep, kind_of, trimmed
from clients.recorder import recording

from rig import CHAT, rigged

USER = {"role": "user", "content": "Hello"}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "function": {"name": "read"}}]}


def sent(path: str = CHAT, status: int = 200, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    return {"path": path, "status": status, "headers": headers or {}, "body": {"messages": [USER], **body}}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"messages": [USER]}, "plain"),
        ({"messages": [USER], "tools": [{}], "tool_choice": "auto"}, "tools"),
        ({"messages": [USER], "tools": [{}], "tool_choice": "required"}, "forced_tool"),
        ({"messages": [USER, CALL, {"role": "tool", "tool_call_id": "call_1", "content": "x"}]}, "tool_result"),
        ({"messages": [USER, CALL, {"role": "tool", "tool_call_id": "call_1"}, USER]}, "later_turn"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "tool_result"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "is_error": True}]}]}, "tool_error"),
        ({"messages": [USER, {"role": "system", "content": "be brief"}]}, "plain"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "picture"),
        ({"input": "x", "text": {"format": {"type": "json_schema"}}}, "schema"),
    ],
)
def test_a_request_is_named_by_what_stands_out(body: dict[str, Any], kind: str) -> None:
    assert kind_of(body) == kind


def test_the_first_of_each_kind_is_kept_and_what_was_sent_again() -> None:
    recordings = [
        sent(status=401),
        sent(stream=True),
        sent(messages=[{"role": "user", "content": "Other"}], stream=True),
        sent(messages=[{"role": "user", "content": "Other"}]),
        sent("/v1/images/generations"),
        sent("/v1/messages?beta=true"),
        sent("/v1/responses", input="x", previous_response_id="resp_1"),
    ]
    kept = [(dialect, kind) for dialect, kind, _ in chosen(recordings)]
    assert kept == [("chat", "plain_again"), ("chat", "plain"), ("messages", "plain_again")]


def test_nothing_of_the_machine_or_of_the_client_s_own_words_is_left() -> None:
    ident = "0a1b2c3d-0000-4a4a-8b8b-0123456789ab"
    recording = sent(
        headers={"Authorization": "x", "authorization": "Bearer sk-clients-1", "user-agent": "cli/1", "host": "h"},
        messages=[
            {"role": "system", "content": "A very long prompt. " * 30},
            {"role": "user", "content": "in /tmp/x/a.txt"},
        ],
        metadata={"user_id": json.dumps({"device": ident, "folder": "/root/me"}), "session": f"s_{ident}"},
        tools=[
            {"type": "function", "name": f"tool{n}", "description": "theirs", "enum": ["v" * 150] * 9}
            for n in range(20)
        ],
        image={"url": "data:image/png;base64," + "A" * 500},
    )
    made = trimmed("A client 1.0", recording)
    text = json.dumps(made)
    for secret in ("sk-clients", "/tmp", "/root", ident, "very long", "theirs", "AAAAAAAA"):
        assert secret not in text
    assert made["headers"] == {"user-agent": "cli/1"}
    assert made["body"]["messages"][1]["content"] == "in /home/user/project/a.txt"
    first = "00000000-0000-4000-8000-000000000000"
    assert json.loads(made["body"]["metadata"]["user_id"])["device"] == first
    assert made["body"]["metadata"]["session"] == f"s_{first}"
    assert made["body"]["tools"]
    assert len(json.dumps(made["body"], indent=1)) <= LARGEST


async def test_what_goes_through_the_recorder_arrives_and_is_kept(tmp_path: Path) -> None:
    raw, corpus = tmp_path / "raw", tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "mine.chat.tools.json").write_text("{}")
    (corpus / "mine-2.chat.tools.json").write_text("{}")
    async with rigged(tmp_path / "data") as rig, aiohttp.ClientSession() as http:
        with recording(rig.url, raw) as url:
            body = {"model": "grok-4.20-fast", "stream": True, "messages": [USER]}
            async with http.post(f"{url}{CHAT}", json=body, headers={"authorization": "Bearer key"}) as answer:
                assert answer.status == 200
                assert answer.headers["content-type"].startswith("text/event-stream")
                assert b"[DONE]" in await answer.read()
            async with http.post(f"{url}{CHAT}", json={}) as answer:
                assert answer.status == 400
    assert keep("mine", "Mine 1.0", raw, corpus) == 1
    assert sorted(path.name for path in corpus.iterdir()) == ["mine-2.chat.tools.json", "mine.chat.plain.json"]
    assert json.loads((corpus / "mine.chat.plain.json").read_text())["body"] == body
