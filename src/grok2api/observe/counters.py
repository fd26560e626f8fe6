"""Totals since the store was made: how many requests of each model, and the like.

Counting is adding to two numbers in memory; what was added since the last time is written behind (D7). Names are few
and known beforehand, whoever asks for whatever (M3): callers pass words of ours, and names of models that are served.
"""

from collections import Counter
from collections.abc import Callable, Mapping


class Counters:
    """Totals by name. `changed` is called when there is something to write."""

    def __init__(self, values: Mapping[str, int], changed: Callable[[], None] = lambda: None) -> None:
        self._values = Counter(values)
        self._fresh: Counter[str] = Counter()
        self._changed = changed

    def bump(self, name: str, by: int = 1) -> None:
        """Count `by` more of `name`."""
        if by:
            self._values[name] += by
            self._fresh[name] += by
            self._changed()

    def values(self) -> dict[str, int]:
        """Every total."""
        return dict(self._values)

    def take_over(self, values: Mapping[str, int]) -> None:
        """These are the totals that were written, by whomever."""
        self._values = Counter(values)
        self._values.update(self._fresh)

    def drain(self) -> dict[str, int]:
        """What was counted since the last time; from now on it is the caller's to write, or to `give_back`."""
        drained, self._fresh = dict(self._fresh), Counter()
        return drained

    def give_back(self, deltas: Mapping[str, int]) -> None:
        """These were not written."""
        self._fresh.update(deltas)
