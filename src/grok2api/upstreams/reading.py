"""Reading what upstreams send without trusting it: JSON that may be none, and numbers that may be anything. Pure."""

from typing import Any

import msgspec

#: What a decoder raises for bytes that are no JSON, or none of the expected shape.
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_any(text: bytes | str) -> Any:
    """The JSON value, or `None` when it is none."""
    try:
        return msgspec.json.decode(text)
    except MALFORMED:
        return None


def count(value: Any) -> int | None:
    """A count, or `None` for what is none; less than nothing is nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return max(0, int(min(value, 1 << 31)))
