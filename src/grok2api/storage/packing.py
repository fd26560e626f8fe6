"""Bodies as they lie in the store: JSON, compressed."""

import zlib
from typing import Any

import msgspec

#: Cheap to make; what is written here is read once or never.
_LEVEL = 3


def pack(data: bytes) -> bytes:
    """Compressed; nothing stays nothing."""
    return zlib.compress(data, _LEVEL) if data else b""


def unpack(data: bytes) -> bytes:
    """What was packed."""
    return zlib.decompress(data) if data else b""


def unpacked(data: bytes) -> Any:
    """The value again."""
    return msgspec.json.decode(unpack(data))
