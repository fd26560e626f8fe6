"""Questions that somebody wants to have asked, each once, in the order of their times.

Pure data structure. A second wish for the same question does not make a second entry, it can only make the first one
earlier; so there are never more entries than questions, however many wishes come.
"""

import heapq
import itertools

#: Account and mode; no mode stands for all of them.
Question = tuple[str, str]
ALL = ""


class Wishes:
    """A queue of questions. Its length is the number of different ones that wait."""

    __slots__ = ("_due", "_heap", "_numbers")

    def __init__(self) -> None:
        self._due: dict[Question, float] = {}
        self._heap: list[tuple[float, int, Question]] = []
        self._numbers = itertools.count()

    def put(self, question: Question, due: float) -> None:
        """Want it at `due`, or earlier when it was wanted earlier already."""
        known = self._due.get(question)
        if known is not None and known <= due:
            return
        self._due[question] = due
        heapq.heappush(self._heap, (due, next(self._numbers), question))

    def pop(self, now: float) -> Question | None:
        """The question whose time has come first, no longer waiting; `None` when there is none yet."""
        while self._heap and self._heap[0][0] <= now:
            due, _, question = heapq.heappop(self._heap)
            if self._due.get(question) == due:
                del self._due[question]
                return question
        return None

    def __len__(self) -> int:
        return len(self._due)
