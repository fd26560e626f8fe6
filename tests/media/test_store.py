"""The media cache: whole files or none (I3), the oldest go first and open downloads finish (I5)."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from files import GIF, JPEG, MP4, PDF, WEBP, png
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.media.disk import Incoming
from grok2api.media.index import DirectoryIndex, MediaFile, Totals, from_directory
from grok2api.media.names import file_name, id_of, is_id, read_name, url
from grok2api.media.sniff import PNG
from grok2api.media.store import MediaStore, StoreOptions
from grok2api.media.thumbnails import Thumbnails
from grok2api.upstreams.base import TransportError

KIB = 1024


class Clock:
    now = 1_767_225_600.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


async def opened(root: Path, **options: int) -> MediaStore:
    chosen = StoreOptions(**options)
    store = MediaStore(root, await from_directory(root), lambda: chosen, Clock())
    await store.start()
    return store


def picture(number: int, size: int = 0) -> bytes:
    """A PNG that is one of its kind, with as many bytes behind it as are wanted."""
    return png(number + 1, 1) + bytes(max(0, size - len(png(number + 1, 1))))


async def chunks(data: bytes, step: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), step):
        yield data[at : at + step]


def names(root: Path) -> list[str]:
    return sorted(
        path.name for folder in ("image", "video", "incoming", "thumbnail") for path in (root / folder).iterdir()
    )


@pytest.mark.parametrize(
    ("kind", "data", "mime", "extension"),
    [
        ("image", png(3, 2), "image/png", "png"),
        ("image", JPEG, "image/jpeg", "jpg"),
        ("image", WEBP, "image/webp", "webp"),
        ("video", MP4, "video/mp4", "mp4"),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 100_000])
async def test_a_file_is_kept_under_the_name_of_its_content(
    tmp_path: Path, kind: str, data: bytes, mime: str, extension: str, step: int
) -> None:
    store = await opened(tmp_path)
    file = await store.store(kind, chunks(data, step))  # type: ignore[arg-type]
    assert file.id == hashlib.sha256(data).hexdigest()[:32]
    assert (file.mime, file.name, file.size) == (mime, f"{file.id}.{extension}", len(data))
    assert is_id(file.id)
    assert (tmp_path / kind / file.name).read_bytes() == data
    assert names(tmp_path) == [file.name]
    found = await store.open(file.kind, file.id)
    assert found
    known, reading = found
    assert (known, reading.read(0, 10_000), reading.size) == (file, data, len(data))
    reading.close()
    assert reading.read(0, 5) == b""


async def test_the_same_content_is_one_file_and_counts_as_new(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    first = await store.store_bytes("image", picture(0))
    await store.store_bytes("image", picture(1))
    again = await store.store_bytes("image", picture(0))
    assert (again.id, await store.totals("image")) == (first.id, Totals(2, len(picture(0)) + len(picture(1))))
    assert (await store.newest("image", 0, 1))[0].id == first.id


UNUSABLE = [
    ("image", b"", "media_empty"),
    ("image", b"<!DOCTYPE html><h1>Not found</h1>", "media_is_a_page"),
    ("image", b'{"error": "gone"}', "media_is_a_page"),
    ("image", b"Not found", "media_is_a_page"),
    ("image", b"\0\0\0\0", "media_type"),
    ("image", GIF, "media_type"),
    ("image", MP4, "media_type"),
    ("image", PDF, "media_type"),
    ("video", JPEG, "media_type"),
    ("video", b"<html>" + b"x" * 100_000, "media_is_a_page"),
    ("image", picture(0, 5000), "media_too_large"),
]


@pytest.mark.parametrize(("kind", "data", "code"), UNUSABLE)
@pytest.mark.parametrize("step", [3, 100_000])
async def test_I3_what_is_no_such_file_is_a_failure_and_leaves_nothing(
    tmp_path: Path, kind: str, data: bytes, code: str, step: int
) -> None:
    store = await opened(tmp_path, largest_image=4096)
    with pytest.raises(Refusal) as caught:
        await store.store(kind, chunks(data, step))  # type: ignore[arg-type]
    assert (caught.value.problem.kind, caught.value.problem.code) == (Kind.UPSTREAM, code)
    assert names(tmp_path) == []
    assert await store.totals("image") == Totals()


async def test_I3_a_page_is_given_up_at_its_beginning(tmp_path: Path) -> None:
    asked = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield b"<html>" + b" " * 600

    store = await opened(tmp_path)
    with pytest.raises(Refusal, match="page"):
        await store.store("video", endless())
    assert asked == 1


async def test_a_download_that_breaks_off_or_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    gate = asyncio.Event()

    async def broken() -> AsyncIterator[bytes]:
        yield picture(0, 600_000)
        raise TransportError(Problem(kind=Kind.CUT, message="cut"))

    async def waiting() -> AsyncIterator[bytes]:
        yield picture(0, 600_000)
        gate.set()
        await asyncio.Event().wait()

    with pytest.raises(TransportError):
        await store.store("image", broken())
    task = asyncio.ensure_future(store.store("image", waiting()))
    await gate.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(tmp_path) == []


async def test_a_disk_that_takes_nothing_is_told_as_that(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    (tmp_path / "incoming").rmdir()
    with pytest.raises(Refusal) as caught:
        await store.store_bytes("image", picture(0))
    assert (caught.value.problem.kind, caught.value.problem.code) == (Kind.UNAVAILABLE, "media_store_unavailable")


async def test_I5_over_its_limit_a_kind_loses_its_oldest_files_down_to_60_percent(tmp_path: Path) -> None:
    store = await opened(tmp_path, image_limit=100 * KIB)
    kept = [await store.store_bytes("image", picture(number, 10 * KIB)) for number in range(10)]
    film = await store.store_bytes("video", MP4 + bytes(200 * KIB))
    assert (await store.totals("image")).count == 10
    last = await store.store_bytes("image", picture(10, 10 * KIB))
    assert await store.totals("image") == Totals(6, 60 * KIB)
    assert [file.id for file in await store.newest("image", 0, 99)] == [last.id, *(f.id for f in reversed(kept[5:]))]
    assert names(tmp_path) == sorted([film.name, last.name, *(file.name for file in kept[5:])])
    assert await store.find("image", kept[0].id) is None


async def test_I5_a_file_larger_than_the_limit_is_kept_alone(tmp_path: Path) -> None:
    store = await opened(tmp_path, image_limit=10 * KIB)
    await store.store_bytes("image", picture(0, KIB))
    large = await store.store_bytes("image", picture(1, 20 * KIB))
    assert names(tmp_path) == [large.name]


async def test_I5_a_download_that_is_open_finishes_although_its_file_is_evicted(tmp_path: Path) -> None:
    store = await opened(tmp_path, image_limit=20 * KIB)
    data = picture(0, 15 * KIB)
    file = await store.store_bytes("image", data)
    found = await store.open("image", file.id)
    assert found
    _, reading = found
    first = reading.read(0, 5 * KIB)
    await store.store_bytes("image", picture(1, 15 * KIB))
    assert not (tmp_path / "image" / file.name).exists()
    assert first + reading.read(5 * KIB, 99 * KIB) == data
    reading.close()
    assert await store.open("image", file.id) is None


async def test_many_files_at_once_stay_within_the_limit(tmp_path: Path) -> None:
    store = await opened(tmp_path, image_limit=50 * KIB)
    await asyncio.gather(*(store.store_bytes("image", picture(number, 5 * KIB)) for number in range(40)))
    totals = await store.totals("image")
    assert totals.size <= 50 * KIB
    assert totals.count == len(names(tmp_path))


async def test_the_index_is_found_in_the_directory_again(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    files = [await store.store_bytes("image", picture(number)) for number in range(3)]
    for number, file in enumerate(files):
        os.utime(tmp_path / "image" / file.name, (1000 + number, 1000 + number))
    (tmp_path / "image" / "notes.txt").write_text("of somebody else")
    (tmp_path / "image" / f"{files[0].id}.exe").write_bytes(b"x")
    again = await opened(tmp_path)
    assert [file.id for file in await again.newest("image", 0, 9)] == [file.id for file in reversed(files)]
    assert await again.totals("image") == await store.totals("image")


async def test_what_was_not_finished_an_hour_ago_is_swept_away(tmp_path: Path) -> None:
    await opened(tmp_path)
    old, new = tmp_path / "incoming" / "old", tmp_path / "incoming" / "new"
    old.touch()
    new.touch()
    now = Clock.now
    os.utime(old, (now - 4000, now - 4000))
    os.utime(new, (now, now))
    await opened(tmp_path)
    assert names(tmp_path) == ["new"]


async def test_a_file_of_another_process_is_found_and_one_that_is_gone_is_not(tmp_path: Path) -> None:
    mine, other = await opened(tmp_path), await opened(tmp_path)
    file = await other.store_bytes("image", picture(0))
    assert await mine.find("image", file.id)
    await mine.store_bytes("image", picture(1))
    (tmp_path / "image" / file.name).unlink()
    assert await other.open("image", file.id) is None
    assert await other.totals("image") == Totals()


@pytest.mark.parametrize(
    "ident",
    [
        "",
        "..",
        "../image/x",
        "a" * 15,
        "a" * 37,
        "A" * 32,
        "a" * 31 + "/",
        "a" * 16 + "\n",
        "a" * 16 + ".png",
        "g" * 32,
    ],
)
async def test_Z4_what_is_no_id_never_reaches_the_disk(tmp_path: Path, ident: str) -> None:
    store = await opened(tmp_path)
    assert not is_id(ident)
    assert await store.find("image", ident) is None
    assert await store.open("video", ident) is None
    assert await store.delete("image", [ident]) == []


async def test_files_are_deleted_by_name_or_id_and_cleared_by_kind(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    first, second, third = [await store.store_bytes("image", picture(number)) for number in range(3)]
    film = await store.store_bytes("video", MP4)
    unknown = [f"{first.id}.jpg", f"../image/{second.name}", f"{'0' * 32}.png", film.name]
    assert await store.delete("image", [first.name, second.id, *unknown]) == [first.name, second.name]
    assert names(tmp_path) == sorted([third.name, film.name])
    assert await store.clear("image") == 1
    assert await store.clear("image") == 0
    assert names(tmp_path) == [film.name]
    assert store.limit("image") == 0


async def test_a_page_of_the_newest(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    files = [await store.store_bytes("image", picture(number)) for number in range(5)]
    assert [file.id for file in await store.newest("image", 1, 2)] == [files[3].id, files[2].id]
    assert await store.newest("image", 5, 2) == []


async def test_the_index_keeps_its_sums() -> None:
    def file(ident: str, size: int) -> MediaFile:
        return MediaFile(id=ident, kind="image", mime="image/png", extension="png", size=size, created_at=0)

    index = DirectoryIndex([file("a", 1), file("b", 2)])
    await index.add(file("a", 5))
    assert await index.totals("image") == Totals(2, 7)
    assert [found.id for found in await index.oldest("image", 1)] == ["b"]
    assert await index.remove("image", ["b", "x"]) == 1
    assert await index.totals("image") == Totals(1, 5)
    assert await index.totals("video") == Totals()


def test_names_and_links() -> None:
    ident = id_of("0123456789abcdef" * 4)
    assert file_name(ident, PNG) == f"{ident}.png"
    assert read_name("image", f"{ident}.png") == (ident, PNG)
    assert read_name("video", f"{ident}.png") is None
    assert url("https://media.example/", "image", ident) == f"https://media.example/v1/files/image?id={ident}"


# --- thumbnails


async def test_a_thumbnail_is_small_is_kept_and_goes_with_its_file(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    file = await store.store_bytes("image", png(1000, 500))
    thumbnails = Thumbnails(store)
    small = await thumbnails.of("image", file.id)
    assert small
    assert small[8:12] == b"WEBP"
    assert int.from_bytes(small[26:28], "little") & 0x3FFF == 320
    assert (tmp_path / "thumbnail" / f"image-{file.id}.webp").read_bytes() == small
    assert await thumbnails.of("image", file.id) == small
    await store.delete("image", [file.id])
    assert names(tmp_path) == []
    assert await thumbnails.of("image", file.id) is None


@pytest.mark.parametrize(
    "data",
    [png(1, 1)[:40] + bytes(100), JPEG[:60], png(1, 1).replace(b"\0\0\0\1\0\0\0\1", b"\0\0\xff\xff\0\0\xff\xff")],
)
async def test_a_broken_picture_and_a_bomb_have_no_thumbnail(tmp_path: Path, data: bytes) -> None:
    store = await opened(tmp_path)
    file = await store.store_bytes("image", data)
    assert await Thumbnails(store).of("image", file.id) is None
    assert names(tmp_path) == [file.name]


async def test_a_film_has_the_thumbnail_that_came_with_it(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    film = await store.store_bytes("video", MP4)
    thumbnails = Thumbnails(store)
    assert await thumbnails.of("video", film.id) is None
    small = await thumbnails.keep("video", film.id, png(640, 360))
    assert small
    assert await thumbnails.of("video", film.id) == small
    assert await thumbnails.keep("video", "0" * 32, png(1, 1)) is None


def test_a_file_that_was_given_up_is_written_no_more(tmp_path: Path) -> None:
    """Its descriptor may be another file's by then."""
    incoming = Incoming(tmp_path)
    incoming.write([b"one"])
    incoming.discard()
    with pytest.raises(OSError, match="given up"):
        incoming.write([b"two"])
    with pytest.raises(OSError, match="given up"):
        incoming.finish(tmp_path / "x")
    incoming.discard()
    assert list(tmp_path.iterdir()) == []
