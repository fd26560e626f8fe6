"""Pictures that grok.com draws inside an answer, from the first percent to the link in the text.

A picture is known by its id, which is also a part of its path, so that the same one told by a card, by the final
response and by an older frame is one. Withheld pictures are counted and never linked.
"""

import re

from grok2api.canonical.events import Fact, Produced, Progressed
from grok2api.upstreams.grok_web.cards import Chunk

#: In the path of a picture that is not yet whole.
_PART = re.compile(r"-part-\d+(?=/|\.|$)")


class Pictures:
    """The pictures of one answer. `links` are those that are whole, in the order in which they became so."""

    __slots__ = ("_assets_url", "_percent", "_withheld", "links")

    def __init__(self, assets_url: str) -> None:
        self._assets_url = assets_url.rstrip("/")
        self._percent: dict[str, int] = {}
        self._withheld: set[str] = set()
        self.links: dict[str, str] = {}

    @property
    def unfinished(self) -> bool:
        """Whether a picture was begun and has neither come nor been withheld."""
        return any(name not in self.links and name not in self._withheld for name in self._percent)

    @property
    def withheld(self) -> int:
        return len(self._withheld)

    @property
    def all_withheld(self) -> bool:
        return bool(self._withheld) and not self.links

    def step(self, chunk: Chunk, out: list[Fact]) -> None:
        """One step of a picture: a percentage, the whole, or the news that it is withheld."""
        path = chunk.image_url or chunk.url or ""
        name = chunk.image_uuid or chunk.image_id or _name(path) or _numbered(chunk.image_index)
        if not name or name in self.links:
            return
        if chunk.moderated:
            self._withheld.add(name)
            return
        percent = min(max(int(chunk.progress or 0), 0), 100)
        if percent > self._percent.get(name, -1):
            self._percent[name] = percent
            out.append(Progressed(percent))
        if chunk.is_whole and path and not _PART.search(path):
            self._finish(name, path, out)

    def linked(self, path: str, out: list[Fact]) -> None:
        """A picture that the final response names by its path."""
        name = _name(path)
        if name and not _PART.search(path) and name not in self.links and name not in self._withheld:
            self._finish(name, path, out)

    def _finish(self, name: str, path: str, out: list[Fact]) -> None:
        url = path if path.startswith(("https://", "http://")) else f"{self._assets_url}/{path.lstrip('/')}"
        self.links[name] = url
        self._percent[name] = 100
        out.append(Produced(url, "image", name))


def _numbered(index: int | None) -> str:
    return "" if index is None else f"#{index}"


def _name(path: str) -> str:
    """The id in `users/<user>/generated/<id>/image.jpg`; the path itself when it has another form."""
    before, found, after = path.partition("/generated/")
    return after.partition("/")[0] if found else before
