"""`GET /v1/files/image?id=` and `GET /v1/files/video?id=`: stored media for browsers and players (I1).

Plain ASGI. No key is needed: who has an id was given it. A file is read off the loop, a little at a time, as fast as
the client takes it; when the client leaves, reading ends. What is named by its content never changes, so it may be kept
for ever.
"""

import asyncio
from collections.abc import Callable, Sequence
from email.utils import formatdate
from urllib.parse import parse_qs

from grok2api.canonical.problem import Kind as ProblemKind
from grok2api.canonical.problem import Problem, Refusal, invalid
from grok2api.media.disk import Reading
from grok2api.media.index import MediaFile
from grok2api.media.names import Kind, is_id
from grok2api.media.store import MediaStore
from grok2api.media.thumbnails import MIME, Thumbnails
from grok2api.transport.tasks import spawn
from grok2api.web.asgi import Headers, Receive, Scope, Send, answer_whole, headers_of, pack
from grok2api.web.options import State
from grok2api.web.problems import render, retry_headers
from grok2api.web.ranges import Span, Unsatisfiable, has_it, range_holds, wanted

#: Bytes read and sent at a time.
_STEP = 256 * 1024
#: Seconds in which a client must take them. A player that is paused comes back with a range.
_STALL_SEC = 120.0
_METHODS = ("GET", "HEAD")
#: May be kept for ever, shown on any page, and taken for nothing but what it is said to be.
_KEPT = (
    ("cache-control", "public, max-age=31536000, immutable"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("access-control-allow-origin", "*"),
)
_MISSING = Problem(
    kind=ProblemKind.NOT_FOUND, message="There is no such file here, or no longer", code="file_not_found", param="id"
)


class StoredFiles:
    """Gives stored files to clients."""

    def __init__(self, store: MediaStore, thumbnails: Thumbnails) -> None:
        self._store = store
        self._thumbnails = thumbnails

    async def give(
        self,
        kind: Kind,
        ident: str,
        scope: Scope,
        receive: Receive,
        send: Send,
        ids: Sequence[tuple[str, str]] = (),
        *,
        small: bool = False,
    ) -> None:
        """Answer with the file, or with its thumbnail. Raises `Refusal` before anything is sent."""
        if small:
            await self._small(kind, ident, scope["method"], send, ids)
            return
        found = await self._store.open(kind, ident)
        if found is None:
            raise Refusal(_MISSING)
        file, reading = found
        try:
            await _Answer(file, reading, headers_of(scope), ids, send).give(scope["method"], receive)
        except TimeoutError:
            return  # the client does not read; the server closes what is not whole
        finally:
            reading.close()

    async def _small(self, kind: Kind, ident: str, method: str, send: Send, ids: Sequence[tuple[str, str]]) -> None:
        data = await self._thumbnails.of(kind, ident)
        if data is None:
            raise Refusal(_MISSING)
        headers = [*_KEPT, *ids]
        await answer_whole(send, 200, b"" if method == "HEAD" else data, headers, MIME.encode())


class MediaRoute:
    """The endpoint of one kind of media."""

    def __init__(self, kind: Kind, files: StoredFiles, state: State, new_id: Callable[[str], str]) -> None:
        self._kind = kind
        self._files = files
        self._state = state
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        ids = [("x-request-id", self._new_id("req_"))]
        self._state.enter()
        try:
            ident, small = self._asked(scope)
            await self._files.give(self._kind, ident, scope, receive, send, ids, small=small)
        except Refusal as refusal:
            status, body = render(refusal.problem, scope["path"], headers, ids[0][1])
            body = b"" if scope["method"] == "HEAD" else body
            await answer_whole(send, status, body, [*ids, *retry_headers(status, refusal.problem)])
        finally:
            self._state.leave()

    def _asked(self, scope: Scope) -> tuple[str, bool]:
        """The id, and whether the thumbnail will do. Raises `Refusal`."""
        if scope["method"] not in _METHODS:
            message = f"{scope['path']} takes GET and HEAD"
            raise Refusal(Problem(kind=ProblemKind.METHOD, message=message, code="method_not_allowed", allow=_METHODS))
        try:
            values = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=16)
        except ValueError:
            values = {}
        given = values.get("id", [])
        if len(given) != 1 or not is_id(given[0]):
            raise invalid("id must be the id of a stored file: 16 to 36 of the characters 0-9, a-f and -", "id")
        return given[0], values.get("thumbnail") == ["1"]


