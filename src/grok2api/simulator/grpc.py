"""gRPC-web from the server's side: reading a message, and answers that end with a status in every known place.

Pure. What a fault does to such an answer is here too; deliveries that are no gRPC-web are left as they are.
"""

import base64
from collections.abc import Callable
from urllib.parse import quote

import msgspec

from grok2api.simulator.delivery import Delivery, Head, Write, plain

MEDIA = "application/grpc-web+proto"
_TEXT_MEDIA = "application/grpc-web-text+proto"

Fields = list[tuple[int, int | bytes]]


def _frame(flags: int, payload: bytes) -> bytes:
    return bytes((flags,)) + len(payload).to_bytes(4, "big") + payload


def answered(status: int = 0, message: str = "") -> Delivery:
    """An empty message and the status in trailers; the message is left out when the call is refused."""
    said = f"grpc-message: {quote(message)}\r\n" if message else ""
    trailers = _frame(0x80, f"grpc-status: {status}\r\n{said}".encode())
    return plain(trailers if status else _frame(0x00, b"") + trailers, MEDIA)


def unframed(body: bytes) -> bytes | None:
    """The message of a request; `None` unless it is one uncompressed frame and nothing else."""
    if len(body) < 5 or body[0] != 0 or int.from_bytes(body[1:5], "big") != len(body) - 5:
        return None
    return body[5:]


def fields(message: bytes) -> Fields | None:
    """The fields of a protobuf message, numbers and byte strings; `None` when it is none."""
    found: Fields = []
    at = 0
    try:
        while at < len(message):
            key, at = _varint(message, at)
            value, at = _varint(message, at)
            if key & 7 == 2:
                if at + value > len(message):
                    return None
                found.append((key >> 3, message[at : at + value]))
                at += value
            elif key & 7 == 0:
                found.append((key >> 3, value))
            else:
                return None
    except IndexError:
        return None
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _grpc_only(change: Callable[[Delivery], Delivery]) -> Callable[[Delivery], Delivery]:
    def changed(delivery: Delivery) -> Delivery:
        return change(delivery) if delivery.headers.get("Content-Type") == MEDIA else delivery

    return changed


def _with_body(delivery: Delivery, body: bytes, **headers: str) -> Delivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    steps = (Head(), Write(body))
    return msgspec.structs.replace(delivery, headers={**delivery.headers, **named}, steps=steps)


def refuse(delivery: Delivery, status: int) -> Delivery:
    """Refused with this status, whatever was asked."""
    refused = answered(status, f"That setting cannot be changed [simulated {status}].")
    return refused if delivery.headers.get("Content-Type") == MEDIA else delivery


@_grpc_only
def in_headers(delivery: Delivery) -> Delivery:
    """The status in the HTTP headers, and no body."""
    pairs = delivery.body.rpartition(b"\x80")[2][4:].decode().splitlines()
    named = dict(pair.split(": ", 1) for pair in pairs)
    return _with_body(delivery, b"", **named)


@_grpc_only
def without_status(delivery: Delivery) -> Delivery:
    """An empty message, and no word on how it ended."""
    return _with_body(delivery, _frame(0x00, b""))


@_grpc_only
def as_text(delivery: Delivery) -> Delivery:
    """The body as base64."""
    return _with_body(delivery, base64.b64encode(delivery.body), Content_Type=_TEXT_MEDIA)
