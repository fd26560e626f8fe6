"""Pictures and files in requests, in every dialect, through the whole gateway to the console."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from asking import CONSOLE, DIALECTS, WEB, ask, whole_text
from files import JPEG, MP4, PDF, WAV, b64, data_uri, png
from rig import CHAT, MESSAGES, RESPONSES, Rig, rigged

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)

PICTURE = png(4, 3)
LOCAL = {"media.url_fetch.allow_private": True}


def image(dialect: str, url: str) -> dict[str, Any]:
    """A picture by URL or data URI, as the dialect's clients send it."""
    if dialect == "chat":
        return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
    if dialect == "responses":
        return {"type": "input_image", "image_url": url, "detail": "low"}
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        media_type = head.removeprefix("data:").removesuffix(";base64")
        return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
    return {"type": "image", "source": {"type": "url", "url": url}}


def text(dialect: str, words: str) -> dict[str, Any]:
    return {"type": "input_text" if dialect == "responses" else "text", "text": words}


def asking(dialect: str, *parts: dict[str, Any], model: str = CONSOLE, **more: Any) -> dict[str, Any]:
    body = ask(dialect, model=model, **{"stream": False, **more})
    body["input" if dialect == "responses" else "messages"] = [{"role": "user", "content": list(parts)}]
    return body


#: Where the picture of `image` is, when it is the second part of the first message.
def field(dialect: str, *, data: bool) -> str:
    return {
        "chat": "messages.0.content.1.image_url.url",
        "responses": "input.0.content.1.image_url",
        "messages": f"messages.0.content.1.source.{'data' if data else 'url'}",
    }[dialect]


def shown(rig: Rig) -> list[dict[str, Any]]:
    """The parts of the user's message as the console got them."""
    return next(item["content"] for item in rig.world.journal.chats[-1].body["input"] if item.get("role") == "user")


@every_dialect
@pytest.mark.parametrize("stream", [False, True])
async def test_an_inline_picture_reaches_the_model(tmp_path: Path, dialect: str, stream: bool) -> None:
    async with rigged(tmp_path) as rig:
        rig.world.on(script="A dog.")
        body = asking(dialect, text(dialect, "What?"), image(dialect, data_uri("image/png", PICTURE)), stream=stream)
        status, headers, answer = await rig.post(DIALECTS[dialect], body)
        assert status == 200
        assert "x-grok2api-ignored" not in headers
        if not stream:
            assert whole_text(dialect, json.loads(answer)) == "A dog."
        words, picture = shown(rig)
        assert words == {"type": "input_text", "text": "What?"}
        detail = {} if dialect == "messages" else {"detail": "low"}
        assert picture == {"type": "input_image", "image_url": data_uri("image/png", PICTURE), **detail}


async def test_documents_are_files_or_words(tmp_path: Path) -> None:
    pdf = {"type": "input_file", "filename": "a.pdf", "file_data": data_uri("application/pdf", PDF)}
    notes = {"type": "input_text", "text": "The file n.txt:\n\nGrüße"}
    source = {"type": "base64", "media_type": "application/pdf", "data": b64(PDF)}
    parts = {
        "chat": [
            {"type": "file", "file": {"filename": "a.pdf", "file_data": data_uri("application/pdf", PDF)}},
            {"type": "file", "file": {"filename": "n.txt", "file_data": b64("Grüße".encode())}},
        ],
        "responses": [
            {"type": "input_file", "filename": "a.pdf", "file_data": b64(PDF)},
            {"type": "input_file", "filename": "n.txt", "file_data": data_uri("text/plain", "Grüße".encode())},
        ],
        "messages": [
            {"type": "document", "title": "a.pdf", "source": source},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}},
        ],
    }
    async with rigged(tmp_path) as rig:
        for dialect, given in parts.items():
            status, _, answer = await rig.post(DIALECTS[dialect], asking(dialect, text(dialect, "?"), *given))
            assert status == 200, answer
            _, first, second = shown(rig)
            assert first == pdf
            assert second == (notes if dialect != "messages" else {"type": "input_text", "text": "Grüße"})


