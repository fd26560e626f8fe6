"""Small real pictures and films, each different from every other.

The files beside this one were made by `make.sh`. A result gets one of them by its id, with the id written where a
reader of the format passes over it, so that two results never have the same bytes and still open anywhere.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import msgspec

_HERE = Path(__file__).parent
_BOX = 8  # length and name of a box or chunk


class Sample(msgspec.Struct, frozen=True):
    """A file as it is served."""

    data: bytes
    mime: str


def picture(ident: str, mime: str = "image/jpeg") -> Sample:
    """The finished picture of that id."""
    return _sample(_PICTURES[mime], ident, mime)


def preview(ident: str, step: int = 0) -> Sample:
    """The picture of that id while it is being drawn; each step is another file."""
    return _sample(("preview.jpg",), f"{ident} {step}", "image/jpeg")


def film(ident: str) -> Sample:
    """The film of that id: two seconds of H.264 with sound."""
    return _sample(("dusk.mp4", "sea.mp4"), ident, "video/mp4")


_PICTURES: Mapping[str, tuple[str, ...]] = {
    "image/jpeg": ("dusk.jpg", "sea.jpg", "field.jpg"),
    "image/png": ("night.png",),
    "image/webp": ("night.webp",),
}


def _sample(names: tuple[str, ...], ident: str, mime: str) -> Sample:
    name = names[zlib.crc32(ident.encode()) % len(names)]
    return Sample(_SIGNERS[mime](_read(name), ident.encode()), mime)


@cache
def _read(name: str) -> bytes:
    return (_HERE / name).read_bytes()


def _in_jpeg(data: bytes, note: bytes) -> bytes:
    """A comment behind the first segment, which has to be the first."""
    at = 4 + int.from_bytes(data[4:6], "big")
    return data[:at] + b"\xff\xfe" + struct.pack(">H", 2 + len(note)) + note + data[at:]


def _in_png(data: bytes, note: bytes) -> bytes:
    at = 8 + _BOX + 13 + 4  # behind the header chunk
    body = b"tEXtComment\0" + note
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:at] + chunk + data[at:]


def _in_webp(data: bytes, note: bytes) -> bytes:
    chunk = b"note" + struct.pack("<I", len(note)) + note + b"\0" * (len(note) % 2)
    return data[:4] + struct.pack("<I", len(data) - _BOX + len(chunk)) + data[_BOX:] + chunk


def _in_mp4(data: bytes, note: bytes) -> bytes:
    return data + struct.pack(">I", _BOX + len(note)) + b"free" + note


_SIGNERS: Mapping[str, Callable[[bytes, bytes], bytes]] = {
    "image/jpeg": _in_jpeg,
    "image/png": _in_png,
    "image/webp": _in_webp,
    "video/mp4": _in_mp4,
}
