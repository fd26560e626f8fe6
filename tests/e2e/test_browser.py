"""I1 in a real browser: what was made is shown, plays, and can be sought in, by its URL alone."""

import asyncio
import json
from pathlib import Path

import pytest

from browser import browsing
from grok2api.simulator import samples
from rig import Rig, rigged

_IMAGE = """new Promise((done, fail) => {
    const image = document.body.appendChild(new Image());
    image.onload = () => done([image.naturalWidth, image.naturalHeight]);
    image.onerror = () => fail(new Error("the picture is not shown"));
    image.src = %s;
})"""

_VIDEO = """(async () => {
    const video = document.body.appendChild(document.createElement("video"));
    const event = (name) => new Promise((done, fail) => {
        video.addEventListener(name, done, {once: true});
        video.addEventListener("error", () => fail(new Error(video.error.message)), {once: true});
    });
    video.muted = true;
    video.preload = "metadata";
    let came = event("loadedmetadata");
    video.src = %s;
    await came;
    came = event("timeupdate");
    await video.play();
    await came;
    const played = video.currentTime;
    video.pause();
    came = event("seeked");
    video.currentTime = video.duration * 0.75;
    await came;
    const sought = video.currentTime;
    came = event("timeupdate");
    await video.play();
    while (video.currentTime <= sought) await new Promise((done) => setTimeout(done, 20));
    return {width: video.videoWidth, duration: video.duration, played, sought, after: video.currentTime};
})()"""


@pytest.fixture
async def rig(tmp_path: Path):
    async with rigged(tmp_path / "data") as running:
        yield running


async def test_I1_a_browser_shows_pictures_and_plays_and_seeks_films(rig: Rig, tmp_path: Path) -> None:
    _, _, body = await rig.post("/v1/videos", {"prompt": "A cat playing piano"})
    film = json.loads(body)
    async with asyncio.timeout(10):
        while film["status"] != "completed":
            await asyncio.sleep(0.01)
            async with rig.http.get(f"{rig.url}/v1/videos/{film['id']}") as answer:
                film = await answer.json()
    forms = ("image/jpeg", "image/png", "image/webp")
    pictures = [await rig.app.media.store_bytes("image", samples.picture("shown", mime).data) for mime in forms]
    async with browsing(tmp_path / "profile") as page:
        for picture in pictures:
            width, height = await page.evaluate(_IMAGE % json.dumps(f"{rig.url}/v1/files/image?id={picture.id}"))
            assert min(width, height) > 0
        thumbnail = f"{film['video_url']}&thumbnail=1"
        assert min(await page.evaluate(_IMAGE % json.dumps(thumbnail))) > 0
        seen = await page.evaluate(_VIDEO % json.dumps(film["video_url"]))
    assert seen["width"] > 0
    assert 0 < seen["played"] <= seen["duration"]
    assert seen["sought"] == pytest.approx(seen["duration"] * 0.75, abs=0.1)
    assert seen["after"] > seen["sought"]
