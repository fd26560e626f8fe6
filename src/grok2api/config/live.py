"""The settings that are in force now, and the one door by which they change.

A request takes `current` once and passes plain values down. A change is all or nothing: every subscriber is given
the new settings, and when one objects those before it are given the old ones back and nothing has changed (O2).
"""

from collections.abc import Callable

from grok2api.config.settings import Settings
from grok2api.config.table import SETTINGS, changed, value_of

Subscriber = Callable[[Settings], None]


class Live:
    """Holds one immutable `Settings` at a time. For one event loop; it takes no lock."""

    def __init__(self, settings: Settings) -> None:
        self._current = settings
        self._subscribers: list[Subscriber] = []

    @property
    def current(self) -> Settings:
        """The settings in force."""
        return self._current

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have `subscriber` told of every change. It may raise to refuse one. Returns what ends the subscription."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def replace(self, new: Settings) -> tuple[str, ...]:
        """Put `new` in force. Returns the changed keys that wait for the next start; until then they stay as they were.

        Raises what a subscriber raised, after everything was put back.
        """
        old = self._current
        waiting = tuple(row.key for row in SETTINGS if row.about.restart and _differs(row.key, old, new))
        new = changed(new, {key: value_of(old, key) for key in waiting})
        told: list[Subscriber] = []
        try:
            for subscriber in tuple(self._subscribers):
                told.append(subscriber)
                subscriber(new)
        except Exception:
            for subscriber in reversed(told):
                subscriber(old)
            raise
        self._current = new
        return waiting


def _differs(key: str, old: Settings, new: Settings) -> bool:
    return bool(value_of(old, key) != value_of(new, key))
