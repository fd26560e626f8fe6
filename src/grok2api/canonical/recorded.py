"""A stream that was written down: its frames, in packed pieces."""

import zlib
from collections.abc import Sequence
from typing import Self

import msgspec

#: Above this many bytes packing takes too long for what it saves: such frames hold pictures.
_UNPACKED = 256 * 1024
_END = b"\n\n"


def frames_of(data: bytes) -> list[bytes]:
    """The frames that `data` consists of; each ends with an empty line, and none has one inside."""
    return [frame + _END for frame in data.split(_END)[:-1]]


class Piece(msgspec.Struct, frozen=True):
    """Frames that follow each other: the place of the first, which is its sequence number, and all of them, packed."""

    first: int
    count: int
    data: bytes

    @classmethod
    def of(cls, first: int, frames: Sequence[bytes]) -> Self:
        """The frames from place `first` on, packed."""
        whole = b"".join(frames)
        return cls(first, len(frames), zlib.compress(whole, 0 if len(whole) > _UNPACKED else 1))

    @classmethod
    def again(cls, first: int, data: bytes) -> Self:
        """A piece as it was kept."""
        return cls(first, zlib.decompress(data).count(_END), data)

    @property
    def behind(self) -> int:
        """The place behind the last frame."""
        return self.first + self.count

    def since(self, place: int) -> bytes:
        """The frames from `place` on."""
        whole = zlib.decompress(self.data)
        return whole if place <= self.first else b"".join(frames_of(whole)[place - self.first :])
