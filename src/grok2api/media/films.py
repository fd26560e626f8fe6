"""Films in the media cache, and a picture beside each."""

from collections.abc import AsyncIterable

from grok2api.media.store import MediaStore
from grok2api.media.thumbnails import Thumbnails


class FilmCache:
    """What the gateway needs of the media cache for films."""

    def __init__(self, store: MediaStore, thumbnails: Thumbnails) -> None:
        self._store = store
        self._thumbnails = thumbnails

    async def keep_film(self, chunks: AsyncIterable[bytes]) -> str:
        """Keep what comes in `chunks`; the id of the file. Raises `Refusal` for what is no film."""
        return (await self._store.store("video", chunks)).id

    async def keep_poster(self, film: str, picture: bytes) -> None:
        """Keep a small form of a picture beside the film. Raises `Refusal` when the disk does not take it."""
        await self._thumbnails.keep("video", film, picture)

    async def forget(self, ident: str) -> None:
        """Remove a film."""
        await self._store.delete("video", [ident])
