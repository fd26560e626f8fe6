"""The files of accounts at grok.com: sent, listed, deleted, and results fetched.

Results are checked before their first byte is handed on: what is dead, empty, too large, or a page instead of a file is
a `Refusal`, so that nothing of the kind is ever taken for a picture or a film. The account's cookie goes to the
configured host of account files only.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.media import Artifact
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, Http, HttpAnswer, TransportError
from grok2api.upstreams.grok_web import assets_wire, media_post_wire
from grok2api.upstreams.grok_web.asking import Pace, whole
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.upload_wire import read_upload, upload_call
from grok2api.upstreams.grok_web.users import Users
from grok2api.upstreams.media import Asset, FileRef

_MOST_PAGES = 1000


class GrokFiles:
    """Keeps files for accounts. `new_id` tells a new UUID."""

    def __init__(self, http: Http, users: Users, options: Callable[[], WebOptions], new_id: Callable[[], str]) -> None:
        self._http = http
        self._users = users
        self._options = options
        self._new_id = new_id
        self._uploading = 0
        self._room = asyncio.Condition()

    async def upload(self, credential: Credential, file: Attachment, *, imagine: bool = False) -> FileRef:
        """Send a file, for a chat or to `imagine` with; the reference is good for this account only."""
        options = self._options()
        async with self._turn(options.media.uploads_at_once):
            call = upload_call(file, credential, options, self._new_id(), imagine=imagine)
            body = await whole(self._http, call, options.media.upload_timeout)
        reference = read_upload(body, options)
        if reference.url:
            return reference
        user_id = await self._users.id_of(credential, options, self._new_id())
        return FileRef(reference.id, assets_wire.user_content_url(user_id, reference.id, options))

    async def assets(self, credential: Credential) -> list[Asset]:
        """All files of an account, page after page; a page that repeats is the last."""
        options = self._options()
        found: dict[str, Asset] = {}
        token, seen = "", {""}
        for _ in range(_MOST_PAGES):
            call = assets_wire.list_call(token, credential, options, self._new_id())
            page = assets_wire.read_page(await whole(self._http, call, options.media.list_timeout))
            found |= {asset.id: asset for asset in page.assets}
            token = page.following
            if token in seen:
                break
            seen.add(token)
        return list(found.values())

    async def delete_asset(self, credential: Credential, asset_id: str) -> None:
        """Delete one; one that is not there counts as deleted."""
        options = self._options()
        call = assets_wire.delete_call(asset_id, credential, options, self._new_id())
        try:
            await whole(self._http, call, options.media.delete_timeout)
        except Refusal as refusal:
            if refusal.problem.kind is not Kind.NOT_FOUND:
                raise

    async def share(self, credential: Credential, post_id: str) -> Artifact:
        """Make the film of a post public: from then on it opens for everybody, without a cookie."""
        options = self._options()
        call = media_post_wire.share_call(post_id, credential, options, self._new_id())
        media_post_wire.read_share(await whole(self._http, call, options.media.list_timeout))
        url = media_post_wire.shared_film_url(post_id, options)
        return assets_wire.artifact_at(url, "video", post_id, options)

    def locate(self, url: str, kind: Literal["image", "video"], ident: str) -> Artifact:
        """The result that an answer names by a URL."""
        return assets_wire.artifact_at(url, kind, ident, self._options())

    @asynccontextmanager
    async def download(self, credential: Credential, artifact: Artifact) -> AsyncIterator["Fetched"]:
        """Fetch a result; the context begins when its first bytes are here and are no page."""
        options = self._options()
        call = assets_wire.download_call(artifact, credential, options)
        limit = options.media.largest_video if artifact.kind == "video" else options.media.largest_image
        pace = Pace(options.media.download_timeout)
        async with AsyncExitStack() as stack:
            answer = await pace.enter(stack, self._http.send(call))
            if answer.status != 200:
                raise Refusal(await _refused(answer, bound="Cookie" in call.headers))
            mime = assets_wire.checked_type(artifact.kind, artifact.url, answer.headers)
            fetched = Fetched(mime, assets_wire.checked_length(answer.headers, limit), answer.chunks(), limit, pace)
            await fetched.begin()
            yield fetched

    @asynccontextmanager
    async def _turn(self, at_once: int) -> AsyncIterator[None]:
        """Wait until fewer than so many are under way."""
        async with self._room:
            await self._room.wait_for(lambda: self._uploading < at_once)
            self._uploading += 1
        try:
            yield
        finally:
            self._uploading -= 1
            async with self._room:
                self._room.notify()


class Fetched:
    """A result on its way. mime: what the host calls it. length: how long it says it is, if it says so."""

    def __init__(self, mime: str, length: int | None, source: AsyncIterator[bytes], limit: int, pace: Pace) -> None:
        self.mime = mime
        self.length = length
        self._source = source
        self._limit = limit
        self._pace = pace
        self._first = b""

    async def begin(self) -> None:
        """Read the first bytes. Raises `Refusal` when there are none, or when they are those of a page."""
        while not self._first.strip():
            piece = await self._next()
            if piece is None:
                raise Refusal(assets_wire.empty())
            self._first += piece
        assets_wire.checked_beginning(self._first)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The file. Raises `Refusal` when it grows too large, `TransportError` when it breaks off."""
        piece: bytes | None = self._first
        size = 0
        while piece is not None:
            size += len(piece)
            if size > self._limit:
                raise Refusal(assets_wire.too_large(self._limit))
            yield piece
            piece = await self._next()

    async def _next(self) -> bytes | None:
        try:
            return await self._pace.wait(anext(self._source))
        except StopAsyncIteration:
            return None


async def _refused(answer: HttpAnswer, *, bound: bool) -> Problem:
    try:
        body = await answer.head()
    except TransportError:
        body = b""
    return assets_wire.refused_download(answer.status, answer.headers, body, bound=bound)
