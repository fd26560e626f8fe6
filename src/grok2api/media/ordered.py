"""The pictures that came with the orders of films: on disk until the film is over, so that a restart loses none.

They are nobody's to fetch. A picture is named by its place in its order.
"""

import asyncio
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.request import Image
from grok2api.media import disk
from grok2api.media.checks import attach
from grok2api.media.datauri import measure_bytes

_ID = re.compile(r"[A-Za-z0-9_]{1,64}\Z")


class OrderedPictures:
    """The pictures below `root`, by the id of their film."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, film: str, pictures: Sequence[Attachment]) -> None:
        """Keep them. Raises `Refusal` when the disk does not take them."""
        try:
            await asyncio.to_thread(_write, self._folder(film), pictures)
        except OSError as error:
            message = f"The pictures of the film cannot be kept: {error.strerror or type(error).__name__}"
            raise Refusal(Problem(kind=Kind.UNAVAILABLE, message=message, code="media_store_unavailable")) from None

    async def get(self, film: str, count: int) -> tuple[Attachment, ...] | None:
        """All of them, or nothing when one is gone."""
        return await asyncio.to_thread(_read, self._folder(film), count)

    async def drop(self, film: str) -> None:
        """Keep them no longer."""
        await asyncio.to_thread(shutil.rmtree, self._folder(film), ignore_errors=True)

    def _folder(self, film: str) -> Path:
        assert _ID.match(film), "a film's id is ours"
        return self._root / film


def _write(folder: Path, pictures: Sequence[Attachment]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        disk.write_all(folder / str(number), picture.whole(), folder)


def _read(folder: Path, count: int) -> tuple[Attachment, ...] | None:
    found = []
    for number in range(count):
        data = disk.read_all(folder / str(number))
        if data is None:
            return None
        part = Image("", path=f"input_reference.{number}")
        found.append(attach(part, measure_bytes(data), data, number=number + 1))
    return tuple(found)
