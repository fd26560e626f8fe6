"""Facts of items that interleave, put into an order in which a call is never interrupted.

Pure. Upstream items overlap: two calls may be told in turns, and text may come in between. Readers of facts take one
open call at a time, so while a call is open whatever other items tell waits, and follows in the order in which the
items first spoke. Without an open call nothing waits.
"""

from grok2api.canonical.events import CallClosed, CallOpened, Cited, Fact, Said


class _Lane:
    """What one item has told and could not be passed on yet."""

    __slots__ = ("facts", "is_open")

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.is_open = False


class Order:
    """Collects the facts of each item by its index; `take` gives those that may go on.

    `length` is how many characters of text have gone on. A citation with a negative end gets the end of the text so
    far, which is known only when it goes on.
    """

    __slots__ = ("_lanes", "_open", "_out", "length")

    def __init__(self) -> None:
        self._out: list[Fact] = []
        self._open: int | None = None
        self._lanes: dict[int, _Lane] = {}
        self.length = 0

    @property
    def calling(self) -> bool:
        """Whether a call is open, so that other items must wait."""
        return self._open is not None

    def say(self, index: int, text: str) -> None:
        """`tell` of a `Said`, without what is not needed for each token."""
        if self._open is not None:
            self.tell(index, Said(text))
            return
        self.length += len(text)
        self._out.append(Said(text))

    def tell(self, index: int, fact: Fact) -> None:
        """Item `index` tells a fact."""
        if self._open is not None and self._open != index:
            self._wait(index, fact)
            return
        self._pass(fact)
        if type(fact) is CallOpened:
            self._open = index
        elif type(fact) is CallClosed and self._open == index:
            self._open = None
            self._let_go()

    def take(self) -> list[Fact]:
        """The facts that may go on, once."""
        out, self._out = self._out, []
        return out

    def flush(self) -> None:
        """Nothing more will come: an open call ends as it is, and all that waited follows."""
        while self._open is not None:
            self._pass(CallClosed())
            self._open = None
            self._let_go()

    def _wait(self, index: int, fact: Fact) -> None:
        lane = self._lanes.get(index)
        if lane is None:
            lane = self._lanes[index] = _Lane()
        lane.facts.append(fact)
        if type(fact) is CallOpened:
            lane.is_open = True
        elif type(fact) is CallClosed:
            lane.is_open = False

    def _let_go(self) -> None:
        while self._lanes and self._open is None:
            index = next(iter(self._lanes))
            lane = self._lanes.pop(index)
            for fact in lane.facts:
                self._pass(fact)
            if lane.is_open:
                self._open = index

    def _pass(self, fact: Fact) -> None:
        if type(fact) is Said:
            self.length += len(fact.text)
        elif type(fact) is Cited and fact.end < 0:
            fact = Cited(fact.url, fact.title, self.length, self.length)
        self._out.append(fact)
