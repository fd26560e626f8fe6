"""Stored media over ASGI: what browsers and players ask, and what they get (I1)."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from files import JPEG, MP4, WEBP, png
from grok2api.media.index import DirectoryIndex, MediaFile
from grok2api.media.names import Kind
from grok2api.media.store import MediaStore, StoreOptions
from grok2api.media.thumbnails import Thumbnails
from grok2api.web import media_files
from grok2api.web.links import public_base
from grok2api.web.media_files import MediaRoute, StoredFiles
from grok2api.web.options import State

FILM = MP4 + bytes(range(256)) * 4000


class Got:
    def __init__(self, messages: list[dict[str, Any]]) -> None:
        head = messages[0]
        self.status: int = head["status"]
        self.headers = {name.decode(): value.decode() for name, value in head["headers"]}
        self.sizes = [len(message.get("body", b"")) for message in messages[1:]]
        self.body = b"".join(message.get("body", b"") for message in messages[1:])
        self.whole = not messages[-1].get("more_body", False)


class Player:
    """A client of the two routes."""

    def __init__(self, store: MediaStore) -> None:
        self.store = store
        self.state = State()
        numbers = itertools.count()
        self.routes = {
            kind: MediaRoute(
                kind, StoredFiles(store, Thumbnails(store)), self.state, lambda prefix: f"{prefix}{next(numbers)}"
            )
            for kind in ("image", "video")
        }

    async def ask(
        self,
        kind: Kind,
        query: str,
        method: str = "GET",
        leave_after: int = -1,
        while_sending: Callable[[], Awaitable[object]] | None = None,
        **headers: str,
    ) -> Got:
        """One request; the client leaves after so many pieces of the body, or something happens after the first."""
        sent: list[dict[str, Any]] = []
        left = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(dict(message))
            if len(sent) == 2 and while_sending is not None:
                await while_sending()
            if len(sent) == leave_after + 1:
                left.set()
                await asyncio.sleep(0)

        scope = {
            "method": method,
            "path": f"/v1/files/{kind}",
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        }
        await self.routes[kind](scope, receive, send)
        assert self.state.active == 0
        return Got(sent)


@pytest.fixture
async def player(tmp_path: Path) -> Player:
    store = MediaStore(tmp_path, DirectoryIndex(), StoreOptions, lambda: 1_767_225_600.0)
    await store.start()
    return Player(store)


@pytest.mark.parametrize(
    ("kind", "data", "mime"),
    [
        ("image", png(3, 2), "image/png"),
        ("image", JPEG, "image/jpeg"),
        ("image", WEBP, "image/webp"),
        ("video", MP4, "video/mp4"),
    ],
)
async def test_I1_a_file_opens_by_its_id_with_the_right_type(
    player: Player, kind: Kind, data: bytes, mime: str
) -> None:
    file = await player.store.store_bytes(kind, data)
    got = await player.ask(kind, f"id={file.id}")
    assert (got.status, got.body, got.whole) == (200, data, True)
    assert got.headers.pop("last-modified").endswith("GMT")
    assert got.headers.pop("x-request-id").startswith("req_")
    assert got.headers == {
        "content-type": mime,
        "content-length": str(len(data)),
        "etag": f'"{file.id}"',
        "cache-control": "public, max-age=31536000, immutable",
        "accept-ranges": "bytes",
        "content-disposition": f'inline; filename="{file.name}"',
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "cross-origin",
        "access-control-allow-origin": "*",
    }
    head = await player.ask(kind, f"id={file.id}", "HEAD", range="bytes=0-1")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(data)))


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-", 0, len(FILM)),
        ("bytes=0-1", 0, 2),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=-500", len(FILM) - 500, len(FILM)),
        ("bytes=300000-900000", 300000, 900001),
        (f"bytes={len(FILM) - 1}-", len(FILM) - 1, len(FILM)),
    ],
)
async def test_I1_a_range_of_a_film(player: Player, header: str, start: int, stop: int) -> None:
    file = await player.store.store_bytes("video", FILM)
    got = await player.ask("video", f"id={file.id}", range=header)
    assert (got.status, got.body) == (206, FILM[start:stop])
    assert got.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(FILM)}"
    assert got.headers["content-length"] == str(stop - start)
    assert got.headers["content-type"] == "video/mp4"


async def test_several_ranges_come_as_parts(player: Player) -> None:
    file = await player.store.store_bytes("video", FILM)
    got = await player.ask("video", f"id={file.id}", range="bytes=0-4,100-102,-3")
    assert (got.status, int(got.headers["content-length"])) == (206, len(got.body))
    kind, _, boundary = got.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    before, *parts, after = got.body.split(b"--" + boundary.encode())
    assert (before, after) == (b"", b"--\r\n")
    spans = [(0, 5), (100, 103), (len(FILM) - 3, len(FILM))]
    for part, (start, stop) in zip(parts, spans, strict=True):
        head, _, data = part.partition(b"\r\n\r\n")
        assert f"content-range: bytes {start}-{stop - 1}/{len(FILM)}".encode() in head
        assert data == FILM[start:stop] + b"\r\n"


@pytest.mark.parametrize("header", ["bytes=junk", "items=0-1", "bytes=5-1"])
async def test_what_is_no_range_gets_the_whole(player: Player, header: str) -> None:
    file = await player.store.store_bytes("video", MP4)
    got = await player.ask("video", f"id={file.id}", range=header)
    assert (got.status, got.body) == (200, MP4)


async def test_a_range_outside_the_file_is_a_416_that_says_its_size(player: Player) -> None:
    file = await player.store.store_bytes("video", MP4)
    got = await player.ask("video", f"id={file.id}", range="bytes=9999-")
    assert (got.status, got.headers["content-range"], got.body) == (416, f"bytes */{len(MP4)}", b"")


async def test_conditions(player: Player) -> None:
    file = await player.store.store_bytes("video", FILM)
    asked = f"id={file.id}"
    got = await player.ask("video", asked, if_none_match=f'"{file.id}"')
    assert (got.status, got.body, got.headers["etag"]) == (304, b"", f'"{file.id}"')
    assert "content-length" not in got.headers
    got = await player.ask("video", asked, "HEAD", if_none_match="*")
    assert got.status == 304
    got = await player.ask("video", asked, if_modified_since=formatdate(4e9, usegmt=True))
    assert got.status == 304
    got = await player.ask("video", asked, range="bytes=0-1", if_range=f'"{file.id}"')
    assert (got.status, got.body) == (206, FILM[:2])
    got = await player.ask("video", asked, range="bytes=0-1", if_range='"another"')
    assert (got.status, len(got.body)) == (200, len(FILM))


ID = "a" * 32
BAD_IDS = [
    "", "id=", "id=..", "id=../../etc/passwd", "id=%2e%2e%2f", "id=" + "A" * 32, "id=" + "a" * 15, "id=" + "a" * 37,
    f"id={ID}%00", f"id={ID}.png", f"id={ID}&id={ID}", f"ID={ID}", f"id={ID[:16]}%0a", "x=1&" * 99 + f"id={ID}",
]  # fmt: skip


@pytest.mark.parametrize("query", BAD_IDS)
async def test_Z4_a_bad_id_is_a_400_that_names_it(player: Player, query: str) -> None:
    got = await player.ask("image", query)
    assert got.status == 400
    error = json.loads(got.body)["error"]
    assert (error["param"], error["code"]) == ("id", "invalid_value")


async def test_a_missing_file_is_a_404_of_its_own_kind_only(player: Player) -> None:
    file = await player.store.store_bytes("image", JPEG)
    for kind, ident in (("image", "0" * 32), ("video", file.id)):
        got = await player.ask(kind, f"id={ident}")  # type: ignore[arg-type]
        assert (got.status, json.loads(got.body)["error"]["code"]) == (404, "file_not_found")
    got = await player.ask("image", f"id={'0' * 32}", "HEAD")
    assert (got.status, got.body) == (404, b"")
    await player.store.delete("image", [file.id])
    assert (await player.ask("image", f"id={file.id}")).status == 404


async def test_other_methods_are_told_which_there_are(player: Player) -> None:
    got = await player.ask("image", f"id={'0' * 32}", "DELETE")
    assert (got.status, got.headers["allow"]) == (405, "GET, HEAD")


async def test_a_film_is_read_a_little_at_a_time(player: Player) -> None:
    file = await player.store.store_bytes("video", FILM)
    got = await player.ask("video", f"id={file.id}")
    assert got.body == FILM
    assert max(got.sizes) <= 256 * 1024


async def test_I5_a_download_finishes_although_its_file_is_deleted_meanwhile(player: Player) -> None:
    file = await player.store.store_bytes("video", FILM)
    got = await player.ask("video", f"id={file.id}", while_sending=lambda: player.store.delete("video", [file.id]))
    assert (got.status, got.body, got.whole) == (200, FILM, True)
    assert (await player.ask("video", f"id={file.id}")).status == 404


async def test_a_client_that_leaves_ends_the_reading(player: Player) -> None:
    file = await player.store.store_bytes("video", FILM)
    got = await player.ask("video", f"id={file.id}", leave_after=1)
    assert not got.whole
    assert 0 < len(got.body) < len(FILM)


async def test_a_client_that_takes_nothing_is_given_up(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_files, "_STALL_SEC", 0.01)
    file = await player.store.store_bytes("video", FILM)
    started: list[Any] = []

    async def send(message: Any) -> None:
        started.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {"method": "GET", "path": "/v1/files/video", "query_string": f"id={file.id}".encode(), "headers": []}
    await player.routes["video"](scope, receive, send)
    assert started == ["http.response.start", "http.response.body"]
    assert player.state.active == 0


async def test_a_thumbnail_for_lists(player: Player) -> None:
    file = await player.store.store_bytes("image", png(900, 300))
    got = await player.ask("image", f"id={file.id}&thumbnail=1")
    assert (got.status, got.headers["content-type"], got.body[8:12]) == (200, "image/webp", b"WEBP")
    assert got.headers["x-content-type-options"] == "nosniff"
    film: MediaFile = await player.store.store_bytes("video", MP4)
    assert (await player.ask("video", f"id={film.id}&thumbnail=1")).status == 404


@pytest.mark.parametrize(
    ("app_url", "host", "base"),
    [
        ("https://media.example/grok/", "x", "https://media.example/grok"),
        ("", "gateway.example:8000", "http://gateway.example:8000"),
        ("", "[::1]:8000", "http://[::1]:8000"),
        ("", "evil.example/path", "http://10.0.0.5:8000"),
        ("", "a b", "http://10.0.0.5:8000"),
        ("", "x\r\ny", "http://10.0.0.5:8000"),
        ("", "user@evil.example", "http://10.0.0.5:8000"),
        ("", "", "http://10.0.0.5:8000"),
    ],
)
def test_Z5_links_begin_where_the_operator_or_the_request_says_and_forwarded_headers_say_nothing(
    app_url: str, host: str, base: str
) -> None:
    forwarded = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "host=evil.example"}
    scope = {"scheme": "http", "server": ("10.0.0.5", 8000)}
    assert public_base(app_url, scope, {"host": host, **forwarded}) == base
