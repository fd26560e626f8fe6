"""Files of accounts and of the cache, administered over the network."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from rig import Rig, rigged

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")

HEADERS = {"Authorization": "Bearer the-admin-key"}


@pytest.fixture
async def rig(tmp_path: Path):
    async with rigged(tmp_path, settings={"app.app_key": "the-admin-key"}) as running:
        _, _, body = await running.post("/v1/videos", {"prompt": "A cat"})
        film = json.loads(body)
        async with asyncio.timeout(10):
            while film["status"] != "completed":
                await asyncio.sleep(0.01)
                async with running.http.get(f"{running.url}/v1/videos/{film['id']}") as answer:
                    film = await answer.json()
        yield running


async def admin(rig: Rig, method: str, path: str, **more: Any) -> dict[str, Any]:
    async with rig.http.request(method, f"{rig.url}/admin/api{path}", headers=HEADERS, **more) as answer:
        told: dict[str, Any] = await answer.json()
        assert answer.status == 200, told
        return told


async def test_what_an_account_made_is_listed_deleted_and_cleared(rig: Rig) -> None:
    listed = await admin(rig, "GET", "/assets?mask=true")
    (owner,) = [holder for holder in listed["tokens"] if holder["count"]]
    assert [asset["content_type"] for asset in owner["assets"]] == ["video/mp4"]
    assert listed["total_assets"] == 1
    body = {"token": owner["id"], "asset_id": owner["assets"][0]["id"]}
    assert await admin(rig, "POST", "/assets/delete-item", json=body) == {"status": "success"}
    assert (await admin(rig, "GET", "/assets"))["total_assets"] == 0
    assert (await admin(rig, "POST", "/assets/clear-token", json={"token": owner["id"]}))["deleted"] == 0


async def test_the_files_of_all_accounts_are_cleared_in_a_batch(rig: Rig) -> None:
    done = await admin(rig, "POST", "/batch/cache-clear", json={"tokens": []})
    assert sum(result["deleted"] for result in done["results"].values()) == 1
    assert done["summary"]["fail"] == 0


async def test_the_cache_loses_what_it_is_told_to_and_the_film_says_so(rig: Rig) -> None:
    (item,) = (await admin(rig, "GET", "/cache/list?type=video"))["items"]
    body = {"type": "video", "name": item["name"]}
    assert (await admin(rig, "POST", "/cache/item/delete", json=body))["result"] == {"deleted": item["name"]}
    (film,) = [one async for one in rig.openai.videos.list()]
    async with rig.http.get(f"{rig.url}/v1/videos/{film.id}/content") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (404, "file_not_found")
