"""A recording gives every reader the same bytes, from whatever place, however late, and holds little meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.canonical.recorded import Piece, frames_of
from grok2api.gateway import recording
from grok2api.gateway.recording import KEPT, PIECE, Missing, Recording


def frame(number: int, text: str = "word") -> bytes:
    return b'data: {"sequence_number":%d,"delta":"%b"}\n\n' % (number, text.encode())


class Shelf:
    """A store of pieces."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []

    def save(self, recording: Recording) -> None:
        new = recording.unsaved()
        self.pieces += new
        recording.saved(new)

    async def __call__(self, place: int) -> Sequence[Piece]:
        return [piece for piece in self.pieces if piece.behind > place][:2]


async def read(recording: Recording, shelf: Shelf, after: int = -1) -> bytes:
    return b"".join([data async for data in recording.read(after, shelf)])


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=30), st.integers(-1, 100), st.integers(1, 400))
def test_every_reader_gets_the_same_from_any_place(writes: list[tuple[int, bool]], after: int, size: int) -> None:
    async def run() -> None:
        taken, shelf, whole = Recording(), Shelf(), []
        early = asyncio.ensure_future(read(taken, shelf, after))
        for count, saves in writes:
            new = [frame(len(whole) + place) for place in range(count)]
            whole += new
            taken.add(b"".join(new))
            await asyncio.sleep(0)
            if saves:
                shelf.save(taken)
        taken.end()
        expected = b"".join(whole[after + 1 :])
        assert await early == expected
        assert await read(taken, shelf, after) == expected
        assert taken.places == len(whole)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "PIECE", size)
        patch.setattr(recording, "KEPT", size)
        asyncio.run(run())


async def test_M4_what_is_held_does_not_grow_with_the_answer() -> None:
    taken, shelf, whole = Recording(), Shelf(), []
    for number in range(20_000):
        whole.append(frame(number, f"{number * 2654435761 % 2**32:08x}"))
        taken.add(whole[-1])
        if number % 100 == 0:
            shelf.save(taken)
            assert taken.held <= PIECE + KEPT
    taken.end()
    assert sum(map(len, whole)) > 10 * (PIECE + KEPT)
    assert await read(taken, shelf) == b"".join(whole)


async def test_S14_a_slow_reader_holds_one_piece_at_a_time() -> None:
    taken, shelf = Recording(), Shelf()
    reader = taken.read(-1, shelf)
    largest = 0
    for number in range(5000):
        taken.add(frame(number))
    taken.end()
    async for data in reader:
        largest = max(largest, len(data))
    assert largest < 2 * PIECE


async def test_frames_that_nobody_has_are_missed_and_not_invented() -> None:
    taken, shelf = Recording(), Shelf()
    for number in range(20_000):
        taken.add(frame(number, f"{number * 2654435761 % 2**32:08x}"))
        if number % 1000 == 0:
            shelf.save(taken)
    shelf.pieces.clear()
    with pytest.raises(Missing):
        await anext(taken.read(-1, shelf))


async def test_a_gap_in_the_store_is_not_jumped_over() -> None:
    taken, shelf = Recording(), Shelf()
    for number in range(20_000):
        taken.add(frame(number, f"{number * 2654435761 % 2**32:08x}"))
        if number % 1000 == 0:
            shelf.save(taken)
    del shelf.pieces[1]
    with pytest.raises(Missing):
        await read(taken, shelf)


def test_large_frames_are_kept_as_they_are() -> None:
    large = b"data: " + b"x" * 2**20 + b"\n\n"
    piece = Piece.of(7, [large, frame(8)])
    assert len(piece.data) >= 2**20
    assert Piece.again(7, piece.data) == piece
    assert (piece.since(0), piece.since(8)) == (large + frame(8), frame(8))
    assert frames_of(piece.since(7)) == [large, frame(8)]
