"""Server-sent events framing for the streams that we write."""

import msgspec

encode_json = msgspec.json.Encoder().encode


def named(event: str, payload: object) -> bytes:
    """One frame with an `event:` line."""
    return b"event: " + event.encode() + b"\ndata: " + encode_json(payload) + b"\n\n"


def data(payload: object) -> bytes:
    """One frame without an `event:` line."""
    return b"data: " + encode_json(payload) + b"\n\n"


DONE = b"data: [DONE]\n\n"
COMMENT = b": keepalive\n\n"
