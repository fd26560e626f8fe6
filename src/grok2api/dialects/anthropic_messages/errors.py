"""Anthropic's error envelope: one row for each kind of problem.

Promises `{"type": "error", "error": {"type", "message"}, "request_id"}` and nothing of `evidence` in it. The web layer
uses it too for requests that carry an `anthropic-version` header.
"""

from collections.abc import Mapping
from typing import Any

from grok2api.canonical.problem import Kind, Problem
from grok2api.dialects.sse import encode_json

#: The code of a refusal that has the SDK send the whole conversation again, without a thread.
THREAD_UNSUPPORTED = "thread_unsupported_request"

_INVALID = "invalid_request_error"
_LIMITED = (429, "rate_limit_error")
_UPSTREAM = (502, "api_error")
_OVERLOADED = (503, "overloaded_error")

ROWS: Mapping[Kind, tuple[int, str]] = {
    Kind.INVALID:          (400, _INVALID),
    Kind.MODEL_NOT_FOUND:  (404, "not_found_error"),
    Kind.NOT_FOUND:        (404, "not_found_error"),
    Kind.METHOD:           (405, _INVALID),
    Kind.UPGRADE:          (426, _INVALID),
    Kind.CONFLICT:         (409, "conflict_error"),
    Kind.TOO_LARGE:        (413, "request_too_large"),
    Kind.MEDIA_TYPE:       (415, _INVALID),
    Kind.UNAUTHENTICATED:  (401, "authentication_error"),
    Kind.REFUSED:          (400, _INVALID),
    Kind.NO_ACCOUNT:       _LIMITED,
    Kind.RATE_LIMITED:     _LIMITED,
    Kind.ACCOUNT_LIMITED:  _LIMITED,
    Kind.UNAUTHORIZED:     _UPSTREAM,
    Kind.CREDENTIAL:       _UPSTREAM,
    Kind.BLOCKED:          _UPSTREAM,
    Kind.MODE_REFUSED:     _UPSTREAM,
    Kind.FORBIDDEN:        _UPSTREAM,
    Kind.OUT_OF_CREDITS:   _UPSTREAM,
    Kind.CHALLENGE:        _UPSTREAM,
    Kind.UNREACHABLE:      _UPSTREAM,
    Kind.UPSTREAM_DOWN:    _UPSTREAM,
    Kind.TIMEOUT:          (504, "timeout_error"),
    Kind.EMPTY:            _UPSTREAM,
    Kind.CUT:              _UPSTREAM,
    Kind.UPSTREAM:         _UPSTREAM,
    Kind.UPSTREAM_INVALID: (400, _INVALID),
    Kind.CALL_MISSING:     _UPSTREAM,
    Kind.CALL_BROKEN:      _UPSTREAM,
    Kind.FORMAT_BROKEN:    _UPSTREAM,
    Kind.DRAINING:         _OVERLOADED,
    Kind.UNAVAILABLE:      _OVERLOADED,
    Kind.INTERNAL:         (500, "api_error"),
}  # fmt: skip


def body(problem: Problem, request_id: str = "") -> dict[str, Any]:
    """The envelope as a value; also the payload of an `error` event. Without an id it has no such member."""
    envelope: dict[str, Any] = {
        "type": "error",
        "error": {"type": ROWS[problem.kind][1], "message": problem.message, **_details(problem)},
    }
    return {**envelope, "request_id": request_id} if request_id else envelope


def _details(problem: Problem) -> dict[str, Any]:
    """What an SDK acts upon by itself; the same member and words as Anthropic's own."""
    return {"details": {"error_code": problem.code}} if problem.code == THREAD_UNSUPPORTED else {}


def render(problem: Problem, request_id: str = "") -> tuple[int, bytes]:
    """The HTTP status and the JSON body of a failure before any output."""
    return ROWS[problem.kind][0], encode_json(body(problem, request_id))
