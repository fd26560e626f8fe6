"""The media cache: results of the upstreams, kept under the name of their content and served from here.

Promises that a stored file is whole, of a type that a browser shows, and opens by its URL until it is evicted; that
what is dead, empty, a page or too large is a `Refusal` and leaves nothing behind (I3); that a kind which has outgrown
its limit loses its oldest files, while downloads that are under way finish (I5).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from grok2api.canonical.problem import Kind as ProblemKind
from grok2api.canonical.problem import Problem, Refusal
from grok2api.media import disk
from grok2api.media.index import MediaFile, MediaIndex, Totals
from grok2api.media.names import SERVED, Kind, file_name, id_of, is_id, read_name
from grok2api.media.sniff import HEAD, Type, sniff

_MIB = 1024 * 1024
#: Enough of a file to know that it is one.
_FIRST = 512
#: Bytes gathered before they are written.
_WRITE = 512 * 1024
#: A kind over its limit is brought down to this share of it.
_AFTER_EVICTION = 0.6
_STEP = 100

_NOUNS: dict[Kind, str] = {"image": "picture", "video": "film"}


class StoreOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Limits in bytes. image_limit, video_limit: of all files of the kind, 0 = none; the others of one file."""

    image_limit: int = 0
    video_limit: int = 0
    largest_image: int = 64 * _MIB
    largest_video: int = 1024 * _MIB

    def limit(self, kind: Kind) -> int:
        """Of all files of a kind."""
        return self.image_limit if kind == "image" else self.video_limit

    def largest(self, kind: Kind) -> int:
        """Of one file of a kind."""
        return self.largest_image if kind == "image" else self.largest_video


