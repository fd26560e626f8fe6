"""What is known of stored files besides their bytes.

`MediaIndex` is what the cache needs of it. `DirectoryIndex` keeps it in memory, as it was found in the directory at the
start; a store that outlives the process can take its place.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from grok2api.media.names import SERVED, Kind, read_name


class MediaFile(msgspec.Struct, frozen=True, kw_only=True):
    """A stored file. `created_at` in epoch seconds."""

    id: str
    kind: Kind
    mime: str
    extension: str
    size: int
    created_at: float

    @property
    def name(self) -> str:
        """The file's name in its kind's folder."""
        return f"{self.id}.{self.extension}"


class Totals(msgspec.Struct, frozen=True):
    """How many files of a kind there are, and how many bytes they have."""

    count: int = 0
    size: int = 0


class MediaIndex(Protocol):
    """The list of stored files."""

    async def add(self, file: MediaFile) -> None:
        """Note a file; one with the same kind and id is replaced."""
        ...

    async def get(self, kind: Kind, ident: str) -> MediaFile | None: ...

    async def remove(self, kind: Kind, idents: Collection[str]) -> int:
        """Forget files; how many were known."""
        ...

    async def oldest(self, kind: Kind, most: int) -> Sequence[MediaFile]:
        """At most `most` files, the oldest first."""
        ...

    async def newest(self, kind: Kind, offset: int, most: int) -> Sequence[MediaFile]:
        """At most `most` files after the first `offset`, the newest first."""
        ...

    async def totals(self, kind: Kind) -> Totals: ...


class DirectoryIndex:
    """The index in memory."""

    def __init__(self, files: Collection[MediaFile] = ()) -> None:
        self._files: dict[Kind, dict[str, MediaFile]] = {kind: {} for kind in SERVED}
        self._size: dict[Kind, int] = dict.fromkeys(SERVED, 0)
        for file in sorted(files, key=lambda file: file.created_at):
            self._put(file)

    async def add(self, file: MediaFile) -> None:
        self._put(file)

    async def get(self, kind: Kind, ident: str) -> MediaFile | None:
        return self._files[kind].get(ident)

    async def remove(self, kind: Kind, idents: Collection[str]) -> int:
        return sum(self._drop(kind, ident) for ident in idents)

    async def oldest(self, kind: Kind, most: int) -> Sequence[MediaFile]:
        return [file for file, _ in zip(self._files[kind].values(), range(most), strict=False)]

    async def newest(self, kind: Kind, offset: int, most: int) -> Sequence[MediaFile]:
        found = list(self._files[kind].values())
        found.reverse()
        return found[offset : offset + most]

    async def totals(self, kind: Kind) -> Totals:
        return Totals(len(self._files[kind]), self._size[kind])

    def _put(self, file: MediaFile) -> None:
        """Behind all others: files come in the order in which they are stored."""
        self._drop(file.kind, file.id)
        self._files[file.kind][file.id] = file
        self._size[file.kind] += file.size

    def _drop(self, kind: Kind, ident: str) -> bool:
        file = self._files[kind].pop(ident, None)
        self._size[kind] -= 0 if file is None else file.size
        return file is not None


async def from_directory(root: Path) -> DirectoryIndex:
    """The index of what lies in the cache's directory."""
    return DirectoryIndex(await asyncio.to_thread(lambda: list(_found(root))))


def _found(root: Path) -> Iterator[MediaFile]:
    for kind in SERVED:
        folder = root / kind
        for path in folder.iterdir() if folder.is_dir() else ():
            known = read_name(kind, path.name)
            if known is not None and path.is_file():
                about = path.stat()
                yield MediaFile(
                    id=known[0],
                    kind=kind,
                    mime=known[1].mime,
                    extension=known[1].extension,
                    size=about.st_size,
                    created_at=about.st_mtime,
                )
