"""A file that came with a request, fetched and checked: what upstreams are given.

A pure value. The bytes may be as large as a request gets, so they are held once, in the form in which they came (bytes,
or the base64 text of a JSON body), and read off piece by piece in whichever form is wanted.
"""

import binascii
from collections.abc import Iterator
from typing import Literal

import msgspec

#: Characters of base64 in a piece; four of them are three bytes.
STEP = 64 * 1024

#: The type of bytes that say nothing about themselves.
UNKNOWN = "application/octet-stream"

_WORDS = frozenset(
    f"application/{name}"
    for name in ("json", "xml", "yaml", "x-yaml", "toml", "javascript", "x-javascript", "x-sh", "sql", "x-ndjson")
)


def is_text(mime: str) -> bool:
    """Whether a file of this type can be read out as words."""
    return mime.startswith("text/") or mime in _WORDS or mime.endswith(("+json", "+xml"))


class Attachment(msgspec.Struct, frozen=True, gc=False, tag=True, kw_only=True):
    """A picture, a sound or a file.

    kind, mime: by content. name: a file name, for upstreams that want one; made up when the client gave none.
    size: in bytes. digest: SHA-256 of the bytes, in hex: what the file is known by.
    detail: how closely the client wants a picture looked at. path: the client's field, for errors.
    data: the bytes, or valid base64 text, of which the file begins at `start`.
    """

    kind: Literal["image", "audio", "file"]
    mime: str
    name: str
    size: int
    digest: str
    data: bytes | str
    start: int = 0
    detail: str | None = None
    path: str = ""

    def __repr__(self) -> str:
        return f"Attachment({self.kind}, {self.mime}, {self.name!r}, {self.size} bytes)"

    def pieces(self) -> Iterator[bytes]:
        """The bytes."""
        if isinstance(self.data, bytes):
            view = memoryview(self.data)
            yield from (bytes(view[at : at + STEP]) for at in range(0, len(view), STEP))
        else:
            for at in range(self.start, len(self.data), STEP):
                yield binascii.a2b_base64(self.data[at : at + STEP])

    @property
    def raw(self) -> "Raw":
        """The bytes as a part of a body."""
        return Raw(self)

    def whole(self) -> bytes:
        """The bytes in one piece."""
        return self.data if isinstance(self.data, bytes) else b"".join(self.pieces())

    @property
    def is_text(self) -> bool:
        """Whether it can be read out as words."""
        return self.kind == "file" and is_text(self.mime)

    @property
    def base64(self) -> "Base64":
        """The bytes as base64 text, without line breaks."""
        return Base64(self)


class Raw:
    """The bytes of an attachment: how many, and piece by piece, as often as they are wanted."""

    __slots__ = ("_file",)

    def __init__(self, file: Attachment) -> None:
        self._file = file

    def __len__(self) -> int:
        return self._file.size

    def __iter__(self) -> Iterator[bytes]:
        return self._file.pieces()


class Base64:
    """The base64 form of an attachment: its length, and its ASCII bytes piece by piece, as often as they are wanted."""

    __slots__ = ("_file",)

    def __init__(self, file: Attachment) -> None:
        self._file = file

    def __len__(self) -> int:
        return (self._file.size + 2) // 3 * 4

    def __iter__(self) -> Iterator[bytes]:
        data = self._file.data
        if isinstance(data, str):
            for at in range(self._file.start, len(data), STEP):
                yield data[at : at + STEP].encode("ascii")
        else:
            view = memoryview(data)
            step = STEP // 4 * 3
            for at in range(0, len(view), step):
                yield binascii.b2a_base64(view[at : at + step], newline=False)
