"""Requests as real clients sent them (their own words shortened): each is read, and answered end to end.

`make clients ARGS=--record` makes more of them.
"""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from asking import TEXT, ended_well
from grok2api.canonical.request import Request
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.dialects.base import Dialect
from grok2api.dialects.openai_chat import CHAT
from grok2api.dialects.openai_responses import RESPONSES
from grok2api.dialects.openai_responses.compaction import compacts
from grok2api.dialects.openai_responses.sealed import unseal
from rig import rigged

CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("*.json"))
DIALECTS: dict[str, tuple[str, Dialect]] = {
    "/v1/chat/completions": ("chat", CHAT),
    "/v1/messages": ("messages", MESSAGES),
    "/v1/responses": ("responses", RESPONSES),
}
MODELS = ("grok-4.20-fast", "grok-4.3-console")


class Recorded(msgspec.Struct):
    """One request; `path` with its query, `headers` in lower case."""

    client: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def recorded(path: Path) -> Recorded:
    return msgspec.json.decode(path.read_bytes(), type=Recorded)


def read(sent: Recorded) -> Request:
    _, dialect = DIALECTS[sent.path.partition("?")[0]]
    return dialect.decode(msgspec.json.encode(sent.body), sent.headers)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_a_client_sends_is_read_with_its_tools_and_turns(path: Path) -> None:
    sent = recorded(path)
    request = read(sent)
    assert request.model == sent.body["model"]
    declared = sent.body.get("tools") or sent.body.get("functions")
    assert bool(request.tools) == (bool(declared) and not compacts(request))
    assert request.messages


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
async def test_what_a_client_sends_is_answered_in_its_own_grammar(tmp_path: Path, path: Path) -> None:
    sent = recorded(path)
    name, _ = DIALECTS[sent.path.partition("?")[0]]
    request = read(sent)
    free = request.format.kind == "text" and request.tool_choice.mode in ("auto", "none")
    async with rigged(tmp_path) as rig:
        if free:  # else the simulator finds a call or a value that fits
            rig.world.on(script="The answer.")
        for model, stream in itertools.product(MODELS, (True, False)):
            body = {**sent.body, "model": model, "stream": stream}
            async with rig.http.post(rig.url + sent.path, json=body, headers=sent.headers) as answer:
                got = await answer.read()
            assert answer.status == 200, got
            if stream:
                assert ended_well(name, got)
                assert not free or (TEXT[name](got) or summary_in(got)) == "The answer."
            else:
                assert not free or "The answer." in (summary_in(got) or json.dumps(json.loads(got)))


def summary_in(got: bytes) -> str | None:
    """The summary that an answer with a compaction item carries."""
    found = re.search(rb'"encrypted_content":"(grok2api[^"]+)"', got)
    return unseal(found[1].decode()) if found else None
