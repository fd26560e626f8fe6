"""Reading a request's body: bounded, in time, and unpacked when it came compressed (C10, Z6).

The bound holds before and after decompression, and while it goes on: a bomb is refused at the first byte over
the limit, not when memory is gone.
"""

import asyncio
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

import brotli
import zstandard

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.media.budget import Budget, Share
from grok2api.web.asgi import Gone, Headers, Receive
from grok2api.web.auth import presented

#: Seconds in which a body must have arrived; a client that drips bytes holds a connection, not memory.
READ_TIMEOUT = 120.0

#: What any page of a browser can send anywhere without asking first (the Fetch standard's simple requests), so that
#: with an open gateway it would spend the accounts of whoever opens it.
_UNASKED = frozenset({"", "text/plain", "application/x-www-form-urlencoded"})
#: The last of these, which clients in pages do send; with a key beside it their browser asks.
_FORM = "multipart/form-data"

_STEP = 256 * 1024
_ZSTD_PIECE = 256


async def read_body(receive: Receive, headers: Headers, limit: int, share: Share | None = None) -> bytes:
    """The whole body, unpacked. Raises `Refusal` (400, 408 as 400, 413, 415, and 503 for the share's sake) or `Gone`.

    A body is counted in the share of its request; only where the limit is small there may be none.
    """
    if "origin" in headers:
        _refuse_unasked(headers)
    share = share or Budget(lambda: sys.maxsize).share()
    announced = headers.get("content-length", "")
    if announced.isdigit():
        if int(announced) > limit:
            raise _too_large(limit)
        share.check(int(announced))
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            body = await _read(receive, limit, share)
    except TimeoutError:
        raise Refusal(
            Problem(kind=Kind.INVALID, message="The request body did not arrive in time", code="request_timeout")
        ) from None
    encodings = [name for part in headers.get("content-encoding", "").split(",") if (name := part.strip().lower())]
    for encoding in reversed(encodings):
        packed = len(body)
        body = _unpack(body, encoding, limit, share)
        share.drop(packed)
    return body


def _refuse_unasked(headers: Headers) -> None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _UNASKED:
        message = "A page in a browser has to say what it sends: content-type: application/json"
    elif kind == _FORM and not presented(headers):
        message = (
            "A page in a browser has to send a key with a form, any where none is asked for: authorization: Bearer KEY"
        )
    else:
        return
    raise Refusal(Problem(kind=Kind.MEDIA_TYPE, message=message, param="content-type", code="unsupported_media_type"))


async def _read(receive: Receive, limit: int, share: Share) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(first) > limit:
            raise _too_large(limit)
        return first
    body = bytearray(first)
    share.add(len(first))
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        more = message.get("body", b"")
        body += more
        if len(body) > limit:
            raise _too_large(limit)
        share.add(len(more))
    return bytes(body)


class _Bounded:
    """Collects output, counts it, and stops at the limit."""

    def __init__(self, limit: int, share: Share) -> None:
        self._limit = limit
        self._share = share
        self.out = bytearray()

    def add(self, data: bytes) -> None:
        self.out += data
        if len(self.out) > self._limit:
            raise _too_large(self._limit)
        self._share.add(len(data))


def _unpack(body: bytes, encoding: str, limit: int, share: Share) -> bytes:
    if encoding == "identity":
        return body
    unpack = _UNPACKERS.get(encoding)
    if unpack is None:
        known = ", ".join(_UNPACKERS)
        raise Refusal(
            Problem(
                kind=Kind.MEDIA_TYPE,
                message=f"The content-encoding {encoding[:32]!r} is not known; use one of {known}",
                param="content-encoding",
                code="unsupported_encoding",
            )
        )
    bounded = _Bounded(limit, share)
    try:
        unpack(body, bounded)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError, ValueError):
        raise Refusal(
            Problem(
                kind=Kind.INVALID,
                message=f"The body is not valid {encoding}",
                param="content-encoding",
                code="invalid_encoding",
            )
        ) from None
    return bytes(bounded.out)


def _gzip(body: bytes, out: _Bounded) -> None:
    _inflate(body, out, zlib.decompressobj(wbits=31))


def _deflate(body: bytes, out: _Bounded) -> None:
    """`deflate` means zlib by the standard and a raw stream by some clients; both are read."""
    zlib_header = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    _inflate(body, out, zlib.decompressobj(wbits=15 if zlib_header else -15))


class _Inflater(Protocol):
    @property
    def unconsumed_tail(self) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


def _inflate(body: bytes, out: _Bounded, inflater: _Inflater) -> None:
    data = body
    while data:
        out.add(inflater.decompress(data, _STEP))
        data = inflater.unconsumed_tail
    while not inflater.eof:
        more = inflater.decompress(b"", _STEP)
        if not more:
            raise EOFError
        out.add(more)


def _brotli(body: bytes, out: _Bounded) -> None:
    unpacker = brotli.Decompressor()
    data = body
    while not unpacker.is_finished():
        piece = unpacker.process(data, output_buffer_limit=_STEP)
        data = b""
        if not piece and unpacker.can_accept_more_data():
            raise EOFError
        out.add(piece)


def _zstd(body: bytes, out: _Bounded) -> None:
    """Fed in small pieces: the library bounds a block (128 KiB), not what a long input comes to."""
    unpacker = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
    for at in range(0, len(body), _ZSTD_PIECE):
        out.add(unpacker.decompress(body[at : at + _ZSTD_PIECE]))
        if unpacker.eof:
            return
    raise EOFError


_UNPACKERS: Mapping[str, Callable[[bytes, _Bounded], None]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}


def _too_large(limit: int) -> Refusal:
    return Refusal(
        Problem(
            kind=Kind.TOO_LARGE,
            message=f"The request body is larger than {limit // (1024 * 1024)} MiB",
            code="request_body_too_large",
        )
    )