async def test_pictures_in_tool_results_reach_the_model(tmp_path: Path) -> None:
    """Claude Code reads a picture with its own tool; Codex looks at one with view_image."""
    uri = data_uri("image/png", PICTURE)
    claude = asking("messages", text("messages", "Look at dog.png"))
    claude["messages"] += [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Read", "input": {"p": "dog.png"}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [image("messages", uri)]}],
        },
    ]
    codex = asking("responses", text("responses", "Look at dog.png"))
    codex["input"] += [
        {"type": "function_call", "call_id": "t1", "name": "view_image", "arguments": '{"p":"dog.png"}'},
        {"type": "function_call_output", "call_id": "t1", "output": [image("responses", uri)]},
    ]
    async with rigged(tmp_path) as rig:
        for path, body in ((MESSAGES, claude), (RESPONSES, codex)):
            status, _, answer = await rig.post(path, body)
            assert status == 200, answer
            *_, output, behind = rig.world.journal.chats[-1].body["input"]
            assert (output["type"], output["call_id"]) == ("function_call_output", "t1")
            assert behind["role"] == "user"
            assert behind["content"][1]["image_url"] == uri


@pytest.mark.parametrize(("model", "sent"), [(WEB, 8), (CONSOLE, 30)])
async def test_a_session_full_of_screenshots_goes_on(tmp_path: Path, model: str, sent: int) -> None:
    body = asking("messages", text("messages", "Look around."), model=model)
    for number in range(30):
        screenshot = image("messages", data_uri("image/png", png(number + 1, 1)))
        call = {"type": "tool_use", "id": f"t{number}", "name": "look", "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": [screenshot]}
        body["messages"] += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    async with rigged(tmp_path) as rig:
        status, headers, answer = await rig.post(MESSAGES, body)
        assert status == 200, answer
        chat = rig.world.journal.chats[-1].body
        if model == CONSOLE:
            shown_files = [part for item in chat["input"] for part in item.get("content", ()) if "image_url" in part]
            assert len(shown_files) == sent
            assert "x-grok2api-ignored" not in headers
        else:
            assert len(chat["fileAttachments"]) == sent
            assert chat["message"].count("is left out here") == 30 - sent
            assert "messages.2.content.0.content.0" in headers["x-grok2api-ignored"]


async def test_the_sdks_send_pictures(tmp_path: Path) -> None:
    uri = data_uri("image/jpeg", JPEG)
    async with rigged(tmp_path) as rig:
        rig.world.on(script="A dog.")
        chat: Any = [{"role": "user", "content": [text("chat", "?"), image("chat", uri)]}]
        answer = await rig.openai.chat.completions.create(model=CONSOLE, messages=chat)
        assert answer.choices[0].message.content == "A dog."
        items: Any = [{"role": "user", "content": [text("responses", "?"), image("responses", uri)]}]
        response = await rig.openai.responses.create(model=CONSOLE, input=items)
        assert response.output_text == "A dog."
        blocks: Any = [{"role": "user", "content": [text("messages", "?"), image("messages", uri)]}]
        async with rig.anthropic.messages.stream(model=CONSOLE, max_tokens=99, messages=blocks) as stream:
            assert await stream.get_final_text() == "A dog."
        counted = await rig.anthropic.messages.count_tokens(model=CONSOLE, messages=blocks)
        assert counted.input_tokens > 0
        seen = [entry.body["input"][0]["content"][1]["image_url"] for entry in rig.world.journal.chats]
        assert seen == [uri, uri, uri]


