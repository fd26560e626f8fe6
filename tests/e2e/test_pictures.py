"""Pictures through the whole gateway: the two endpoints, as the official SDK sees them, and what goes wrong."""

import asyncio
import base64
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from files import JPEG, PDF, b64, data_uri, png
from frames import frames
from grok2api.media.sniff import sniff
from grok2api.simulator.world import WorldOptions
from rig import BASIC, SUPER, Rig, rigged

GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
LITE, IMAGE, PRO, EDIT = (f"grok-imagine-image{suffix}" for suffix in ("-lite", "", "-pro", "-edit"))

SMALL = WorldOptions(burst=True, metered=False)


async def browse(url: str) -> tuple[int, str, bytes]:
    """What a browser that knows nothing of us gets."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, answer.headers["content-type"], await answer.read()


async def opens(rig: Rig, url: str) -> bool:
    status, mime, data = await browse(url)
    kind = sniff(data[:4096])
    return status == 200 and kind is not None and kind.mime == mime and mime.startswith("image/")


def touched(rig: Rig) -> list[str]:
    """What an account was used for; quotas are asked for all the time."""
    return [entry.endpoint for entry in rig.world.journal.entries if entry.endpoint not in ("rate_limits", "usage")]


async def ask(rig: Rig, **fields: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
    body = {"model": LITE, "prompt": "A dusk"} | fields
    status, headers, answer = await rig.post(GENERATIONS, {name: value for name, value in body.items() if value != ""})
    return status, headers, json.loads(answer)


@pytest.mark.parametrize(("model", "n"), [(LITE, 1), (LITE, 3), (IMAGE, 2), (PRO, 5)])
async def test_I1_the_SDK_gets_pictures_that_open_in_a_plain_browser(tmp_path: Path, model: str, n: int) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        made = await rig.openai.images.generate(model=model, prompt="A dusk", n=n, size="1024x1024")
        assert made.data is not None
        urls = [picture.url or "" for picture in made.data]
        assert len(urls) == n
        assert all([await opens(rig, url) for url in urls])
        await rig.settled()


async def test_the_SDK_gets_the_files_themselves(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        for model in (LITE, IMAGE):
            made = await rig.openai.images.generate(model=model, prompt="A dusk", response_format="b64_json")
            assert made.data is not None
            kind = sniff(base64.b64decode(made.data[0].b64_json or "")[:4096])
            assert kind is not None
            assert made.data[0].url is None


async def test_the_SDK_sees_a_picture_being_drawn(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        stream = await rig.openai.images.generate(model=IMAGE, prompt="A dusk", stream=True, partial_images=1)
        events = [event async for event in stream]
        assert [event.type for event in events] == [
            "image_generation.partial_image",
            "image_generation.completed",
        ]
        assert all(sniff(base64.b64decode(event.b64_json)[:4096]) is not None for event in events)
        await rig.settled()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("form", ["json", "multipart"])
async def test_the_SDK_changes_pictures(tmp_path: Path, count: int, form: str) -> None:
    async with rigged(tmp_path, world=SMALL, settings={"upstream.web.upload": form}) as rig:
        files = [(f"{number}.png", io.BytesIO(png(2 + number, 2)), "image/png") for number in range(count)]
        given: Any = files if count > 1 else files[0]
        made = await rig.openai.images.edit(model=EDIT, image=given, prompt="Add a rainbow", n=2)
        assert made.data is not None
        assert [await opens(rig, picture.url or "") for picture in made.data] == [True, True]
        assert len(rig.world.journal.of("upload")) == count
        made = await rig.openai.images.edit(
            model=EDIT, image=io.BytesIO(png(2, 2)), prompt="And a dog", response_format="b64_json"
        )
        assert made.data is not None
        assert made.data[0].b64_json
        assert len(rig.world.journal.of("upload")) == count, "the account has that file already"


async def test_an_edit_may_come_in_JSON(tmp_path: Path) -> None:
    uri = data_uri("image/png", png(3, 3))
    async with rigged(tmp_path, world=SMALL) as rig:
        for given in ({"image": uri}, {"image": {"url": uri}}, {"images": [{"image_url": uri}, uri]}):
            status, _, answer = await rig.post(EDITS, {"model": EDIT, "prompt": "Add a rainbow", **given})
            assert status == 200, answer


BAD = [
    ({"prompt": ""}, 400, "prompt"),
    ({"prompt": "   "}, 400, "prompt"),
    ({"model": ""}, 400, "model"),
    ({"model": "grok-9"}, 400, "model"),
    ({"model": "grok-4.20-fast"}, 400, "model"),
    ({"model": EDIT}, 400, "model"),
    ({"n": 0}, 400, "n"),
    ({"n": 5}, 400, "n"),
    ({"n": 11, "model": IMAGE}, 400, "n"),
    ({"n": "two"}, 400, "n"),
    ({"size": "17x4"}, 400, "size"),
    ({"response_format": "png"}, 400, "response_format"),
    ({"partial_images": 9}, 400, "partial_images"),
    ({"mask": "x"}, 400, "mask"),
]


async def test_a_client_that_reads_files_only_gets_them(tmp_path: Path) -> None:
    """The Vercel AI SDK's OpenAI provider names no `response_format` in edits, and reads `b64_json`."""
    agent = {"user_agent": "ai/7.0.173 ai-sdk-provider-utils/5.0.81 node.js/v20.20.2"}
    body = {"model": EDIT, "prompt": "Make it blue", "image": data_uri("image/png", png(4, 4))}
    async with rigged(tmp_path, world=SMALL) as rig:
        _, _, answer = await rig.post(EDITS, body, **agent)
        assert list(json.loads(answer)["data"][0]) == ["b64_json"]
        _, _, answer = await rig.post(EDITS, {**body, "response_format": "url"}, **agent)
        assert "b64_json" not in json.loads(answer)["data"][0]
        _, _, answer = await rig.post(EDITS, body)
        assert "b64_json" not in json.loads(answer)["data"][0]


