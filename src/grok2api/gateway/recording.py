"""The frames of one answer, written down while it is made, for readers who come late, leave, and come again.

What is held in memory does not grow with the answer (M4): a tail of some frames as they are, then packed pieces, the
oldest of which go as soon as the store has them. A reader who is far behind reads from the store. Each reads at his own
pace, and holds one piece at a time (S14).
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from grok2api.canonical.recorded import Piece, frames_of

#: Bytes of frames that make a piece, and bytes of packed pieces that are kept though the store has them.
PIECE = 32 * 1024
KEPT = 64 * 1024

#: Pieces of the store that hold the frames from a place on, in order; not all at once.
Stored = Callable[[int], Awaitable[Sequence[Piece]]]


class Missing(Exception):  # noqa: N818 - the state of a stream: nobody has these frames any more
    """The frames that come next are neither here nor in the store."""


def frames_from(piece: Piece, place: int) -> bytes:
    """The frames of a piece from `place` on. Raises `Missing` when the piece begins behind it."""
    if place < piece.first:
        raise Missing
    return piece.since(place)


class Recording:
    """One answer's frames."""

    def __init__(self) -> None:
        self.over = False
        self._pieces: deque[Piece] = deque()
        self._size = 0
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._tail_first = 0
        self._saved = 0
        self._more = asyncio.Event()

    @property
    def places(self) -> int:
        """How many frames there are."""
        return self._tail_first + len(self._tail)

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return self._size + self._tail_size

    def add(self, data: bytes) -> None:
        """Take down whole frames."""
        for frame in frames_of(data):
            self._tail.append(frame)
            self._tail_size += len(frame)
            if self._tail_size >= PIECE:
                self._pack()
        self._wake()

    def end(self) -> None:
        """Nothing more will come."""
        self.over = True
        self._wake()

    def unsaved(self) -> list[Piece]:
        """What the store does not have yet."""
        self._pack()
        return [piece for piece in self._pieces if piece.first >= self._saved]

    def saved(self, pieces: Sequence[Piece]) -> None:
        """The store has these now."""
        if pieces:
            self._saved = pieces[-1].behind
            self._forget()

    async def read(self, after: int, stored: Stored) -> AsyncGenerator[bytes, None]:
        """The frames behind the one at the place `after`, up to the end. Raises `Missing`, and what `stored` raises."""
        place = after + 1
        while True:
            more = self._more
            if self._first <= place:
                data, place = self._from(place)
                if data:
                    yield data
                elif self.over:
                    return
                else:
                    await more.wait()
                continue
            pieces = await stored(place)
            if not pieces:
                raise Missing
            for piece in pieces:
                yield frames_from(piece, place)
                place = piece.behind

    @property
    def _first(self) -> int:
        """The first place that is in memory."""
        return self._pieces[0].first if self._pieces else self._tail_first

    def _from(self, place: int) -> tuple[bytes, int]:
        """What is in memory from `place` on, a piece at most, and the place behind it."""
        if place >= self._tail_first:
            return b"".join(self._tail[place - self._tail_first :]), max(place, self.places)
        piece = next(piece for piece in self._pieces if place < piece.behind)
        return piece.since(place), piece.behind

    def _pack(self) -> None:
        if self._tail:
            piece = Piece.of(self._tail_first, self._tail)
            self._pieces.append(piece)
            self._size += len(piece.data)
            self._tail, self._tail_size, self._tail_first = [], 0, piece.behind
            self._forget()

    def _forget(self) -> None:
        while self._size > KEPT and self._pieces and self._pieces[0].behind <= self._saved:
            self._size -= len(self._pieces.popleft().data)

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()
