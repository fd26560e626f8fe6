"""Numbers by time, the earliest first; any of them may move or leave at any moment.

Pure data structure: a binary heap that knows where each number stands, in three flat arrays. Nothing stale stays
behind, so no request ever pays for tidying up, and an entry costs sixteen bytes.
"""

from array import array

#: The place of a number that has none.
NOWHERE = -1
_ONE = array("i", [NOWHERE]).tobytes()


def reach(places: "array[int]", number: int) -> None:
    """Let `places` have an entry for `number`. At once, however far: this may be the first of a hundred thousand."""
    missing = number + 1 - len(places)
    if missing > 0:
        places.frombytes(_ONE * missing)


class Times:
    """A number has at most one time. Numbers are small: what is kept grows with the highest."""

    __slots__ = ("_numbers", "_places", "_times")

    def __init__(self) -> None:
        self._times = array("d")
        self._numbers = array("i")
        self._places = array("i")

    def __len__(self) -> int:
        return len(self._numbers)

    def first(self) -> tuple[float, int] | None:
        """The earliest time and its number."""
        return (self._times[0], self._numbers[0]) if self._numbers else None

    def put(self, number: int, time: float | None) -> None:
        """Give a number its time; `None` takes it out."""
        place = self._places[number] if number < len(self._places) else NOWHERE
        if time is None:
            if place != NOWHERE:
                self._remove(place)
            return
        if place == NOWHERE:
            place = self._append(number, time)
        else:
            self._times[place] = time
        self._settle(place, time, number)

    def _append(self, number: int, time: float) -> int:
        reach(self._places, number)
        self._times.append(time)
        self._numbers.append(number)
        return len(self._numbers) - 1

    def _remove(self, place: int) -> None:
        self._places[self._numbers[place]] = NOWHERE
        time, number = self._times.pop(), self._numbers.pop()
        if place < len(self._numbers):
            self._settle(place, time, number)

    def _settle(self, place: int, time: float, number: int) -> None:
        """Put an entry that may stand anywhere to where it belongs, beginning at `place`."""
        place = self._up(place, time)
        place = self._down(place, time)
        self._times[place], self._numbers[place], self._places[number] = time, number, place

    def _up(self, place: int, time: float) -> int:
        """The place above which everything is earlier; those passed move down."""
        times = self._times
        while place and time < times[above := (place - 1) >> 1]:
            self._shift(above, place)
            place = above
        return place

    def _down(self, place: int, time: float) -> int:
        """The place below which everything is later; those passed move up."""
        times, size = self._times, len(self._times)
        while (below := 2 * place + 1) < size:
            if below + 1 < size and times[below + 1] < times[below]:
                below += 1
            if time <= times[below]:
                break
            self._shift(below, place)
            place = below
        return place

    def _shift(self, source: int, target: int) -> None:
        number = self._numbers[source]
        self._times[target], self._numbers[target], self._places[number] = self._times[source], number, target