class MediaStore:
    """The cache in `root`. `now` in epoch seconds."""

    def __init__(
        self, root: Path, index: MediaIndex, options: Callable[[], StoreOptions], now: Callable[[], float]
    ) -> None:
        self._root = root
        self._index = index
        self._options = options
        self._now = now
        self._evicting = asyncio.Lock()

    async def start(self) -> None:
        """Make the folders. Raises `OSError`."""
        folders = [self._root / name for name in (*SERVED, "thumbnail")]
        await asyncio.to_thread(disk.prepare, folders, self._root / "incoming", self._now())

    async def store(self, kind: Kind, chunks: AsyncIterable[bytes]) -> MediaFile:
        """Keep what comes in `chunks`. Raises `Refusal` for what is no such file, and whatever `chunks` raises."""
        try:
            incoming = await asyncio.to_thread(disk.Incoming, self._root / "incoming")
            try:
                file = await self._receive(kind, chunks, incoming)
                await asyncio.to_thread(incoming.finish, self._path(file))
            except BaseException:
                await asyncio.shield(asyncio.to_thread(incoming.discard))
                raise
        except OSError as error:
            raise _unwritable(error) from None
        await self._index.add(file)
        await self._evict(kind, file.id)
        return file

    async def store_bytes(self, kind: Kind, data: bytes) -> MediaFile:
        """The same for bytes that are all there."""
        return await self.store(kind, _once(data))

    async def find(self, kind: Kind, ident: str) -> MediaFile | None:
        """The file with that id, if it is there."""
        if not is_id(ident):
            return None
        known = await self._index.get(kind, ident)
        return known or await asyncio.to_thread(self._look, kind, ident)

    async def open(self, kind: Kind, ident: str) -> tuple[MediaFile, disk.Reading] | None:
        """The file, open for reading; whoever opens closes."""
        file = await self.find(kind, ident)
        if file is None:
            return None
        try:
            return file, await asyncio.to_thread(disk.Reading, self._path(file))
        except FileNotFoundError:
            await self._index.remove(kind, [ident])
            return None

    async def delete(self, kind: Kind, names: Collection[str]) -> list[str]:
        """Remove files by id or by name; the names of those that were there. Other names are passed over."""
        found = [file for name in names if (file := await self._named(kind, name)) is not None]
        return await self._remove(kind, found)

    async def clear(self, kind: Kind) -> int:
        """Remove all files of a kind; how many there were."""
        count = 0
        while files := await self._index.oldest(kind, _STEP):
            count += len(await self._remove(kind, files))
        return count

    async def read_beside(self, file: MediaFile) -> bytes | None:
        """The thumbnail that is kept with a file."""
        return await asyncio.to_thread(disk.read_all, self._beside(file))

    async def write_beside(self, file: MediaFile, thumbnail: bytes) -> None:
        """Keep a thumbnail with a file; both go together. Raises `Refusal` when the disk does not take it."""
        try:
            await asyncio.to_thread(disk.write_all, self._beside(file), thumbnail, self._root / "incoming")
        except OSError as error:
            raise _unwritable(error) from None

    async def totals(self, kind: Kind) -> Totals:
        """How many files of a kind there are, and how large they are together."""
        return await self._index.totals(kind)

    async def newest(self, kind: Kind, offset: int, most: int) -> Sequence[MediaFile]:
        """A page of the files of a kind, the newest first."""
        return await self._index.newest(kind, offset, most)

    def limit(self, kind: Kind) -> int:
        """How many bytes a kind may have; 0 = no limit."""
        return self._options().limit(kind)

    def _path(self, file: MediaFile) -> Path:
        return self._root / file.kind / file.name

    def _beside(self, file: MediaFile) -> Path:
        return self._root / "thumbnail" / f"{file.kind}-{file.id}.webp"

    async def _receive(self, kind: Kind, chunks: AsyncIterable[bytes], incoming: disk.Incoming) -> MediaFile:
        largest = self._options().largest(kind)
        digest, size, head = hashlib.sha256(), 0, b""
        waiting: list[bytes] = []
        held = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > largest:
                raise _unusable(kind, f"is larger than {largest // _MIB} MiB", "media_too_large")
            if len(head) < HEAD:
                before, head = len(head), head + chunk[: HEAD - len(head)]
                if before < _FIRST <= len(head):
                    _type_of(kind, head)
            waiting.append(chunk)
            held += len(chunk)
            if held >= _WRITE:
                await asyncio.to_thread(_take, incoming, digest, waiting)
                waiting, held = [], 0
        found = _type_of(kind, head)
        await asyncio.to_thread(_take, incoming, digest, waiting)
        return MediaFile(
            id=id_of(digest.hexdigest()),
            kind=kind,
            mime=found.mime,
            extension=found.extension,
            size=size,
            created_at=self._now(),
        )

    def _look(self, kind: Kind, ident: str) -> MediaFile | None:
        """A file that another process has stored."""
        for served in SERVED[kind]:
            path = self._root / kind / file_name(ident, served)
            if path.is_file():
                about = path.stat()
                return MediaFile(
                    id=ident,
                    kind=kind,
                    mime=served.mime,
                    extension=served.extension,
                    size=about.st_size,
                    created_at=about.st_mtime,
                )
        return None

    async def _named(self, kind: Kind, name: str) -> MediaFile | None:
        known = read_name(kind, name)
        file = await self.find(kind, name if known is None else known[0])
        return file if file is not None and name in (file.id, file.name) else None

    async def _remove(self, kind: Kind, files: Collection[MediaFile]) -> list[str]:
        gone = await asyncio.to_thread(disk.remove, [self._path(file) for file in files])
        await asyncio.to_thread(disk.remove, [self._beside(file) for file in files])
        await self._index.remove(kind, [file.id for file in files])
        return [path.name for path in gone]

    async def _evict(self, kind: Kind, newest: str) -> None:
        """Bring a kind that is over its limit well below it; the file that was stored last stays."""
        limit = self._options().limit(kind)
        async with self._evicting:
            total = (await self._index.totals(kind)).size
            if not limit or total <= limit:
                return
            while total > limit * _AFTER_EVICTION:
                going: list[MediaFile] = []
                for file in await self._index.oldest(kind, _STEP):
                    if total > limit * _AFTER_EVICTION and file.id != newest:
                        going.append(file)
                        total -= file.size
                if not going:
                    return
                await self._remove(kind, going)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def _take(incoming: disk.Incoming, digest: _Digest, pieces: list[bytes]) -> None:
    for piece in pieces:
        digest.update(piece)
    incoming.write(pieces)


def _type_of(kind: Kind, head: bytes) -> Type:
    """The type of a file that begins like this. Raises `Refusal` when it is not one of the kind's."""
    if not head:
        raise _unusable(kind, "is empty", "media_empty")
    found = sniff(head)
    if found in SERVED[kind]:
        return found
    if found is not None and found.family in ("page", "text"):
        raise _unusable(kind, "is not there: a page came instead", "media_is_a_page")
    raise _unusable(kind, "is of a type that is not served", "media_type")


def _unusable(kind: Kind, what: str, code: str) -> Refusal:
    message = f"Grok made a {_NOUNS[kind]} that cannot be used: it {what}"
    return Refusal(Problem(kind=ProblemKind.UPSTREAM, message=message, code=code))


def _unwritable(error: OSError) -> Refusal:
    message = f"The media cache cannot be written: {error.strerror or type(error).__name__}"
    return Refusal(Problem(kind=ProblemKind.UNAVAILABLE, message=message, code="media_store_unavailable"))
