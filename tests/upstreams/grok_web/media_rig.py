"""The media adapters of grok.com over real connections, in front of the simulator."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from files import plain_file
from grok2api.canonical.media import Artifact, Checkpoint, Made, MediaFact, MediaRequest
from grok2api.catalog import BY_NAME
from grok2api.simulator.app import Running
from grok2api.transport.egress import TransportOptions
from grok2api.transport.lean import LeanHttp
from grok2api.transport.websocket import AioSockets
from grok2api.upstreams.base import Credential
from grok2api.upstreams.grok_web.files_adapter import GrokFiles
from grok2api.upstreams.grok_web.media_adapter import GrokMedia
from grok2api.upstreams.grok_web.options import MediaOptions, WebOptions
from grok2api.upstreams.grok_web.users import Users
from grok2api.upstreams.media import FileRef, MediaTask

ME, OTHER = Credential("a-1", "demo-super-1"), Credential("a-2", "demo-super-2")
LITE, IMAGE, PRO = "grok-imagine-image-lite", "grok-imagine-image", "grok-imagine-image-pro"
EDIT, VIDEO = "grok-imagine-image-edit", "grok-imagine-video"


class Grok(NamedTuple):
    """Both adapters, the options they were given, and the simulator behind them."""

    media: GrokMedia
    files: GrokFiles
    options: WebOptions
    sim: Running


def options_for(url: str, **media: Any) -> WebOptions:
    """Settings that point at a simulator; patience is short, because nothing here takes long."""
    given = {"public_url": f"{url}/public", "goodbye_sec": 0.25, "image_timeout": 5.0, "video_timeout": 5.0, **media}
    return WebOptions(base_url=url, assets_url=url, media=MediaOptions(**given), soft_stop_grace_sec=0.1)


@asynccontextmanager
async def connected(running: Running, **media: Any) -> AsyncIterator[Grok]:
    """The adapters with connections of their own."""
    options = options_for(running.url, **media)
    http, sockets = LeanHttp(TransportOptions), AioSockets(TransportOptions)
    users = Users(http)

    def new_id() -> str:
        return str(uuid.uuid4())

    try:
        maker = GrokMedia(http, sockets, users, lambda: options, lambda: 1_767_225_600.0, new_id)
        yield Grok(maker, GrokFiles(http, users, lambda: options, new_id), options, running)
    finally:
        await sockets.close()
        await http.close()


async def make(
    grok: Grok,
    request: MediaRequest,
    model: str = IMAGE,
    who: Credential = ME,
    references: tuple[FileRef, ...] = (),
    checkpoint: Checkpoint = Checkpoint(),  # noqa: B008 - frozen
) -> list[MediaFact]:
    """The facts of one run."""
    task = MediaTask(
        request=request, model=BY_NAME[model], credential=who, references=references, checkpoint=checkpoint
    )
    batches = [batch async for batch in grok.media.make(task)]
    assert all(batches), "an empty batch tells nothing"
    return [fact for batch in batches for fact in batch]


async def sent(grok: Grok, count: int = 1, who: Credential = ME) -> tuple[FileRef, ...]:
    """Fresh files of the account."""
    files = [plain_file(f"{number}.png", "image/png", b"\x89PNG %d" % number) for number in range(count)]
    return tuple([await grok.files.upload(who, file, imagine=True) for file in files])


async def fetch(grok: Grok, artifact: Artifact, who: Credential = ME) -> bytes:
    """The file of a result."""
    async with grok.files.download(who, artifact) as download:
        return b"".join([piece async for piece in download.chunks()])


def artifacts(facts: list[MediaFact]) -> list[Artifact]:
    return [fact.artifact for fact in facts if isinstance(fact, Made)]
