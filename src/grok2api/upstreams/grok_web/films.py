"""The film that a conversation on grok.com makes, from the first percent to its URL.

A conversation makes one film. Its id is that of its post, by which a longer film goes on from it.
"""

from typing import Any

import msgspec

from grok2api.canonical.events import Fact, Produced, Progressed


class Step(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One step of a film. `progress` is 0..100."""

    video_id: str | None = None
    video_post_id: str | None = None
    video_url: str | None = None
    thumbnail_image_url: str | None = None
    asset_id: str | None = None
    progress: float | None = None
    moderated: bool | None = None


class Films:
    """The film of one answer. `asset` is the id of its file, where only that was told; `poster` is a picture of it."""

    __slots__ = ("_assets_url", "_percent", "asset", "id", "poster", "url", "withheld")

    def __init__(self, assets_url: str) -> None:
        self._assets_url = assets_url.rstrip("/")
        self._percent = -1
        self.id = ""
        self.asset = ""
        self.poster = ""
        self.url = ""
        self.withheld = False

    @property
    def unfinished(self) -> bool:
        """Whether a film was begun and has neither come nor been withheld."""
        return self._percent >= 0 and not self.url and not self.withheld

    def step(self, value: Any, out: list[Fact]) -> None:
        """One frame: a percentage, the whole, or the news that it is withheld."""
        try:
            step = msgspec.convert(value, Step)
        except msgspec.ValidationError:
            return
        if self.url:
            return
        self.id = step.video_post_id or step.video_id or self.id
        self.asset = step.asset_id or self.asset
        self.poster = self._at(step.thumbnail_image_url) if step.thumbnail_image_url else self.poster
        self.withheld = bool(step.moderated)
        percent = min(max(int(step.progress or 0), 0), 100)
        if percent > self._percent:
            self._percent = percent
            out.append(Progressed(percent, "video"))
        if percent >= 100 and not self.withheld and step.video_url:
            self._finish(step.video_url, out)

    def _finish(self, path: str, out: list[Fact]) -> None:
        self.url = self._at(path)
        out.append(Produced(self.url, "video", self.id))

    def _at(self, path: str) -> str:
        absolute = path.startswith(("https://", "http://"))
        return path if absolute else f"{self._assets_url}/{path.lstrip('/')}"
