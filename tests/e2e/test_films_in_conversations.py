"""A film as the answer of a conversation: in the text, with progress as thinking, in all three dialects."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from rig import Rig, rigged

MODEL = "grok-imagine-video"
ASKED = [{"role": "user", "content": "A cat playing piano"}]


@pytest.fixture
async def rig(tmp_path: Path):
    async with rigged(tmp_path) as running:
        yield running


def film_at(rig: Rig, text: str) -> str:
    start = text.index(f"{rig.url}/v1/files/video?id=")
    return text[start : start + len(f"{rig.url}/v1/files/video?id=") + 32]


async def plays(rig: Rig, url: str) -> None:
    async with rig.http.get(url) as answer:
        assert (answer.status, answer.content_type) == (200, "video/mp4")


async def test_chat_completions_show_progress_and_then_the_film(rig: Rig) -> None:
    thought = said = ""
    stream = await rig.openai.chat.completions.create(
        model=MODEL,
        messages=ASKED,
        stream=True,
        extra_body={"video_config": {"seconds": 12, "size": "1280x720"}},  # type: ignore[arg-type]
    )
    async for chunk in stream:
        if chunk.choices:
            thought += getattr(chunk.choices[0].delta, "reasoning_content", None) or ""
            said += chunk.choices[0].delta.content or ""
    assert "Filming: 16 %" in thought
    assert said == film_at(rig, said)
    await plays(rig, said)
    assert [entry.endpoint for entry in rig.world.journal.entries].count("video") == 2


async def test_responses_and_messages_show_the_film_too(rig: Rig) -> None:
    response = await rig.openai.responses.create(model=MODEL, input="A cat")
    await plays(rig, film_at(rig, response.output_text))
    message = await rig.anthropic.messages.create(model=MODEL, max_tokens=100, messages=ASKED)  # type: ignore[arg-type]
    (text,) = [block.text for block in message.content if block.type == "text"]
    await plays(rig, film_at(rig, text))


@pytest.mark.parametrize(
    ("form", "player"), [("grok_url", False), ("local_url", False), ("grok_html", True), ("local_html", True)]
)
async def test_the_setting_says_how_a_film_stands_in_the_text(tmp_path: Path, form: str, player: bool) -> None:
    async with rigged(tmp_path, settings={"features.video_format": form}) as rig:
        answer = await rig.openai.chat.completions.create(model=MODEL, messages=ASKED, stream=False)  # type: ignore[arg-type]
        text = answer.choices[0].message.content or ""
        assert text.startswith("<video controls ") is player
        assert text.endswith("</video>") is player
        await plays(rig, film_at(rig, text))
        assert answer.usage is not None
        assert min(answer.usage.prompt_tokens, answer.usage.completion_tokens) > 0


async def test_thinking_that_nobody_wants_is_not_shown(rig: Rig) -> None:
    body = {"model": MODEL, "messages": ASKED, "stream": False, "reasoning_effort": "none"}
    _, _, answer = await rig.post("/v1/chat/completions", body)
    assert "Filming" not in answer.decode()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"video_config": {"seconds": 7}}, "video_config.seconds"),
        ({"video_config": {"size": "9x9"}}, "video_config.size"),
        ({"video_config": {"preset": "calm"}}, "video_config.preset"),
        ({"n": 2}, "n"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages"),
    ],
)
async def test_a_wrong_field_is_a_400_that_names_it(rig: Rig, body: dict[str, Any], param: str) -> None:
    asked = {"model": MODEL, "messages": ASKED, **body}
    status, _, answer = await rig.post("/v1/chat/completions", asked)
    assert (status, json.loads(answer)["error"]["param"]) == (400, param)


async def test_a_moderated_film_is_a_refusal(rig: Rig) -> None:
    rig.world.on(endpoint="video", fault="withheld")
    body = {"model": MODEL, "messages": ASKED, "stream": False}
    status, _, answer = await rig.post("/v1/chat/completions", body)
    assert (status, json.loads(answer)["error"]["code"]) == (400, "content_moderated")
    await rig.settled()


async def test_S13_a_client_that_leaves_ends_the_film(rig: Rig) -> None:
    rig.world.on(endpoint="video", fault="pause@2=30")
    asking = asyncio.ensure_future(
        rig.post("/v1/chat/completions", {"model": MODEL, "messages": ASKED, "stream": True})
    )
    async with asyncio.timeout(5):
        while "video" not in [entry.endpoint for entry in rig.world.journal.entries]:
            await asyncio.sleep(0.005)
    asking.cancel()
    async with asyncio.timeout(0.25):
        while rig.app.pool.census().in_flight or rig.world.journal.entries[-1].ended != "disconnected":
            await asyncio.sleep(0.002)
