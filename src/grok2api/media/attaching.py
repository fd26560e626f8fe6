"""The files of a request, made ready before an account is touched: fetched once, checked, and bounded.

The one place where `Image` and `File` become `Attachment`. Everything here is undone when the context ends. Fetching
and reading off large text give way to other requests.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.problem import invalid
from grok2api.canonical.request import File, Image, Inline, Message, Part, Request, ToolResult
from grok2api.media.budget import Budget, Share
from grok2api.media.checks import MAX_BYTES, MAX_TOTAL, MOST, attach, too_large, too_many, too_much
from grok2api.media.datauri import BadData, Contents, length, measure, measure_bytes
from grok2api.transport.tasks import together

#: Files of one request that are fetched at the same time.
_AT_ONCE = 4
#: Text above this size is read off in a thread.
_OFF_LOOP = 256 * 1024


class Fetch(Protocol):
    """Gets what a URL points to; `path` names the field in a `Refusal`, `hold` is told of each chunk and may raise."""

    async def fetch(self, url: str, path: str, hold: Callable[[int], None]) -> bytes: ...


class Attaching:
    """Makes requests ready. What is fetched is counted in the budget until the request has ended."""

    def __init__(self, fetch: Fetch, budget: Budget) -> None:
        self._fetch = fetch
        self._budget = budget

    @asynccontextmanager
    async def attached(self, request: Request) -> AsyncIterator[Request]:
        """The request with all its files as attachments. Raises `Refusal` naming the field at fault."""
        wanted = [part for part in request.files() if not isinstance(part, Attachment)]
        with self._budget.share() as share:
            found = await self._all(wanted, share)
            yield _with(request, iter(found)) if wanted else request

    async def _all(self, wanted: list[Image | File], share: Share) -> list[Attachment]:
        _refuse_ids(wanted)
        urls = _urls(wanted)
        fetched: dict[str, bytes] = {}
        inline = [await _measured(part) for part in wanted]
        if urls:
            purse = _Purse(share)
            gets = (self._fetch.fetch(url, path, purse.holder(path)) for url, path in urls.items())
            fetched = dict(zip(urls, await together(gets, "fetch", _AT_ONCE), strict=True))
        seen: dict[str, Attachment] = {}
        found: list[Attachment] = []
        for part, contents in zip(wanted, inline, strict=True):
            file = await _attachment(part, contents, fetched, len(seen) + 1)
            found.append(msgspec.structs.replace(file, name=_first(file, seen).name))
        return found


class _Purse:
    """What is being fetched for one request, counted as it arrives."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._held = 0

    def holder(self, path: str) -> Callable[[int], None]:
        """What counts for the field `path`. Raises `Refusal` when all together are too much."""

        def hold(size: int) -> None:
            self._held += size
            if self._held > MAX_TOTAL:
                raise too_much(path)
            self._share.add(size)

        return hold


def _refuse_ids(wanted: list[Image | File]) -> None:
    for part in wanted:
        if part.source is None:
            raise invalid(
                f"{part.path} names a stored file, but no files are stored here: send the file itself",
                part.path,
                code="unsupported_parameter",
            )


def _urls(wanted: list[Image | File]) -> dict[str, str]:
    """The URLs to fetch, each once, with the first field that names it."""
    urls: dict[str, str] = {}
    for part in wanted:
        if isinstance(part.source, str):
            urls.setdefault(part.source, part.path)
    if len(urls) > MOST:
        raise too_many(list(urls.values())[MOST])
    return urls


async def _measured(part: Image | File) -> Contents | None:
    """The contents of an inline file; nothing for one that is to be fetched."""
    inline = part.source
    if not isinstance(inline, Inline):
        return None
    if length(inline.text, inline.start) > MAX_BYTES:
        raise too_large(part.path)
    try:
        if len(inline.text) > _OFF_LOOP:
            return await asyncio.to_thread(measure, inline.text, inline.start)
        return measure(inline.text, inline.start)
    except BadData as error:
        raise invalid(f"{part.path} {error}", part.path, code="invalid_base64") from None


async def _attachment(
    part: Image | File, contents: Contents | None, fetched: Mapping[str, bytes], number: int
) -> Attachment:
    if isinstance(part.source, Inline) and contents is not None:
        return attach(part, contents, part.source.text, part.source.start, claimed=part.source.mime, number=number)
    assert not isinstance(part.source, Inline)
    data = part.source if isinstance(part.source, bytes) else fetched[str(part.source)]
    contents = await asyncio.to_thread(measure_bytes, data) if len(data) > _OFF_LOOP else measure_bytes(data)
    return attach(part, contents, data, number=number)


def _first(file: Attachment, seen: dict[str, Attachment]) -> Attachment:
    """The first file with this content. Counts contents; raises `Refusal` for the one that is too much."""
    first = seen.setdefault(file.digest, file)
    if len(seen) > MOST:
        raise too_many(file.path)
    if sum(known.size for known in seen.values()) > MAX_TOTAL:
        raise too_much(file.path)
    return first


def _with(request: Request, found: Iterator[Attachment]) -> Request:
    """The request with its files, in order, in the places where they were."""
    return msgspec.structs.replace(request, messages=tuple(_filled(message, found) for message in request.messages))


def _filled(message: Message, found: Iterator[Attachment]) -> Message:
    if not any(isinstance(part, Image | File | ToolResult) for part in message.parts):
        return message
    return msgspec.structs.replace(message, parts=tuple(_part(part, found) for part in message.parts))


def _part(part: Part, found: Iterator[Attachment]) -> Part:
    if isinstance(part, Image | File):
        return next(found)
    if isinstance(part, ToolResult):
        inner = tuple(next(found) if isinstance(piece, Image | File) else piece for piece in part.parts)
        return msgspec.structs.replace(part, parts=inner)
    return part
