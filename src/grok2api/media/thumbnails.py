"""Small forms of stored pictures and films, for lists.

Made at the first look, one at a time and off the loop, and kept beside the files. A film's is made of the preview that
came with it; without one it has none.
"""

import asyncio
from importlib import import_module
from typing import Any

from grok2api.media.names import Kind
from grok2api.media.store import MediaStore

MIME = "image/webp"

_EDGE = 320
_LARGEST = 32 * 1024 * 1024


class Thumbnails:
    """Thumbnails of the files in `store`."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store
        self._one = asyncio.Semaphore(1)

    async def of(self, kind: Kind, ident: str) -> bytes | None:
        """The thumbnail of a stored file, as WebP; `None` when there is no such file, or nothing to make it of."""
        file = await self._store.find(kind, ident)
        if file is None:
            return None
        made = await self._store.read_beside(file)
        if made is not None or kind != "image" or file.size > _LARGEST:
            return made
        opened = await self._store.open(kind, ident)
        if opened is None:
            return None
        _, reading = opened
        try:
            data = await asyncio.to_thread(reading.read, 0, file.size)
        finally:
            reading.close()
        return await self.keep(kind, ident, data)

    async def keep(self, kind: Kind, ident: str, picture: bytes) -> bytes | None:
        """Make the thumbnail of a stored file out of a picture, and keep it; `None` when that is not possible."""
        file = await self._store.find(kind, ident)
        if file is None:
            return None
        async with self._one:
            pillow = await asyncio.to_thread(_pillow)
            try:
                small: bytes = await asyncio.to_thread(pillow.shrink, picture, _EDGE)
            except pillow.Unreadable:
                return None
        await self._store.write_beside(file, small)
        return small


def _pillow() -> Any:
    """Loaded when it is first needed: an installation whose lists nobody looks at does without."""
    return import_module("grok2api.media.pillow")
