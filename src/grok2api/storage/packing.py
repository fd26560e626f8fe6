"""Bodies as they lie in the store: JSON, compressed."""

import zlib
from typing import Any

import msgspec

from grok2api.storage.errors import RefusedValues

#: Cheap to make; what is written here is read once or never.
_LEVEL = 3

#: Bytes that the compressed bodies of one row may take. MariaDB takes 16 MiB in one statement unless told otherwise
#: (`max_allowed_packet`), and its driver writes each byte as two.
LARGEST = 15 * 1024 * 1024 // 2


def fitting(*bodies: bytes) -> None:
    """Raises `RefusedValues` when these are too large for one row."""
    if sum(len(body) for body in bodies) > LARGEST:
        raise RefusedValues("It is too large for the store.")


def pack(data: bytes) -> bytes:
    """Compressed; nothing stays nothing."""
    return zlib.compress(data, _LEVEL) if data else b""


def unpack(data: bytes) -> bytes:
    """What was packed."""
    return zlib.decompress(data) if data else b""


def unpacked(data: bytes) -> Any:
    """The value again."""
    return msgspec.json.decode(unpack(data))
