"""gRPC-web: one message out, frames and a status back.

Pure. A frame is a flag byte, a big-endian length and so many bytes: a message, or, with the high bit set, the trailers
that say how the call ended. The status may also stand in the HTTP headers, and the whole body may be base64
(`application/grpc-web-text`), padded wherever the sender flushed. A 200 that ends properly and says no status at all
counts as success, because upstreams leave it out; a body that is no gRPC-web, or that breaks off, does not.
"""

import base64
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec

from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.refusals import classify, is_page, reason

#: Bodies longer than this are not read: the calls that we make are answered by a few bytes.
MAX_BODY = 65_536

_COMPRESSED = 0x01
_TRAILERS = 0x80
_PREFIX = 5

#: gRPC status -> the HTTP status that means the same; others mean 502.
_HTTP_STATUS: Mapping[int, int] = {4: 504, 7: 403, 8: 429, 14: 503, 16: 401}

_QUANTA = re.compile(rb"[^=]*={1,2}|[^=]+")


class BrokenFrameError(ValueError):
    """The bytes are no gRPC-web. The message says why."""


class Message(msgspec.Struct, frozen=True):
    """A data frame."""

    data: bytes


class Trailers(msgspec.Struct, frozen=True):
    """The frame that ends the call: names in lower case."""

    fields: Mapping[str, str]


Frame = Message | Trailers


def frame(payload: bytes) -> bytes:
    """One message as it is sent."""
    return b"\x00" + len(payload).to_bytes(4, "big") + payload


class Parser:
    """Frames out of bytes, however they are cut. `text`: the body is base64."""

    def __init__(self, *, text: bool = False) -> None:
        self._text = text
        self._encoded = b""
        self._held = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes. Raises `BrokenFrameError`."""
        self._held += self._decoded(data) if self._text else data
        found: list[Frame] = []
        while len(self._held) >= _PREFIX:
            flags, length = self._held[0], int.from_bytes(self._held[1:_PREFIX], "big")
            if flags & ~_TRAILERS:
                why = "compressed messages were not asked for" if flags & ~_TRAILERS == _COMPRESSED else "unknown flags"
                raise BrokenFrameError(why)
            if length > MAX_BODY:
                raise BrokenFrameError("a frame is too long")
            if len(self._held) < _PREFIX + length:
                break
            payload, self._held = self._held[_PREFIX : _PREFIX + length], self._held[_PREFIX + length :]
            found.append(Trailers(_fields(payload)) if flags & _TRAILERS else Message(payload))
        return found

    def close(self) -> None:
        """The body has ended. Raises `BrokenFrameError` when it ended inside a frame."""
        if self._held or self._encoded:
            raise BrokenFrameError("the body ends inside a frame")

    def _decoded(self, data: bytes) -> bytes:
        """The bytes of every whole group of four characters; each may be padded on its own."""
        self._encoded += b"".join(data.split())
        whole = len(self._encoded) // 4 * 4
        ready, self._encoded = self._encoded[:whole], self._encoded[whole:]
        try:
            return b"".join(base64.b64decode(piece, validate=True) for piece in _QUANTA.findall(ready))
        except ValueError:
            raise BrokenFrameError("the body is not base64") from None


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, what: str) -> Problem | None:
    """The problem that a whole answer states; `None` when the call succeeded.

    `headers` have lower-case names. The upstream's own reason is part of the message: the operator reads it.
    """
    if status != 200:
        return explained(classify(status, headers, body, what=what), body)
    try:
        trailers = _trailers(headers, body)
    except BrokenFrameError as broken:
        if is_page(body):
            return classify(status, headers, body, what=what)
        return _unknown(what, str(broken), body)
    code = trailers.get("grpc-status", headers.get("grpc-status", "0")).strip()
    if code == "0":
        return None
    if not code.isdecimal() or not code.isascii():
        return _unknown(what, "its status is no number", body)
    said = unquote_to_bytes(trailers.get("grpc-message", headers.get("grpc-message", "")))
    number = int(code[:4])
    problem = classify(_HTTP_STATUS.get(number, 502), {}, said, what=what)
    return explained(problem, said or f"gRPC status {number}".encode())


def explained(problem: Problem, body: bytes) -> Problem:
    """The problem with what the upstream said, unless it is said already."""
    said = reason(body)
    if not said or problem.message.endswith(said):
        return problem
    return msgspec.structs.replace(problem, message=f"{problem.message}: {said}")


def _trailers(headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
    parser = Parser(text="grpc-web-text" in headers.get("content-type", "").lower())
    frames = parser.feed(body)
    parser.close()
    return next((found.fields for found in reversed(frames) if isinstance(found, Trailers)), {})


def _fields(payload: bytes) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in payload.decode("latin-1").splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def _unknown(what: str, why: str, body: bytes) -> Problem:
    message = f"{what} answered in a way that this version does not understand: {why}"
    return Problem(kind=Kind.UPSTREAM, message=message, upstream_status=200, evidence=body[:400])
