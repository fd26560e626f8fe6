"""How many bytes of large things may be held at once, over all requests (M2).

A request takes a share, says how much it holds, and gives it back when it ends, however that ends. What is small is
not counted. One request alone is never refused: how large that may be is another bound's.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from grok2api.canonical.problem import Kind, Problem, Refusal

#: Up to this many bytes a request costs no more than any request does.
SMALL = 256 * 1024

_RETRY_SEC = 5.0


class Budget:
    """The whole. `limit`, in bytes, is asked for at each step, so that a change is in force at once."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self.held = 0

    def share(self) -> "Share":
        """A new share, empty."""
        return Share(self)

    def check(self, size: int, own: int) -> None:
        """Whether a share that holds `own` could hold `size` bytes more at this moment. Raises `Refusal`."""
        if self.held > own and self.held + size > self._limit():
            raise Refusal(
                Problem(
                    kind=Kind.UNAVAILABLE,
                    message="Too many large requests are being served at this moment; try again in a few seconds",
                    code="too_many_large_requests",
                    retry_after=_RETRY_SEC,
                )
            )

    def grow(self, size: int, own: int) -> None:
        """Count `size` bytes more for a share that holds `own`. Raises `Refusal`."""
        self.check(size, own)
        self.held += size

    def shrink(self, size: int) -> None:
        """Count `size` bytes less."""
        self.held -= size


class Share:
    """What one request holds. A context manager that gives it back."""

    __slots__ = ("_budget", "_counted", "_held")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = self._counted = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()

    def handed_on(self) -> "Share":
        """A new share that holds what this one held; this one is empty then."""
        other = Share(self._budget)
        other._held, other._counted = self._held, self._counted
        self._held = self._counted = 0
        return other

    def give_back(self) -> None:
        """Hold nothing any more."""
        self._budget.shrink(self._counted)
        self._held = self._counted = 0

    def check(self, size: int) -> None:
        """Whether `size` bytes more could be held, before they come. Raises `Refusal`."""
        if self._held + size > SMALL:
            self._budget.check(self._held + size - self._counted, self._counted)

    def add(self, size: int) -> None:
        """The request holds `size` bytes more. Raises `Refusal` when that is too much for all together."""
        held = self._held + size
        counted = held if held > SMALL else 0
        if counted > self._counted:
            self._budget.grow(counted - self._counted, self._counted)
            self._counted = counted
        self._held = held

    def drop(self, size: int) -> None:
        """The request holds `size` bytes less."""
        self._held -= size
        counted = self._held if self._held > SMALL else 0
        self._budget.shrink(self._counted - counted)
        self._counted = counted
