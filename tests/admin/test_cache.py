"""The media cache, seen and emptied by the operator."""

from pathlib import Path

import pytest

from admin_calls import Admin, administration
from grok2api.simulator import samples


@pytest.fixture
async def admin(tmp_path: Path):
    async with administration(tmp_path) as running:
        yield running


async def stored(admin: Admin, count: int = 3) -> list[str]:
    """The names of so many pictures, the oldest first, and of one film."""
    names = []
    for number in range(count):
        admin.clock.advance(1.5)
        file = await admin.parts.cache.store_bytes("image", samples.picture(f"p{number}").data)  # type: ignore[attr-defined]
        names.append(file.name)
    film = await admin.parts.cache.store_bytes("video", samples.film("f").data)  # type: ignore[attr-defined]
    return [*names, film.name]


async def test_how_much_there_is_with_and_without_a_limit(tmp_path: Path) -> None:
    async with administration(tmp_path, settings={"cache.local.video_max_mb": 1}) as admin:
        await stored(admin)
        told = (await admin.get("/cache")).json
        image, video = told["local_image"], told["local_video"]
        assert (image["count"], image["limited"], image["usage_ratio"], image["usage_percent"]) == (
            3,
            False,
            None,
            None,
        )
        assert video["size_bytes"] == len(samples.film("f").data)
        assert (video["limit_mb"], video["limit_bytes"], video["limited"]) == (1, 1024 * 1024, True)
        assert video["usage_percent"] == pytest.approx(100 * video["size_bytes"] / 1024 / 1024, abs=0.01)


async def test_files_are_listed_newest_first_in_pages(admin: Admin) -> None:
    first, second, third, film = await stored(admin)
    page = (await admin.get("/cache/list", page_size=2)).json
    assert [item["name"] for item in page["items"]] == [third, second]
    assert (page["status"], page["total"], page["page"], page["page_size"]) == ("success", 3, 1, 2)
    assert page["items"][0]["modified_at"] == admin.clock.now
    assert [item["name"] for item in (await admin.get("/cache/list", page=2, page_size=2)).json["items"]] == [first]
    for query in ({"type": "video"}, {"cache_type": "video"}):
        assert [item["name"] for item in (await admin.get("/cache/list", **query)).json["items"]] == [film]
    assert (await admin.get("/cache/list", type="text")).status == 400


async def test_one_kind_is_cleared_or_both(admin: Admin) -> None:
    await stored(admin)
    assert (await admin.post("/cache/clear", {"type": "image"})).json == {"status": "success", "result": {"removed": 3}}
    assert (await admin.post("/cache/clear")).json == {"status": "success", "result": {"removed": 1}}


async def test_files_are_deleted_by_name(admin: Admin) -> None:
    first, second, third, film = await stored(admin)
    answer = await admin.post("/cache/item/delete", {"type": "image", "name": first})
    assert answer.json == {"status": "success", "result": {"deleted": first}}
    assert (await admin.post("/cache/item/delete", {"name": first})).error["code"] == "file_not_found"
    answer = await admin.post("/cache/items/delete", {"type": "image", "names": [second, third, first, third]})
    assert answer.json == {"status": "success", "result": {"deleted": 2, "missing": 1}}
    assert (await admin.post("/cache/item/delete", {"type": "video", "name": film})).status == 200


@pytest.mark.parametrize(
    "name",
    [
        "../secret.key",
        "..%2f..%2fsecret.key",
        "/etc/passwd",
        "image/../../secret.key",
        "0123456789abcdef.jpg/../x",
        "0123456789abcdef",
        "0123456789abcdef.exe",
        "0123456789abcdef.jpg\n",
        "0123456789ABCDEF.jpg",
        "con.jpg",
        ".",
    ],
)
async def test_Z4_what_is_no_name_reaches_no_file(admin: Admin, tmp_path: Path, name: str) -> None:
    await stored(admin)
    before = sorted(tmp_path.rglob("*"))
    assert (await admin.post("/cache/item/delete", {"type": "image", "name": name})).error[
        "code"
    ] == "invalid_file_name"
    refused = await admin.post("/cache/items/delete", {"type": "image", "names": ["0" * 32 + ".jpg", name]})
    assert (refused.error["code"], refused.error["param"]) == ("invalid_file_name", "names.1")
    assert sorted(tmp_path.rglob("*")) == before


async def test_names_must_be_there(admin: Admin) -> None:
    assert (await admin.post("/cache/item/delete", {})).error["code"] == "missing_file_name"
    assert (await admin.post("/cache/items/delete", {"names": []})).error["code"] == "missing_file_names"
