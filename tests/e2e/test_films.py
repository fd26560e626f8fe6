"""Films through the whole gateway, with the official SDK as referee."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from grok2api.catalog import Tier
from grok2api.media.store import StoreOptions
from grok2api.simulator import samples
from rig import Rig, rigged
from simulated import Clock

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


async def test_the_object_is_that_of_the_contract(rig: Rig) -> None:
    made = await ordered(rig, seconds=10, size="1280x720", resolution_name="480p", preset="fun")
    told = {key: made[key] for key in made if key not in ("id", "created_at", "status", "progress")}
    assert told == {
        "object": "video",
        "model": "grok-imagine-video",
        "prompt": "A cat playing piano",
        "seconds": "10",
        "size": "1280x720",
        "quality": "standard",
    }
    film = await over(rig, made["id"])
    assert film["completed_at"] >= film["created_at"]
    assert film["video_url"].startswith(f"{rig.url}/v1/files/video?id=")
    sent = next(entry for entry in rig.world.journal.entries if entry.endpoint == "video").body
    config = sent["responseMetadata"]["modelConfigOverride"]["modelMap"]["videoGenModelConfig"]
    assert (config["aspectRatio"], config["videoLength"], config["resolutionName"]) == ("16:9", 10, "480p")
    assert sent["message"].endswith("--mode=extremely-crazy")


async def test_H1_fields_of_any_name_are_reported_when_they_have_no_effect(rig: Rig) -> None:
    status, headers, _ = await rig.post("/v1/videos", {"prompt": "A cat playing piano", "音": 1, "style": "noir"})
    assert (status, headers["x-grok2api-ignored"]) == (200, "%E9%9F%B3, style")


async def test_I1_the_film_opens_without_a_header_and_by_ranges(rig: Rig) -> None:
    film = await over(rig, (await ordered(rig))["id"])
    for url in (film["video_url"], f"{rig.url}/v1/videos/{film['id']}/content"):
        async with rig.http.get(url) as answer:
            whole = await answer.read()
            assert (answer.status, answer.content_type) == (200, "video/mp4")
        async with rig.http.get(url, headers={"Range": "bytes=100-199"}) as answer:
            assert (answer.status, await answer.read()) == (206, whole[100:200])
            assert answer.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"


@pytest.mark.parametrize(("seconds", "segments"), [(6, [6]), (10, [10]), (12, [6, 6]), (16, [10, 6]), (20, [10, 10])])
async def test_a_longer_film_is_a_chain_on_one_account(tmp_path: Path, seconds: int, segments: list[int]) -> None:
    accounts = [(f"super-token-{number}", Tier.SUPER) for number in range(5)]
    async with rigged(tmp_path, accounts=accounts) as rig:
        film = await over(rig, (await ordered(rig, seconds=str(seconds)))["id"])
        assert film["status"] == "completed"
        made = [entry for entry in rig.world.journal.entries if entry.endpoint == "video"]
        assert len({entry.account for entry in made}) == 1
        configs = [
            entry.body["responseMetadata"]["modelConfigOverride"]["modelMap"]["videoGenModelConfig"] for entry in made
        ]
        assert [config["videoLength"] for config in configs] == segments


# --- pictures


@pytest.mark.parametrize("name", ["input_reference", "input_reference[]"])
async def test_pictures_of_a_form_go_up_to_the_account(rig: Rig, name: str) -> None:
    form = aiohttp.FormData({"prompt": "Make it move", "seconds": "6"})
    for number in range(2):
        form.add_field(name, samples.picture(f"p{number}").data, filename="a.jpg", content_type="image/jpeg")
    async with rig.http.post(f"{rig.url}/v1/videos", data=form) as answer:
        made = await answer.json()
        assert answer.status == 200, made
    assert (await over(rig, made["id"]))["status"] == "completed"
    assert [entry.endpoint for entry in rig.world.journal.entries].count("upload") == 2
    async with asyncio.timeout(2):
        while list((rig.data_dir / "ordered").iterdir()):
            await asyncio.sleep(0.005)


async def test_the_sdk_sends_a_picture(rig: Rig) -> None:
    picture = samples.picture("one", "image/png").data
    film = await rig.openai.videos.create_and_poll(
        prompt="Make it move", model=MODEL, input_reference=("a.png", picture), poll_interval_ms=10
    )
    assert film.status == "completed"
    assert "upload" in [entry.endpoint for entry in rig.world.journal.entries]


URI = "data:image/png;base64," + base64.b64encode(samples.picture("x", "image/png").data).decode()


@pytest.mark.parametrize("given", [URI, [URI], {"image_url": URI}, [{"image_url": {"url": URI}}]])
async def test_pictures_in_json_are_urls_in_every_form(rig: Rig, given: object) -> None:
    made = await ordered(rig, input_reference=given)
    assert (await over(rig, made["id"]))["status"] == "completed"
    assert [entry.endpoint for entry in rig.world.journal.entries].count("upload") == 1


# --- what is refused


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seconds": 7}, "seconds"),
        ({"seconds": "7"}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"seconds": "six"}, "seconds"),
        ({"size": "1x1"}, "size"),
        ({"resolution_name": "4k"}, "resolution_name"),
        ({"preset": "calm"}, "preset"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"model": "no-such-model"}, "model"),
        ({"model": "grok-4.20-fast"}, "model"),
        ({"input_reference": "ftp://x/y"}, "input_reference"),
        ({"input_reference": 5}, "input_reference"),
        ({"input_reference": {"file_id": "f"}}, "input_reference.file_id"),
        ({"input_reference": ["data:image/png;base64,aGVsbG8="]}, "input_reference.0"),
        ({"input_reference": [URI] * 8}, "input_reference.7"),
        ({"input_reference": "http://127.0.0.1/x.png"}, "input_reference"),
    ],
)
async def test_a_wrong_field_is_a_400_that_names_it(rig: Rig, fields: dict[str, Any], param: str) -> None:
    status, _, body = await rig.post("/v1/videos", {"prompt": "A cat", **fields})
    error = json.loads(body)["error"]
    assert (status, error["param"], error["type"]) == (400, param, "validation_error")
    assert calls(rig) == []


async def test_a_file_that_is_no_picture_names_its_field(rig: Rig) -> None:
    for name, data in (("input_reference", b"hello"), ("input_reference[]", b""), ("mask", b"hello")):
        form = aiohttp.FormData({"prompt": "A cat"})
        form.add_field(name, data, filename="a.png", content_type="image/png")
        async with rig.http.post(f"{rig.url}/v1/videos", data=form) as answer:
            assert (answer.status, (await answer.json())["error"]["param"]) == (400, name)


async def test_a_pool_that_makes_no_films_is_a_429_at_once(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=NO_SUPER) as rig:
        status, headers, body = await rig.post("/v1/videos", {"prompt": "A cat"})
        assert (status, json.loads(body)["error"]["type"]) == (429, "rate_limit_error")
        assert int(headers["retry-after"]) > 0
        async with rig.http.get(f"{rig.url}/v1/videos") as answer:
            assert await answer.json() == {"object": "list", "data": [], "has_more": False}


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/v1/videos"), ("GET", "/v1/videos"), ("GET", "/v1/videos/x"), ("DELETE", "/v1/videos/x"),
    ("GET", "/v1/videos/x/content"),
])  # fmt: skip
async def test_films_are_behind_the_client_keys(tmp_path: Path, method: str, path: str) -> None:
    async with rigged(tmp_path, settings={"app.api_key": "the-key"}) as rig:
        for key, status in (("", 401), ("wrong", 401)):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            async with rig.http.request(method, rig.url + path, headers=headers) as answer:
                assert answer.status == status


@pytest.mark.parametrize("path", ["", "/content"])
async def test_a_film_that_is_not_here_is_a_404(rig: Rig, path: str) -> None:
    async with rig.http.get(f"{rig.url}/v1/videos/video_no{path}") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (404, "video_not_found")


@pytest.mark.parametrize(
    ("query", "param"), [("limit=0", "limit"), ("limit=x", "limit"), ("order=up", "order"), ("after=video_no", "after")]
)
async def test_a_wrong_page_names_the_field(rig: Rig, query: str, param: str) -> None:
    async with rig.http.get(f"{rig.url}/v1/videos?{query}") as answer:
        assert (answer.status, (await answer.json())["error"]["param"]) == (400, param)


async def test_pages_go_on_after_an_id_in_both_orders(rig: Rig) -> None:
    made = [(await ordered(rig, prompt=str(number)))["id"] for number in range(5)]
    for order, expected in (("asc", made), ("desc", made[::-1])):
        found = [film.id async for film in rig.openai.videos.list(limit=2, order=order)]  # type: ignore[arg-type]
        assert found == expected


# --- the same order twice


async def test_C8_the_same_order_with_the_same_key_is_one_film(rig: Rig) -> None:
    body = {"prompt": "A cat", "seconds": 6}
    answers = await asyncio.gather(*(rig.post("/v1/videos", body, Idempotency_Key="k1") for _ in range(6)))
    ids = {json.loads(answer)["id"] for _, _, answer in answers}
    assert len(ids) == 1
    await over(rig, ids.pop())
    assert len(calls(rig)) == 1
    form = aiohttp.FormData({"prompt": "A cat", "seconds": "6"}, default_to_multipart=True)
    async with rig.http.post(f"{rig.url}/v1/videos", data=form, headers={"Idempotency-Key": "k1"}) as answer:
        assert answer.status == 200
    status, _, answer = await rig.post("/v1/videos", {**body, "prompt": "A dog"}, Idempotency_Key="k1")
    assert (status, json.loads(answer)["error"]["code"]) == (409, "idempotency_conflict")
    assert len(calls(rig)) == 1


# --- what goes wrong


@pytest.mark.parametrize(
    ("endpoint", "fault", "code"),
    [
        ("video", "withheld", "content_moderated"),
        ("video", "unfinished", "video_generation_failed"),
        ("video", "html", None),
        ("video", "garbage", None),
        ("video", "drop@2", None),
        ("video", "empty", "video_generation_failed"),
        ("download", "404", "media_unavailable"),
        ("download", "html", "media_unavailable"),
        ("download", "eof", "media_unavailable"),
        ("upload", "413", None),
    ],
)
async def test_I3_what_brings_no_film_fails_with_a_reason(
    rig: Rig, endpoint: str, fault: str, code: str | None
) -> None:
    rig.world.on(endpoint=endpoint, fault=fault)
    picture = {"input_reference": URI} if endpoint == "upload" else {}
    film = await over(rig, (await ordered(rig, **picture))["id"])
    assert film["status"] == "failed"
    assert film["error"]["message"]
    assert code in (None, film["error"]["code"])
    assert "video_url" not in film
    async with rig.http.get(f"{rig.url}/v1/videos/{film['id']}/content") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (409, "video_not_ready")
    assert len(calls(rig)) <= (2 if fault == "empty" else 1)
    await rig.settled()


async def test_I3_a_film_that_is_too_large_fails(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        rig.app.media._options = lambda: StoreOptions(largest_video=1000)
        film = await over(rig, (await ordered(rig))["id"])
        assert (film["status"], film["error"]["code"]) == ("failed", "media_too_large")


@pytest.mark.parametrize("fault", ["429", "401", "503", "error"])
async def test_S2_another_account_begins_what_one_refused(tmp_path: Path, fault: str) -> None:
    accounts = [("super-token-1", Tier.SUPER), ("super-token-2", Tier.SUPER)]
    async with rigged(tmp_path, accounts=accounts) as rig:
        rig.world.on(endpoint="video", fault=fault, times=1)
        film = await over(rig, (await ordered(rig))["id"])
        assert film["status"] == "completed"
        assert len({entry.account for entry in rig.world.journal.entries if entry.endpoint == "video"}) == 2


async def test_what_may_be_under_way_is_never_asked_for_again(tmp_path: Path) -> None:
    accounts = [("super-token-1", Tier.SUPER), ("super-token-2", Tier.SUPER)]
    async with rigged(tmp_path, accounts=accounts) as rig:
        rig.world.on(endpoint="video", fault="drop@1", times=1)
        assert (await over(rig, (await ordered(rig))["id"]))["status"] == "failed"
        assert len(calls(rig)) == 1


async def test_the_second_segment_is_not_made_by_another_account(tmp_path: Path) -> None:
    accounts = [("super-token-1", Tier.SUPER), ("super-token-2", Tier.SUPER)]
    async with rigged(tmp_path, accounts=accounts) as rig:
        rig.world.on(endpoint="video", fault="429", nth=2)
        film = await over(rig, (await ordered(rig, seconds=12))["id"])
        assert film["status"] == "failed"
        assert len({entry.account for entry in rig.world.journal.entries if entry.endpoint == "video"}) == 1


async def test_S13_deleting_a_film_that_is_being_made_ends_its_call(rig: Rig) -> None:
    rig.world.on(endpoint="video", fault="pause@2=30")
    made = await ordered(rig)
    async with asyncio.timeout(5):
        while (await (await rig.http.get(f"{rig.url}/v1/videos/{made['id']}")).json())["progress"] < 10:
            await asyncio.sleep(0.01)
    began = asyncio.get_running_loop().time()
    async with rig.http.delete(f"{rig.url}/v1/videos/{made['id']}") as answer:
        assert await answer.json() == {"id": made["id"], "object": "video.deleted", "deleted": True}
    async with asyncio.timeout(0.25):
        while rig.app.pool.census().in_flight or rig.world.journal.entries[-1].ended != "disconnected":
            await asyncio.sleep(0.002)
    assert asyncio.get_running_loop().time() - began < 0.25
    async with rig.http.get(f"{rig.url}/v1/videos/{made['id']}") as answer:
        assert answer.status == 404


async def test_no_more_films_are_made_at_once_than_the_setting_says(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"video.at_once": 2}) as rig:
        rig.world.on(endpoint="video", fault="pause@1=30", times=2)
        made = [await ordered(rig, prompt=str(number)) for number in range(3)]
        async with asyncio.timeout(5):
            while len(calls(rig)) < 2:
                await asyncio.sleep(0.01)
        async with rig.http.get(f"{rig.url}/v1/videos/{made[2]['id']}") as answer:
            assert (await answer.json())["status"] == "queued"
        for film in made[:2]:
            await rig.http.delete(f"{rig.url}/v1/videos/{film['id']}")
        assert (await over(rig, made[2]["id"]))["status"] == "completed"


async def test_a_film_is_forgotten_with_its_file_after_its_time(tmp_path: Path) -> None:
    clock = Clock()
    async with rigged(tmp_path, now=clock, settings={"video.keep_days": 2}) as rig:
        film = await over(rig, (await ordered(rig))["id"])
        clock.advance(2 * 86400 - 60)
        await rig.app.films.expire()
        assert await rig.app.films.get(film["id"]) is not None
        clock.advance(61)
        await rig.app.films.expire()
        assert await rig.app.films.get(film["id"]) is None
        async with rig.http.get(film["video_url"]) as answer:
            assert answer.status == 404


async def test_the_model_is_listed_and_says_where_it_is_used(rig: Rig) -> None:
    assert "grok-imagine-video" in [model.id async for model in rig.openai.models.list()]