class Elsewhere:
    """Somebody's web server. `requests` is every request that arrived."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.files: dict[str, bytes] = {"/dog.png": PICTURE, "/page.png": b"<!doctype html>", "/empty.png": b""}
        self.hold = asyncio.Event()
        self.arrived = asyncio.Event()
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        self.arrived.set()
        if request.path == "/hold.png":
            await self.hold.wait()
        if request.path == "/inside.png":
            return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
        data = self.files.get(request.path)
        return web.Response(status=404) if data is None else web.Response(body=data, content_type="text/plain")


@asynccontextmanager
async def elsewhere() -> AsyncIterator[Elsewhere]:
    server = Elsewhere()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.hold.set()
        await runner.cleanup()


@every_dialect
async def test_a_picture_by_url_is_fetched_without_anything_of_the_account_and_sent_inline(
    tmp_path: Path, dialect: str
) -> None:
    async with elsewhere() as web_server, rigged(tmp_path, settings=LOCAL) as rig:
        picture = image(dialect, f"{web_server.url}/dog.png")
        body = asking(dialect, text(dialect, "What?"), picture, picture)
        status, _, answer = await rig.post(DIALECTS[dialect], body, authorization="Bearer of-the-client")
        assert status == 200, answer
        assert [part["image_url"] for part in shown(rig)[1:]] == [data_uri("image/png", PICTURE)] * 2
        (request,) = web_server.requests
        assert {name.lower() for name in request.headers} == {
            "host", "user-agent", "accept", "accept-encoding", "connection"
        }  # fmt: skip


@every_dialect
async def test_I4_a_url_that_leads_inside_is_a_400_and_nobody_is_asked(tmp_path: Path, dialect: str) -> None:
    async with elsewhere() as web_server, rigged(tmp_path) as rig:
        port = web_server.url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:7f00:1]", "user@127.0.0.1"):
            url = f"http://{host}:{port}/dog.png"
            for stream in (False, True):
                body = asking(dialect, text(dialect, "?"), image(dialect, url), stream=stream)
                status, headers, answer = await rig.post(DIALECTS[dialect], body)
                error = json.loads(answer)["error"]
                assert status == 400
                assert error["message"].startswith(field(dialect, data=False))
                assert headers["x-should-retry"] == "false"
                if dialect != "messages":
                    assert (error["param"], error["code"]) == (field(dialect, data=False), "url_not_allowed")
        assert web_server.requests == []
        assert not rig.world.journal.chats


@pytest.mark.parametrize("path", ["/page.png", "/empty.png", "/missing.png", "/inside.png"])
async def test_what_is_no_picture_at_its_url_is_a_400_that_names_the_field(tmp_path: Path, path: str) -> None:
    async with elsewhere() as web_server, rigged(tmp_path, settings=LOCAL) as rig:
        body = asking("chat", text("chat", "?"), image("chat", web_server.url + path))
        status, _, answer = await rig.post(CHAT, body)
        assert (status, json.loads(answer)["error"]["param"]) == (400, field("chat", data=False))
        assert not rig.world.journal.chats


BAD: list[tuple[str, str, dict[str, Any], str, int]] = [
    ("chat", WEB, {"type": "image_url", "image_url": {}}, "messages.0.content.1.image_url.url", 400),
    ("chat", WEB, {"type": "image_url"}, "messages.0.content.1.image_url", 400),
    ("chat", WEB, {"type": "image_url", "image_url": {"url": 5}}, "messages.0.content.1.image_url.url", 400),
    ("chat", WEB, {"type": "image_url", "image_url": {"url": "dog.png"}}, "messages.0.content.1.image_url.url", 400),
    ("chat", WEB, {"type": "image_url", "image_url": "data:image/png,x"}, "messages.0.content.1.image_url", 400),
    ("chat", CONSOLE, image("chat", "data:image/png;base64,AAA"), "messages.0.content.1.image_url.url", 400),
    ("chat", CONSOLE, image("chat", "data:image/png;base64,"), "messages.0.content.1.image_url.url", 400),
    ("chat", CONSOLE, image("chat", data_uri("image/png", PDF)), "messages.0.content.1.image_url.url", 400),
    ("chat", CONSOLE, image("chat", data_uri("image/png", MP4)), "messages.0.content.1.image_url.url", 400),
    ("chat", CONSOLE, {"type": "file", "file": {"file_id": "file-1"}}, "messages.0.content.1.file.file_id", 400),
    ("chat", CONSOLE, {"type": "file", "file": {}}, "messages.0.content.1.file.file_data", 400),
    ("chat", CONSOLE, {"type": "file", "file": {"file_data": "A"}}, "messages.0.content.1.file.file_data", 400),
    ("chat", CONSOLE, {"type": "input_audio", "input_audio": {"data": b64(WAV), "format": "wav"}},
     "messages.0.content.1.input_audio.data", 400),
    ("chat", CONSOLE, image("chat", data_uri("image/png", PICTURE + bytes(33 << 20))),
     "messages.0.content.1.image_url.url", 413),
    ("responses", CONSOLE, {"type": "input_image"}, "input.0.content.1.image_url", 400),
    ("responses", CONSOLE, {"type": "input_image", "file_id": "f"}, "input.0.content.1.file_id", 400),
    ("responses", CONSOLE, image("responses", "data:image/png;base64,A-_="), "input.0.content.1.image_url", 400),
    ("responses", CONSOLE, {"type": "input_file", "file_url": "ftp://x/y"}, "input.0.content.1.file_url", 400),
    ("responses", CONSOLE, {"type": "input_file", "file_id": "f"}, "input.0.content.1.file_id", 400),
    ("messages", CONSOLE, {"type": "image", "source": {"type": "base64", "data": "AA=A"}},
     "messages.0.content.1.source.data", 400),
    ("messages", CONSOLE, {"type": "image", "source": {"type": "base64"}}, "messages.0.content.1.source.data", 400),
    ("messages", CONSOLE, {"type": "image", "source": {"type": "file", "file_id": "f"}},
     "messages.0.content.1.source.file_id", 400),
    ("messages", CONSOLE, {"type": "image", "source": {"type": "smell"}}, "messages.0.content.1.source.type", 400),
    ("messages", CONSOLE, {"type": "document", "source": {"type": "url", "url": "x"}},
     "messages.0.content.1.source.url", 400),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "model", "part", "param", "status"), BAD, ids=lambda value: str(value)[:40])
async def test_a_bad_file_is_refused_by_the_name_of_its_field(
    tmp_path: Path, dialect: str, model: str, part: dict[str, Any], param: str, status: int
) -> None:
    async with rigged(tmp_path) as rig:
        body = json.dumps(asking(dialect, text(dialect, "?"), part, model=model)).encode()
        got, headers, answer = await rig.post(DIALECTS[dialect], body)
        error = json.loads(answer)["error"]
        assert got == status, answer
        assert param in error["message"]
        if dialect != "messages":
            assert error["param"] == param
        assert headers["x-should-retry"] == "false"
        assert not rig.world.journal.chats
        await rig.settled()


async def test_S13_a_client_that_leaves_while_its_picture_is_fetched_ends_the_fetch(tmp_path: Path) -> None:
    async with elsewhere() as web_server, rigged(tmp_path, settings=LOCAL) as rig:
        body = asking("chat", text("chat", "?"), image("chat", f"{web_server.url}/hold.png"), stream=True)
        task = asyncio.ensure_future(rig.post(CHAT, body))
        await web_server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(1):
            while rig.app.state.active:
                await asyncio.sleep(0.002)
        assert not rig.world.journal.chats
        await rig.settled()


async def test_n_answers_share_one_fetch(tmp_path: Path) -> None:
    async with elsewhere() as web_server, rigged(tmp_path, settings=LOCAL) as rig:
        body = asking("chat", text("chat", "?"), image("chat", f"{web_server.url}/dog.png"), n=3)
        status, _, answer = await rig.post(CHAT, body)
        assert (status, len(json.loads(answer)["choices"])) == (200, 3)
        assert len(web_server.requests) == 1
        assert len(rig.world.journal.chats) == 3


async def test_M2_too_many_large_bodies_at_once_are_a_503_and_room_comes_back(tmp_path: Path) -> None:
    settings = {"server.large_bodies_mb": 2}
    large = json.dumps(asking("chat", text("chat", "x" * 1_500_000))).encode()
    async with rigged(tmp_path, settings=settings) as rig:
        rig.world.on(fault="silent=30")
        first = asyncio.ensure_future(rig.post(CHAT, large))
        await rig.world.journal.wait(lambda entry: entry.endpoint == "console")
        status, headers, answer = await rig.post(CHAT, large)
        assert (status, json.loads(answer)["error"]["code"]) == (503, "too_many_large_requests")
        assert int(headers["retry-after"]) >= 1
        rig.world.scenarios.clear()
        status, _, _ = await rig.post(CHAT, asking("chat", text("chat", "small")))
        assert status == 200
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        async with asyncio.timeout(1):
            while rig.app.state.active:
                await asyncio.sleep(0.002)
        status, _, _ = await rig.post(CHAT, large)
        assert status == 200


async def test_I1_a_stored_film_plays_without_a_key_and_seeks(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"app.api_key": ["secret-key"]}) as rig:
        data = MP4 + bytes(range(256)) * 8000
        file = await rig.app.media.store_bytes("video", data)
        url = f"{rig.url}/v1/files/video?id={file.id}"
        async with rig.http.get(url) as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "video/mp4", data)
        async with rig.http.get(url, headers={"Range": "bytes=1000000-"}) as answer:
            assert (answer.status, await answer.read()) == (206, data[1_000_000:])
        async with rig.http.head(url) as answer:
            assert answer.headers["content-length"] == str(len(data))
        async with rig.http.get(f"{rig.url}/v1/files/video?id=../../etc/passwd") as answer:
            assert answer.status == 400
        async with rig.http.get(f"{rig.url}/v1/files/image?id={file.id}") as answer:
            assert answer.status == 404
