"""The files of a request, made ready: found wherever they are, fetched once, judged by content, bounded, and named."""

import asyncio
from collections.abc import Callable

import pytest

from files import GIF, JPEG, MP3, PDF, WAV, WEBP, b64, data_uri, png
from grok2api.canonical.attachment import Attachment
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.request import File, Image, Inline, Message, Part, Request, Role, Text, ToolResult
from grok2api.media import attaching
from grok2api.media.attaching import Attaching
from grok2api.media.budget import Budget
from grok2api.media.datauri import read

FIELD = "messages.0.content.1.image_url.url"
MIB = 1024 * 1024


class FakeFetch:
    """The web, as a table. What is asked for is noted, and how much at once."""

    def __init__(self, **files: bytes) -> None:
        self.files = files
        self.asked: list[tuple[str, str]] = []
        self.most = self.under_way = 0

    async def fetch(self, url: str, path: str, hold: Callable[[int], None]) -> bytes:
        self.asked.append((url, path))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
            data = self.files.get(url.rpartition("/")[2])
            if data is None:
                raise Refusal(Problem(kind=Kind.INVALID, message=f"{path} is not there", param=path))
            hold(len(data))
            return data
        finally:
            self.under_way -= 1


def inline(data: bytes, mime: str = "image/png", path: str = FIELD) -> Image:
    uri = data_uri(mime, data)
    return Image(Inline(uri, *read(uri)), path=path)


def request(*parts: Part) -> Request:
    return Request(model="m", messages=(Message(Role.USER, (Text("Look"), *parts), "messages.0"),))


def attacher(fetch: FakeFetch | None = None, budget: Budget | None = None) -> Attaching:
    return Attaching(fetch or FakeFetch(), budget or Budget(lambda: 1 << 40))


async def attached(*parts: Part, fetch: FakeFetch | None = None) -> list[Attachment]:
    async with attacher(fetch).attached(request(*parts)) as ready:
        files = list(ready.files())
    assert all(isinstance(file, Attachment) for file in files)
    return files  # type: ignore[return-value]


async def refused(*parts: Part, fetch: FakeFetch | None = None) -> Problem:
    with pytest.raises(Refusal) as caught:
        await attached(*parts, fetch=fetch)
    problem = caught.value.problem
    assert problem.param
    assert problem.message.startswith(problem.param)
    return problem


