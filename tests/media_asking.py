"""Asking the simulated grok.com for media, without the gateway: uploads, posts, edits, films, rounds of pictures."""

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from grok2api.simulator.app import Running
from simulated import Got, ask, cookie, post

PNG = b"\x89PNG\r\n\x1a\n not really"


async def upload(running: Running, data: bytes = PNG, token: str = "demo-super-1", name: str = "a.png") -> Got:
    """A file, in the older form."""
    body = {"fileName": name, "fileMimeType": "image/png", "content": base64.b64encode(data).decode()}
    return await post(f"{running.url}/rest/app-chat/upload-file", body, cookie(token))


async def upload_form(running: Running, data: bytes = PNG, token: str = "demo-super-1", **fields: str) -> Got:
    """A file, in the newer form."""
    form = aiohttp.FormData()
    form.add_field("file", data, filename="a.png", content_type="image/png")
    for key, value in fields.items():
        form.add_field(key, value)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{running.url}/http/upload-file-v2/direct", data=form, headers=cookie(token)) as answer,
    ):
        return Got(answer.status, answer.headers, await answer.read(), None)


async def create_post(running: Running, token: str = "demo-super-1", **body: str) -> Got:
    """A media post."""
    given = {"mediaType": "MEDIA_POST_TYPE_VIDEO", "prompt": "a cat", **body}
    return await post(f"{running.url}/rest/media/post/create", given, cookie(token))


async def converse(
    running: Running, name: str, prompt: str, config: dict[str, Any], token: str = "demo-super-1", **more: Any
) -> Got:
    """A conversation with a media model, in the older form."""
    kind = {"imagine-image-edit": "imageEditModelConfig", "imagine-video-gen": "videoGenModelConfig"}[name]
    override = {"modelConfigOverride": {"modelMap": {kind: config}}}
    body = {"modelName": name, "message": prompt, "responseMetadata": override, **more}
    return await post(f"{running.url}/rest/app-chat/conversations/new", body, cookie(token))


async def edit(running: Running, prompt: str = "Add a rainbow", token: str = "demo-super-1", **more: Any) -> Got:
    """An edit of one fresh upload."""
    uri = (await upload(running, token=token)).json["fileUri"]
    parent = (await create_post(running, token, mediaType="MEDIA_POST_TYPE_IMAGE")).json["post"]["id"]
    config = {"imageReferences": [f"https://assets.grok.com/{uri}"], "parentPostId": parent}
    return await converse(running, "imagine-image-edit", prompt, config, token, **more)


async def film(running: Running, prompt: str = "a cat", token: str = "demo-super-1", **config: Any) -> Got:
    """A film of six seconds, unless the config says otherwise."""
    if "parentPostId" not in config:
        config["parentPostId"] = (await create_post(running, token)).json["post"]["id"]
    whole = {"aspectRatio": "9:16", "videoLength": 6, "resolutionName": "720p", **config}
    return await converse(running, "imagine-video-gen", f"{prompt} --mode=custom", whole, token)


def frames(got: Got, member: str) -> list[dict[str, Any]]:
    """The values of one member in the frames of a body of lines."""
    responses = [line["result"].get("response", {}) for line in got.lines if "result" in line]
    return [response[member] for response in responses if member in response]


def drawn(got: Got) -> list[dict[str, Any]]:
    return frames(got, "streamingImageGenerationResponse")


def filmed(got: Got) -> list[dict[str, Any]]:
    return frames(got, "streamingVideoGenerationResponse")


async def fetched(running: Running, path: str, token: str | None = "demo-super-1") -> Got:
    """A file of the host of account files."""
    return await ask("GET", f"{running.url}/{path.removeprefix('/')}", cookie(token) if token else {})


@contextlib.asynccontextmanager
async def imagining(running: Running, token: str = "demo-super-1") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """An open imagine socket."""
    url = f"{running.url}/ws/imagine/listen"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=cookie(token)) as socket:
        yield socket


async def begin_round(socket: aiohttp.ClientWebSocketResponse, prompt: str = "a lighthouse", **properties: Any) -> None:
    """The two messages of a round."""
    wanted = {"aspect_ratio": "2:3", "enable_pro": False, "num_generations": 2, **properties}
    request = {"requestId": "r-1", "type": "input_text", "text": prompt, "properties": wanted}
    for content in ({"type": "reset"}, request):
        item = {"type": "message", "content": [content]}
        await socket.send_json({"type": "conversation.item.create", "timestamp": 1, "item": item})


async def round_of(
    socket: aiohttp.ClientWebSocketResponse, prompt: str = "a lighthouse", **properties: Any
) -> list[dict[str, Any]]:
    """The messages of a round, until all its slots are complete, an error, or the end of the socket."""
    await begin_round(socket, prompt, **properties)
    told: list[dict[str, Any]] = []
    started = completed = 0
    while not started or completed < started:
        message = await socket.receive(timeout=2)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return told
        told.append(json.loads(message.data))
        started += told[-1].get("current_status") == "start_stage"
        completed += told[-1].get("current_status") == "completed"
        if told[-1]["type"] == "error":
            return told
    return told
