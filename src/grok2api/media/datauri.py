"""`data:<mime>;base64,` URIs, and base64 text as such: read strictly, measured without making a second copy.

Pure. A large file may be most of a request's memory, so the text is looked at in pieces and stays where it is.
"""

import binascii
import hashlib
import re
from collections.abc import Iterator

import msgspec

from grok2api.canonical.attachment import STEP
from grok2api.media.sniff import HEAD

#: Everything before the payload is shorter than this.
MAX_HEAD = 256

_HEAD = re.compile(
    r"(?i)data:([a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126})?((?:;[^,;]{0,100})*?);base64,"
)


class BadData(ValueError):  # noqa: N818 - the reason of a refusal, not a failure of ours
    """Why the text is not taken, in words that follow the field's name."""


class Contents(msgspec.Struct, frozen=True):
    """What is known of a file's bytes: how many, their SHA-256 in hex, and what they begin with."""

    size: int
    digest: str
    head: bytes


def read(uri: str) -> tuple[str, int]:
    """The declared type, empty when none is, and where the payload begins. Raises `BadData`."""
    found = _HEAD.match(uri[:MAX_HEAD])
    if found is None:
        raise BadData("must be a data:<mime>;base64, URI")
    return (found[1] or "").lower(), found.end()


def length(text: str, start: int = 0) -> int:
    """How many bytes the base64 text stands for, if it is valid."""
    return (len(text) - start) // 4 * 3 - (2 if text.endswith("==") else 1 if text.endswith("=") else 0)


def measure(text: str, start: int = 0) -> Contents:
    """The contents of base64 text. Raises `BadData` for whatever is not plain, padded base64 in one line."""
    found = _measured(_decoded(text, start))
    if (len(text) - start) % 4 or found.size != length(text, start):  # more padding than there is to pad
        raise _broken()
    return found


def measure_bytes(data: bytes) -> Contents:
    """The contents of bytes."""
    view = memoryview(data)
    return _measured(bytes(view[at : at + STEP]) for at in range(0, len(view), STEP))


def _measured(pieces: Iterator[bytes]) -> Contents:
    size, digest, head = 0, hashlib.sha256(), b""
    for piece in pieces:
        size += len(piece)
        digest.update(piece)
        if len(head) < HEAD:
            head += piece[: HEAD - len(head)]
    return Contents(size, digest.hexdigest(), head)


def _decoded(text: str, start: int) -> Iterator[bytes]:
    for at in range(start, len(text), STEP):
        piece = text[at : at + STEP]
        if at + STEP < len(text) and piece.endswith("="):
            raise BadData("is not valid base64: it goes on after its end")
        try:
            yield binascii.a2b_base64(piece, strict_mode=True)
        except ValueError:  # `binascii.Error`, or characters that are not even ASCII
            raise _broken() from None


def _broken() -> BadData:
    return BadData("is not valid base64: send it padded, in one line, in the standard alphabet")
