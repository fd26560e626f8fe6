"""A wheel of account ids: each has its spoke, and a round of the wheel comes past all of them.

Pure data structure. The spoke follows from the id alone, so an account has the same place after a restart, and those
that are due are found without looking at the others. Rounds of any length use the same wheel.
"""

from collections.abc import Iterator
from zlib import crc32

SPOKES = 1024


class Wheel:
    """Ids by spoke. Whoever turns it drops what is gone."""

    __slots__ = ("_spokes",)

    def __init__(self) -> None:
        self._spokes: list[set[str]] = [set() for _ in range(SPOKES)]

    def add(self, ident: str) -> None:
        self._spokes[_place(ident)].add(ident)

    def drop(self, ident: str) -> None:
        self._spokes[_place(ident)].discard(ident)

    def passed(self, start: float, end: float, length: float) -> Iterator[tuple[str, ...]]:
        """The spokes that come past between two times, when a round takes `length`; each once at most."""
        first, last = int(start / length * SPOKES), int(end / length * SPOKES)
        for number in range(max(first, last - SPOKES) + 1, last + 1):
            yield tuple(self._spokes[number % SPOKES])

    def spokes(self) -> Iterator[tuple[str, ...]]:
        """All of them."""
        for spoke in self._spokes:
            yield tuple(spoke)


def _place(ident: str) -> int:
    return crc32(ident.encode()) % SPOKES
