"""The configuration of a running gateway: how the API and the operator's editor change it, and what happens then.

A change is rehearsed first (the file's new text, read with all the other layers), then put in force, then written; when
any of that fails nothing has changed, in memory or in the file, and the old settings go on serving (O2). A file that
was changed by hand is noticed by its time and size, and taken over in the same way or refused in the log.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog

from grok2api.config.errors import SettingsError
from grok2api.config.live import Live
from grok2api.config.load import Layers, Loaded
from grok2api.config.settings import Settings
from grok2api.config.table import SETTINGS, value_of

_log = structlog.stdlib.get_logger(__name__)


class Editor(Protocol):
    """What `edit` does. It is loaded with the first change only: an idle gateway needs no TOML writer."""

    def edited(self, path: Path, changes: Mapping[str, Any]) -> str: ...

    def write(self, path: Path, text: str) -> None: ...


class Changed(msgspec.Struct, frozen=True):
    """What a change came to: the keys whose values in force are others now, and those that wait for the next start."""

    keys: tuple[str, ...]
    waiting: tuple[str, ...]


class Configured:
    """Holds `live` and its layers together. For one event loop; changes queue."""

    def __init__(self, live: Live, layers: Layers, loaded: Loaded, editor: Callable[[], Editor]) -> None:
        self.live = live
        self.loaded = loaded
        self._layers = layers
        self._editor = editor
        self._seen = _stamp(layers.path)
        self._changing = asyncio.Lock()

    @property
    def path(self) -> Path:
        """The file that changes are written to."""
        return self._layers.path

    async def change(self, changes: Mapping[str, Any]) -> Changed:
        """Put these values in force and into the file, all or none; `None` brings a default back.

        Raises `SettingsError`, and what a subscriber raised.
        """
        async with self._changing:
            before, old = self.loaded, self.live.current
            text, found = await asyncio.to_thread(self._rehearse, changes)
            changed = self._take(found)
            try:
                await asyncio.to_thread(self._editor().write, self.path, text)
            except SettingsError:
                self.live.replace(old)
                self.loaded = before
                raise
            self._seen = _stamp(self.path)
            return changed

    def _rehearse(self, changes: Mapping[str, Any]) -> tuple[str, Loaded]:
        text = self._editor().edited(self.path, changes)
        return text, self._layers.survey(text)

    async def look(self) -> None:
        """Take over what was changed in the file, if anything was."""
        async with self._changing:
            stamp = _stamp(self.path)
            if stamp == self._seen:
                return
            self._seen = stamp
            try:
                changed = self._take(await asyncio.to_thread(self._layers.survey))
            except SettingsError as error:
                _log.warning("the changed configuration is refused; the old one stays", problems=list(error.problems))
                return
            if changed.keys or changed.waiting:
                _log.info("the configuration was changed", keys=changed.keys, at_the_next_start=changed.waiting)

    def _take(self, found: Loaded) -> Changed:
        old = self.live.current
        waiting = self.live.replace(found.settings)
        self.loaded = found
        return Changed(differing(old, self.live.current), waiting)


def differing(old: Settings, new: Settings) -> tuple[str, ...]:
    """The keys that have other values in `new`."""
    return tuple(row.key for row in SETTINGS if value_of(old, row.key) != value_of(new, row.key))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0, 0
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
