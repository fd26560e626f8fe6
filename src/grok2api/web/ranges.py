"""Which bytes of a file a request wants (RFC 9110, section 14), and whether it has them already.

Pure. A `Range` that cannot be read is as good as none; one that can be read but lies outside the file is not.
"""

import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime

import msgspec

#: Ranges in one request; more are a nuisance, and the whole file is the answer.
MOST = 16

_SET = re.compile(r"(?i)\s*bytes\s*=(.*)\Z")
_ONE = re.compile(r"\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*\Z")


class Span(msgspec.Struct, frozen=True):
    """Bytes from `start` up to but without `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


class Unsatisfiable(Exception):  # noqa: N818 - becomes a 416
    """None of the ranges lies in the file."""


def wanted(header: str, size: int) -> Sequence[Span] | None:
    """The spans of a `Range` header, in its order; `None` for the whole file. Raises `Unsatisfiable`."""
    found = _SET.match(header)
    if found is None:
        return None
    spans: list[Span] = []
    pieces = [piece for piece in found[1].split(",") if piece.strip()]
    if not pieces or len(pieces) > MOST:
        return None
    for piece in pieces:
        span = _span(piece, size)
        if span is None:
            return None
        if span.length > 0:
            spans.append(span)
    if not spans:
        raise Unsatisfiable
    return spans if sum(span.length for span in spans) <= size else None


def _span(piece: str, size: int) -> Span | None:
    """One range; of no length when it lies outside the file, `None` when it is none."""
    found = _ONE.match(piece)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return Span(max(0, size - int(found[2])), size)
    start = int(found[1])
    stop = int(found[2]) + 1 if found[2] else size
    if stop <= start and found[2]:
        return None
    return Span(start, max(start, min(stop, size)))


def has_it(headers: Mapping[str, str], etag: str, modified: float) -> bool:
    """Whether the client's copy is still good, so that a 304 will do. `etag` is quoted, `modified` epoch seconds."""
    known = headers.get("if-none-match")
    if known is not None:
        return known.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]
    since = _date(headers.get("if-modified-since", ""))
    return since is not None and int(modified) <= since


def range_holds(headers: Mapping[str, str], etag: str, modified: float) -> bool:
    """Whether `If-Range`, if there is one, still means this file; if not, the `Range` is not for it."""
    condition = headers.get("if-range")
    if condition is None:
        return True
    if condition.strip().startswith(('"', "W/")):
        return condition.strip() == etag
    date = _date(condition)
    return date is not None and date == int(modified)


def _date(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None
