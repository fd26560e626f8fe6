"""Films through the whole gateway, with the official SDK as referee."""

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest

from grok2api.catalog import Tier
from grok2api.simulator import samples
from rig import Rig, rigged

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")

MODEL: Any = "grok-imagine-video"
NO_SUPER = (("a-basic-token", Tier.BASIC),)


@pytest.fixture
async def rig(tmp_path: Path):
    async with rigged(tmp_path) as running:
        yield running


async def over(rig: Rig, ident: str) -> dict[str, Any]:
    """The film once it is over."""
    async with asyncio.timeout(10):
        while True:
            async with rig.http.get(f"{rig.url}/v1/videos/{ident}") as answer:
                assert answer.status == 200
                film = await answer.json()
            if film["status"] in ("completed", "failed"):
                return film
            await asyncio.sleep(0.01)


async def ordered(rig: Rig, **fields: Any) -> dict[str, Any]:
    status, _, body = await rig.post("/v1/videos", {"prompt": "A cat playing piano", **fields})
    assert status == 200, body
    return json.loads(body)


def calls(rig: Rig) -> list[str]:
    return [entry.endpoint for entry in rig.world.journal.entries if entry.endpoint == "video"]


async def test_a_film_is_ordered_polled_and_downloaded_with_the_sdk(rig: Rig) -> None:
    made = await rig.openai.videos.create(prompt="A cat playing piano", model=MODEL)
    assert (made.object, made.progress, made.seconds, made.size) == ("video", 0, "6", "720x1280")
    assert made.status in ("queued", "in_progress")
    film = await rig.openai.videos.create_and_poll(prompt="A dog", model=MODEL, seconds="12", poll_interval_ms=10)  # type: ignore[arg-type]
    assert (film.status, film.progress, film.seconds) == ("completed", 100, "12")
    content = await rig.openai.videos.download_content(film.id)
    assert content.content[4:8] == b"ftyp"
    thumbnail = await rig.openai.videos.download_content(film.id, variant="thumbnail")
    assert thumbnail.content[8:12] == b"WEBP"
    await over(rig, made.id)
    listed = [one.id async for one in rig.openai.videos.list(limit=1)]
    assert listed == [film.id, made.id]
    gone = await rig.openai.videos.delete(film.id)
    assert (gone.deleted, gone.object) == (True, "video.deleted")
    with pytest.raises(openai.NotFoundError):
        await rig.openai.videos.retrieve(film.id)
    await rig.settled()