async def test_bad_requests_name_the_field_and_reach_no_account(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        for given, status, param in BAD:
            got, _, answer = await ask(rig, **given)
            assert (got, answer["error"]["param"]) == (status, param), (given, answer)
        assert touched(rig) == []


async def edited(rig: Rig, *files: bytes | str, **fields: str) -> tuple[int, str, str]:
    """Status, code and field of an edit that is refused."""
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in ({"model": EDIT, "prompt": "Add a rainbow"} | fields).items():
        form.add_field(name, value)
    for number, file in enumerate(files):
        if isinstance(file, str):
            form.add_field("image[]", file)
        else:
            form.add_field("image[]", io.BytesIO(file), filename=f"{number}.png")
    async with rig.http.post(rig.url + EDITS, data=form) as answer:
        error = (await answer.json()).get("error", {})
        return answer.status, error.get("code", ""), error.get("param") or ""


async def test_bad_files_name_the_field_and_reach_no_account(tmp_path: Path) -> None:
    good = png(2, 2)
    async with rigged(tmp_path, world=SMALL) as rig:
        assert await edited(rig) == (400, "missing_required_parameter", "image")
        assert await edited(rig, good, b"") == (400, "empty_file", "image.1")
        assert await edited(rig, PDF) == (400, "invalid_image", "image[]")
        assert await edited(rig, good[:20]) == (400, "invalid_image", "image[]")
        assert await edited(rig, b"\x89PNG\r\n\x1a\n" + bytes(33 << 20)) == (413, "file_too_large", "image[]")
        assert await edited(rig, *(png(1, side) for side in range(1, 9))) == (400, "invalid_value", "image.7")
        assert await edited(rig, "data:image/png;base64,%%%") == (400, "invalid_base64", "image[]")
        assert await edited(rig, good, mask="x") == (400, "unsupported_parameter", "mask")
        assert await edited(rig, good, n="3") == (400, "invalid_value", "n")
        assert await edited(rig, good, n="x") == (400, "invalid_value", "n")
        assert await edited(rig, good, model=LITE) == (400, "invalid_value", "model")
        assert touched(rig) == []


@pytest.mark.parametrize("model", [LITE, IMAGE])
async def test_what_is_moderated_is_refused_once_and_costs_the_account_nothing(tmp_path: Path, model: str) -> None:
    async with rigged(tmp_path, world=SMALL, accounts=(("one", SUPER), ("two", SUPER))) as rig:
        rig.world.on(fault="withheld", endpoint="any")
        status, _, answer = await ask(rig, model=model)
        assert (status, answer["error"]["code"]) == (400, "content_moderated")
        await rig.settled()
        asked = [entry for entry in rig.world.journal.entries if entry.endpoint in ("web", "imagine")]
        assert len({entry.account for entry in asked}) == 1
        assert [account.strikes for account in rig.app.pool.list()] == [(), ()]
        assert {account.state.value for account in rig.app.pool.list()} == {"active"}


async def test_fewer_pictures_than_asked_for_are_an_answer_and_are_counted(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        rig.world.on(fault="withheld", endpoint="web", times=1)
        status, headers, answer = await ask(rig, n=3)
        assert status == 200
        assert (headers["x-grok2api-images"], len(answer["data"])) == ("2", 2)


@pytest.mark.parametrize("fault", ["dead", "empty-file", "page"])
@pytest.mark.parametrize("model", [LITE, EDIT])
async def test_I3_a_result_that_is_none_is_a_failure(tmp_path: Path, model: str, fault: str) -> None:
    async with rigged(tmp_path, world=SMALL, accounts=(("one", SUPER), ("two", SUPER))) as rig:
        rig.world.on(fault=FAULTS[fault], endpoint="download")
        body = {"model": model, "prompt": "A dusk", "image": data_uri("image/png", png(2, 2))}
        status, _, answer = await rig.post(EDITS if model == EDIT else GENERATIONS, body)
        assert (status, json.loads(answer)["error"]["code"]) == (502, "image_generation_incomplete"), answer
        await rig.settled()


FAULTS = {"dead": "404", "empty-file": "eof@0", "page": "html"}


async def test_another_account_draws_what_the_first_one_could_not(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL, accounts=(("one", SUPER), ("two", SUPER))) as rig:
        rig.world.on(fault="429", endpoint="any", times=1)
        status, _, answer = await ask(rig, model=IMAGE, n=2)
        assert status == 200
        assert len(answer["data"]) == 2


#: What the imagine socket may do: it comes to the pictures that were asked for all the same.
ODDITIES = {
    "shuffled": "imagine",
    "withheld@1": "imagine",
    "bye@4": "imagine",
    "cut@1": "imagine",
    "blob-uri": "imagine",
    "error": "imagine",
    "429": "imagine_handshake",
    "slots@1": "imagine",
    "url-only": "imagine",
    "relative": "imagine",
    "job-names": "imagine",
    "webp": "imagine",
}


@pytest.mark.parametrize("fault", ODDITIES)
async def test_whatever_the_socket_does_the_pictures_come(tmp_path: Path, fault: str) -> None:
    async with rigged(tmp_path, world=SMALL, accounts=(("one", SUPER), ("two", SUPER))) as rig:
        rig.world.on(fault=fault, endpoint=ODDITIES[fault], times=1)
        status, _, answer = await ask(rig, model=IMAGE, n=2)
        assert status == 200, answer
        assert [await opens(rig, picture["url"]) for picture in answer["data"]] == [True, True]
        await rig.settled()


async def test_an_edit_is_sent_its_files_again_when_another_account_takes_over(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL, accounts=(("one", SUPER), ("two", SUPER))) as rig:
        rig.world.on(fault="429", endpoint="edit", times=1)
        status, _, answer = await rig.post(
            EDITS, {"model": EDIT, "prompt": "Add a rainbow", "image": data_uri("image/png", png(2, 2))}
        )
        assert status == 200, answer
        assert {entry.account for entry in rig.world.journal.of("upload")} == {"one", "two"}


@pytest.mark.parametrize("stream", [False, True])
async def test_C8_the_same_request_with_the_same_key_is_one_job(tmp_path: Path, stream: bool) -> None:
    key = {"Idempotency_Key": "k-1"}
    body = {"model": LITE, "prompt": "A dusk", "stream": stream}
    async with rigged(tmp_path, world=SMALL) as rig:
        both = await asyncio.gather(*(rig.post(GENERATIONS, body, **key) for _ in range(2)))
        later = await rig.post(GENERATIONS, body, **key)
        assert [status for status, _, _ in (*both, later)] == [200] * 3
        assert len({_essence(answer) for _, _, answer in (*both, later)}) == 1
        assert len(rig.world.journal.of("web")) == 1
        status, _, answer = await rig.post(GENERATIONS, body | {"prompt": "A sea"}, **key)
        assert (status, json.loads(answer)["error"]["code"]) == (409, "idempotency_key_reused")
        await rig.post(GENERATIONS, body, Idempotency_Key="k-2")
        assert len(rig.world.journal.of("web")) == 2


def _essence(answer: bytes) -> str:
    """An answer without its time."""
    told = json.loads(answer)["data"] if answer.startswith(b"{") else [f.payload["b64_json"] for f in frames(answer)]
    return json.dumps(told)


async def test_C8_what_failed_may_be_tried_again_with_the_same_key(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL) as rig:
        rig.world.on(fault="withheld", endpoint="web", times=1)
        body, key = {"model": LITE, "prompt": "A dusk"}, {"Idempotency_Key": "k-1"}
        assert (await rig.post(GENERATIONS, body, **key))[0] == 400
        assert (await rig.post(GENERATIONS, body, **key))[0] == 200


@pytest.mark.parametrize("key", ["", "k-1"])
@pytest.mark.parametrize(("model", "endpoint"), [(LITE, "web"), (IMAGE, "imagine")])
async def test_S13_a_client_that_leaves_ends_the_drawing(tmp_path: Path, model: str, endpoint: str, key: str) -> None:
    async with rigged(tmp_path, world=WorldOptions(delay=5.0)) as rig:
        headers = {"Idempotency_Key": key} if key else {}
        asking = asyncio.ensure_future(rig.post(GENERATIONS, {"model": model, "prompt": "A dusk"}, **headers))
        entry = await rig.world.journal.wait(lambda entry: entry.endpoint == endpoint, within=5)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await rig.settled()
        await rig.world.journal.wait(lambda one: one is entry and one.ended == "disconnected", within=1)
        assert all(not account.fail_count for account in rig.app.pool.list())


async def test_links_begin_with_the_public_address(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL, settings={"app.app_url": "https://grok.example/"}) as rig:
        _, _, answer = await ask(rig)
        assert answer["data"][0]["url"].startswith("https://grok.example/v1/files/image?id=")


async def test_public_pictures_stay_where_they_are_unless_they_are_wanted_here(tmp_path: Path) -> None:
    async with rigged(tmp_path / "a", world=SMALL) as rig:
        _, _, answer = await ask(rig, model=IMAGE)
        assert "/public/imagine-public/" in answer["data"][0]["url"]
    async with rigged(tmp_path / "b", world=SMALL, settings={"features.imagine_public_image_proxy": True}) as rig:
        _, _, answer = await ask(rig, model=IMAGE)
        assert answer["data"][0]["url"].startswith(f"{rig.url}/v1/files/image?id=")


async def test_a_basic_pool_serves_only_the_light_model(tmp_path: Path) -> None:
    async with rigged(tmp_path, world=SMALL, accounts=(("one", BASIC),)) as rig:
        listed = [model.id async for model in rig.openai.models.list()]
        assert LITE in listed
        assert IMAGE not in listed
        with pytest.raises(openai.RateLimitError):
            await rig.openai.images.generate(model=IMAGE, prompt="A dusk")


def test_the_files_of_these_tests_are_what_they_seem() -> None:
    assert sniff(JPEG) is not None
    assert b64(JPEG)