class _Answer:
    """One file for one client."""

    def __init__(
        self, file: MediaFile, reading: Reading, headers: Headers, ids: Sequence[tuple[str, str]], send: Send
    ) -> None:
        self._file = file
        self._reading = reading
        self._headers = headers
        self._ids = ids
        self._send = send
        self._etag = f'"{file.id}"'

    async def give(self, method: str, receive: Receive) -> None:
        size = self._reading.size
        if has_it(self._headers, self._etag, self._reading.modified):
            await self._start(304, [])
            await self._send({"type": "http.response.body", "body": b""})
            return
        if method == "HEAD":
            await self._start(200, [("content-type", self._file.mime), ("content-length", str(size))])
            await self._send({"type": "http.response.body", "body": b""})
            return
        try:
            spans = self._spans(size)
        except Unsatisfiable:
            await self._start(416, [("content-range", f"bytes */{size}"), ("content-length", "0")])
            await self._send({"type": "http.response.body", "body": b""})
            return
        leaving = spawn(_gone(receive), "media client")
        try:
            await self._give(spans, size, leaving)
        finally:
            leaving.cancel()

    def _spans(self, size: int) -> Sequence[Span] | None:
        asked = self._headers.get("range", "")
        if not asked or not range_holds(self._headers, self._etag, self._reading.modified):
            return None
        return wanted(asked, size)

    async def _give(self, spans: Sequence[Span] | None, size: int, leaving: "asyncio.Task[None]") -> None:
        kind = ("content-type", self._file.mime)
        if spans is None:
            await self._start(200, [kind, ("content-length", str(size))])
            await self._bytes(Span(0, size), leaving)
        elif len(spans) == 1:
            (span,) = spans
            await self._start(206, [kind, ("content-range", _range(span, size)), ("content-length", str(span.length))])
            await self._bytes(span, leaving)
        else:
            await self._several(spans, size, leaving)
        if not leaving.done():
            await self._put(b"", more=False)

    async def _several(self, spans: Sequence[Span], size: int, leaving: "asyncio.Task[None]") -> None:
        """Several ranges, each with a head of its own."""
        boundary = f"part-{self._file.id}"
        heads = [
            f"--{boundary}\r\ncontent-type: {self._file.mime}\r\ncontent-range: {_range(span, size)}\r\n\r\n".encode()
            for span in spans
        ]
        end = f"--{boundary}--\r\n".encode()
        length = sum(len(head) + span.length + 2 for head, span in zip(heads, spans, strict=True)) + len(end)
        kind = ("content-type", f"multipart/byteranges; boundary={boundary}")
        await self._start(206, [kind, ("content-length", str(length))])
        for head, span in zip(heads, spans, strict=True):
            await self._put(head)
            await self._bytes(span, leaving)
            await self._put(b"\r\n")
        await self._put(end)

    async def _bytes(self, span: Span, leaving: "asyncio.Task[None]") -> None:
        at = span.start
        while at < span.stop and not leaving.done():
            data = await asyncio.to_thread(self._reading.read, at, min(_STEP, span.stop - at))
            if not data:
                raise OSError("a stored file has become shorter")
            await self._put(data)
            at += len(data)

    async def _put(self, data: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(_STALL_SEC):
            await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _start(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        common = [
            ("etag", self._etag),
            ("last-modified", formatdate(self._reading.modified, usegmt=True)),
            ("accept-ranges", "bytes"),
            ("content-disposition", f'inline; filename="{self._file.name}"'),
            *_KEPT,
        ]
        await self._send(
            {"type": "http.response.start", "status": status, "headers": pack([*headers, *common, *self._ids])}
        )


async def _gone(receive: Receive) -> None:
    """Ends when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _range(span: Span, size: int) -> str:
    return f"bytes {span.start}-{span.stop - 1}/{size}"
