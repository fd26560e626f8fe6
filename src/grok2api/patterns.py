"""Tables whose keys are names or patterns: `*` stands for any characters, `?` for one.

Pure. An exact name comes before every pattern; of the patterns that fit, the one with the most characters of its own
comes first, and of equals the one that was written first: `claude-opus-*` comes before `claude-*`, whatever the order.
"""

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from typing import Generic, TypeVar

T = TypeVar("T")

_WILDCARDS = frozenset("*?")


def is_pattern(key: str) -> bool:
    """Whether a key of such a table stands for more than one name."""
    return not _WILDCARDS.isdisjoint(key)


class Patterns(Generic[T]):
    """Such a table, ready to be asked: one look-up for an exact name, else a match for each pattern."""

    def __init__(self, table: Mapping[str, T]) -> None:
        self.exact: Mapping[str, T] = {key: value for key, value in table.items() if not is_pattern(key)}
        patterns = sorted((key for key in table if is_pattern(key)), key=_own_characters, reverse=True)
        self._patterns = [(key, _matcher(key), table[key]) for key in patterns]

    def get(self, name: str) -> T | None:
        """What the table has for a name."""
        if name in self.exact:
            return self.exact[name]
        return next((value for _, value in self.fitting(name)), None)

    def fitting(self, *names: str) -> Iterator[tuple[str, T]]:
        """The patterns that fit one of the names at least, the most particular first, each with its value."""
        return ((key, value) for key, matches, value in self._patterns if any(map(matches.match, names)))


def _own_characters(key: str) -> int:
    return sum(character not in _WILDCARDS for character in key)


def _matcher(key: str) -> re.Pattern[str]:
    """`fnmatch` without its classes: its expressions do not go astray on hostile names, however many `*` there are."""
    return re.compile(translate(key.replace("[", "[[]")))