@pytest.mark.parametrize(
    ("data", "mime"), [(png(2, 1), "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (WEBP, "image/webp")]
)
async def test_a_picture_is_what_its_bytes_say(data: bytes, mime: str) -> None:
    (file,) = await attached(inline(data, "image/x-claimed"))
    assert (file.kind, file.mime, file.whole(), file.path) == ("image", mime, data, FIELD)
    assert file.name == f"image-1.{ {'image/jpeg': 'jpg'}.get(mime, mime[6:]) }"


async def test_files_keep_their_places_also_in_tool_results() -> None:
    asked = Request(
        model="m",
        messages=(
            Message(Role.USER, (Text("a"), inline(png(1, 1)), Text("b"))),
            Message(Role.TOOL, (ToolResult("c1", (Text("c"), inline(png(2, 2)), File(Inline(b64(PDF)), path=FIELD))),)),
            Message(Role.USER, (Text("d"),)),
        ),
    )
    async with attacher().attached(asked) as ready:
        first, result, last = ready.messages
        assert [type(part) for part in first.parts] == [Text, Attachment, Text]
        assert isinstance(result.parts[0], ToolResult)
        assert [type(part) for part in result.parts[0].parts] == [Text, Attachment, Attachment]
        assert result.parts[0].text == "c"
        assert last is asked.messages[2]
        assert [file.name for file in ready.attachments()] == ["image-1.png", "image-2.png", "file-3.pdf"]


async def test_a_url_is_fetched_once_and_files_of_a_request_side_by_side_within_bounds() -> None:
    fetch = FakeFetch(**{f"{size}.png": png(size, 1) for size in range(1, 9)})
    urls = [Image(f"https://example.org/{size}.png", path=f"field.{size}") for size in (1, 2, 3, 4, 5, 6, 7, 8, 1, 2)]
    files = await attached(*urls, fetch=fetch)
    assert len(files) == 10
    assert sorted(fetch.asked) == [(f"https://example.org/{size}.png", f"field.{size}") for size in range(1, 9)]
    assert 1 < fetch.most <= 4
    assert files[0].whole() == files[8].whole() == png(1, 1)


FILES = [
    (File(Inline(b64(PDF), "text/plain"), path=FIELD), "file", "application/pdf", "file-1.pdf"),
    (File(Inline(b64(PDF)), "Ünï code.pdf", path=FIELD), "file", "application/pdf", "Ünï code.pdf"),
    (File(Inline(b64(b"a,b")), "../../etc/pass\nwd", path=FIELD), "file", "text/plain", "_.._etc_pass_wd"),
    (File(Inline(b64(b"a,b"), "text/csv"), "t.csv", path=FIELD), "file", "text/csv", "t.csv"),
    (File(Inline(b64(b"{}"), "application/json"), path=FIELD), "file", "application/json", "file-1.json"),
    (File(Inline(b64(b"words"), "application/pdf"), path=FIELD), "file", "text/plain", "file-1.txt"),
    (File(Inline(b64(b"words"), "image/png"), path=FIELD), "file", "text/plain", "file-1.txt"),
    (File(Inline(b64(b"PK\3\4"), "application/x-own"), "x", path=FIELD), "file", "application/x-own", "x"),
    (File(Inline(b64(b"\0\1\2"), "text/plain"), path=FIELD), "file", "application/octet-stream", "file-1.bin"),
    (File(Inline(b64(b"\0\1\2"), "evil\r\nx/y"), path=FIELD), "file", "application/octet-stream", "file-1.bin"),
    (File(Inline(b64(png(1, 1)), "application/pdf"), path=FIELD), "image", "image/png", "image-1.png"),
    (File(Inline(b64(WAV), "audio/mp3"), kind="audio", path=FIELD), "audio", "audio/wav", "audio-1.wav"),
    (File(Inline(b64(MP3), "audio/wav"), path=FIELD), "audio", "audio/mpeg", "audio-1.mp3"),
    (File(Inline(b64(b"x")), "n" * 300 + ".tar", path=FIELD), "file", "text/plain", "n" * 116 + ".tar"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "kind", "mime", "name"), FILES)
async def test_a_file_has_a_type_that_is_true_and_a_name_that_is_safe(
    part: File, kind: str, mime: str, name: str
) -> None:
    (file,) = await attached(part)
    assert (file.kind, file.mime, file.name) == (kind, mime, name)


REFUSED: list[tuple[Part, str]] = [
    (Image(Inline("AA=A"), path=FIELD), "invalid_base64"),
    (Image(Inline("AAA"), path=FIELD), "invalid_base64"),
    (Image(Inline(""), path=FIELD), "empty_file"),
    (Image(Inline("data:image/png;base64,", "image/png", 22), path=FIELD), "empty_file"),
    (inline(b"<html>"), "invalid_image"),
    (inline(PDF), "invalid_image"),
    (inline(b"\0\0\0\x20ftypavif\0\0\0\0"), "invalid_image"),
    (inline(b"hello"), "invalid_image"),
    (inline(b"\x89PNG\r\n\x1a\n"), "invalid_image"),
    (inline(png(0, 0)), "invalid_image"),
    (File(Inline(b64(png(1, 1))), kind="audio", path=FIELD), "invalid_audio"),
    (File(Inline(""), path=FIELD), "empty_file"),
    (File(file_id="file-1", path=FIELD), "unsupported_parameter"),
]


@pytest.mark.parametrize(("part", "code"), REFUSED)
async def test_what_is_no_such_file_is_a_400_that_names_the_field(part: Part, code: str) -> None:
    problem = await refused(part)
    assert (problem.kind, problem.code, problem.param) == (Kind.INVALID, code, FIELD)


@pytest.mark.parametrize("data", [b"", b"<!doctype html>", b"{}", PDF])
async def test_what_was_fetched_is_judged_in_the_same_way(data: bytes) -> None:
    problem = await refused(Image("https://example.org/a.png", path=FIELD), fetch=FakeFetch(**{"a.png": data}))
    assert (problem.kind, problem.param) == (Kind.INVALID, FIELD)


async def test_the_same_content_has_the_same_name_wherever_it_is() -> None:
    files = await attached(inline(png(1, 1)), inline(png(2, 2)), inline(png(1, 1)), inline(png(3, 3)))
    assert [file.name for file in files] == ["image-1.png", "image-2.png", "image-1.png", "image-3.png"]


async def test_too_many_different_files_are_refused_and_equal_ones_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "MOST", 8)
    assert len(await attached(*[inline(png(1, 1))] * 9)) == 9
    problem = await refused(*(inline(png(size, 1), path=f"field.{size}") for size in range(1, 10)))
    assert (problem.kind, problem.code, problem.param) == (Kind.INVALID, "too_many_files", "field.9")
    fetch = FakeFetch()
    problem = await refused(*(Image(f"https://example.org/{n}", path=f"field.{n}") for n in range(9)), fetch=fetch)
    assert (problem.code, problem.param, fetch.asked) == ("too_many_files", "field.8", [])


async def test_files_are_bounded_each_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    big = png(1, 1) + bytes(32 * MIB)
    problem = await refused(inline(big))
    assert (problem.kind, problem.code) == (Kind.TOO_LARGE, "file_too_large")
    problem = await refused(Image("https://example.org/a.png", path=FIELD), fetch=FakeFetch(**{"a.png": big}))
    assert (problem.kind, problem.code) == (Kind.TOO_LARGE, "file_too_large")
    monkeypatch.setattr(attaching, "MAX_TOTAL", 2000)
    parts = [inline(png(size, 1) + bytes(600), path=f"field.{size}") for size in range(1, 4)]
    problem = await refused(*parts)
    assert (problem.kind, problem.param) == (Kind.TOO_LARGE, "field.3")
    fetch = FakeFetch(**{f"{size}.png": png(size, 1) + bytes(600) for size in range(1, 4)})
    problem = await refused(*(Image(f"https://example.org/{n}.png", path=f"field.{n}") for n in (1, 2, 3)), fetch=fetch)
    assert problem.kind is Kind.TOO_LARGE
    assert fetch.under_way == 0


async def test_M2_what_is_fetched_is_counted_until_the_request_ends() -> None:
    budget = Budget(lambda: 3 * MIB)
    fetch = FakeFetch(**{"a.png": png(1, 1) + bytes(2 * MIB)})
    asked = request(Image("https://example.org/a.png", path=FIELD))
    async with attacher(fetch, budget).attached(asked):
        assert budget.held > 2 * MIB
        with pytest.raises(Refusal) as caught:
            async with attacher(fetch, budget).attached(asked):
                pass
        assert caught.value.problem.kind is Kind.UNAVAILABLE
        assert caught.value.problem.retry_after
        assert budget.held < 3 * MIB
    assert budget.held == 0


async def test_a_request_without_files_is_left_as_it_is() -> None:
    asked = request()
    async with attacher().attached(asked) as ready:
        assert ready is asked
