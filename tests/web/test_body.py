"""Reading bodies: bounded, unpacked, in every cut."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from grok2api.canonical.problem import Kind, Refusal
from grok2api.media.budget import SMALL, Budget
from grok2api.web.asgi import Gone, Message, Receive
from grok2api.web.body import read_body


def arriving(body: bytes, step: int) -> Receive:
    pieces = [body[at : at + step] for at in range(0, len(body), step)] or [b""]
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages[-1]["more_body"] = False
    feed = iter(messages)

    async def receive() -> Message:
        return next(feed)

    return receive


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize("encoding", PACKERS)
async def test_C10_compressed_bodies_are_read(encoding: str, step: int) -> None:
    body = b'{"model": "x"}' * 50
    packed = PACKERS[encoding](body)
    assert await read_body(arriving(packed, step), {"content-encoding": encoding}, 10_000) == body


async def test_C10_raw_deflate_and_chained_encodings_are_read() -> None:
    body = b"hello " * 50
    assert await read_body(arriving(raw_deflate(body), 9), {"content-encoding": "deflate"}, 10_000) == body
    packed = gzip.compress(brotli.compress(body))
    assert await read_body(arriving(packed, 9), {"content-encoding": "br, gzip"}, 10_000) == body


@pytest.mark.parametrize("encoding", PACKERS)
async def test_Z6_a_compression_bomb_is_refused_by_the_limit(encoding: str) -> None:
    bomb = PACKERS[encoding](bytes(50_000_000))
    with pytest.raises(Refusal) as refused:
        await read_body(arriving(bomb, 65536), {"content-encoding": encoding}, 1_000_000)
    assert refused.value.problem.kind is Kind.TOO_LARGE


@pytest.mark.parametrize("encoding", PACKERS)
@pytest.mark.parametrize("cut", [0, 5, -1])
async def test_Z6_broken_compression_is_a_400(encoding: str, cut: int) -> None:
    packed = PACKERS[encoding](b"some text that is long enough to pack " * 20)
    with pytest.raises(Refusal) as refused:
        await read_body(arriving(packed[:cut], 65536), {"content-encoding": encoding}, 1_000_000)
    assert refused.value.problem.kind is Kind.INVALID


async def test_an_unknown_encoding_is_a_415() -> None:
    with pytest.raises(Refusal) as refused:
        await read_body(arriving(b"x", 1), {"content-encoding": "lzma"}, 100)
    assert refused.value.problem.kind is Kind.MEDIA_TYPE


@pytest.mark.parametrize("headers", [{}, {"content-length": "101"}])
async def test_a_body_over_the_limit_is_a_413(headers: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        await read_body(arriving(bytes(101), 10), headers, 100)
    assert refused.value.problem.kind is Kind.TOO_LARGE


async def test_a_client_that_leaves_while_sending_is_gone() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(Gone):
        await read_body(receive, {}, 100)


@pytest.mark.parametrize("announced", [False, True])
async def test_M2_a_body_is_counted_as_it_arrives_and_refused_when_there_is_no_room(announced: bool) -> None:
    budget = Budget(lambda: 4 * SMALL)
    body = bytes(3 * SMALL)
    headers = {"content-length": str(len(body))} if announced else {}
    taken: list[int] = []

    def counted(receive: Receive) -> Receive:
        async def receive_one() -> Message:
            taken.append(1)
            return await receive()

        return receive_one

    with budget.share() as first, budget.share() as second:
        assert await read_body(arriving(body, SMALL // 4), headers, 10**9, first) == body
        assert budget.held == len(body)
        with pytest.raises(Refusal) as refused:
            await read_body(counted(arriving(body, SMALL // 4)), headers, 10**9, second)
        assert refused.value.problem.kind is Kind.UNAVAILABLE
        assert (len(taken) == 0) is announced, "what is announced is refused before it is read"
    assert budget.held == 0


async def test_M2_what_was_packed_is_counted_by_what_it_comes_to() -> None:
    budget = Budget(lambda: 1 << 40)
    body = bytes(3 * SMALL)
    with budget.share() as share:
        await read_body(arriving(gzip.compress(body), 100), {"content-encoding": "gzip"}, 10**9, share)
        assert budget.held == len(body)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "Text/Plain;charset=UTF-8", "application/x-www-form-urlencoded"]
)
async def test_a_page_cannot_send_what_its_browser_would_not_ask_about(content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert await read_body(arriving(b"{}", 2), headers, 10) == b"{}"
    with pytest.raises(Refusal) as refused:
        await read_body(arriving(b"{}", 2), {**headers, "origin": "https://evil.example"}, 10)
    assert refused.value.problem.kind is Kind.MEDIA_TYPE
    json = {"content-type": "application/json; charset=utf-8", "origin": "https://chat.example"}
    assert await read_body(arriving(b"{}", 2), json, 10) == b"{}"


async def test_a_page_cannot_send_a_form_that_its_browser_would_not_ask_about() -> None:
    form = {"content-type": "multipart/form-data; boundary=x"}
    page = {**form, "origin": "https://evil.example"}
    for headers in (page, {**page, "authorization": "Basic YTpi"}):
        with pytest.raises(Refusal) as refused:
            await read_body(arriving(b"{}", 2), headers, 10)
        assert refused.value.problem.kind is Kind.MEDIA_TYPE
    for headers in (form, {**page, "authorization": "Bearer any"}, {**page, "x-api-key": "any"}):
        assert await read_body(arriving(b"{}", 2), headers, 10) == b"{}"
