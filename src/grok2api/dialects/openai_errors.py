"""The OpenAI error envelope: one row for each kind of problem.

Shared by every dialect that speaks OpenAI's shape (chat completions, Responses, media). Promises all
five members in every body, `param` null when there is none, and nothing of `evidence` in any of them.
What a stream does with a body is left to the dialect's own encoder.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.canonical.problem import Kind, Problem
from grok2api.dialects.sse import encode_json

VALIDATION = "validation_error"
AUTHENTICATION = "authentication_error"
RATE_LIMIT = "rate_limit_error"
UPSTREAM = "upstream_error"
SERVER = "server_error"


class Row(msgspec.Struct, frozen=True):
    """How a kind is answered; `code` is used when the problem brings none of its own."""

    status: int
    type: str
    code: str


ROWS: Mapping[Kind, Row] = {
    Kind.INVALID:          Row(400, VALIDATION,     "invalid_value"),
    Kind.MODEL_NOT_FOUND:  Row(400, VALIDATION,     "model_not_found"),
    Kind.NOT_FOUND:        Row(404, VALIDATION,     "not_found"),
    Kind.METHOD:           Row(405, VALIDATION,     "method_not_allowed"),
    Kind.UPGRADE:          Row(426, VALIDATION,     "websocket_not_supported"),
    Kind.CONFLICT:         Row(409, VALIDATION,     "conflict"),
    Kind.TOO_LARGE:        Row(413, VALIDATION,     "request_body_too_large"),
    Kind.MEDIA_TYPE:       Row(415, VALIDATION,     "unsupported_media_type"),
    Kind.UNAUTHENTICATED:  Row(401, AUTHENTICATION, "invalid_api_key"),
    Kind.REFUSED:          Row(400, VALIDATION,     "content_moderated"),
    Kind.NO_ACCOUNT:       Row(429, RATE_LIMIT,     "rate_limit_exceeded"),
    Kind.RATE_LIMITED:     Row(429, RATE_LIMIT,     "rate_limit_exceeded"),
    Kind.ACCOUNT_LIMITED:  Row(429, RATE_LIMIT,     "rate_limit_exceeded"),
    Kind.UNAUTHORIZED:     Row(502, UPSTREAM,       "upstream_error"),
    Kind.CREDENTIAL:       Row(502, UPSTREAM,       "upstream_error"),
    Kind.BLOCKED:          Row(502, UPSTREAM,       "upstream_error"),
    Kind.MODE_REFUSED:     Row(502, UPSTREAM,       "upstream_error"),
    Kind.FORBIDDEN:        Row(502, UPSTREAM,       "upstream_error"),
    Kind.OUT_OF_CREDITS:   Row(502, UPSTREAM,       "upstream_error"),
    Kind.CHALLENGE:        Row(502, UPSTREAM,       "upstream_challenge"),
    Kind.UNREACHABLE:      Row(502, UPSTREAM,       "upstream_error"),
    Kind.UPSTREAM_DOWN:    Row(502, UPSTREAM,       "upstream_error"),
    Kind.TIMEOUT:          Row(504, UPSTREAM,       "upstream_timeout"),
    Kind.EMPTY:            Row(502, UPSTREAM,       "empty_response"),
    Kind.CUT:              Row(502, UPSTREAM,       "upstream_error"),
    Kind.UPSTREAM:         Row(502, UPSTREAM,       "upstream_error"),
    Kind.UPSTREAM_INVALID: Row(400, VALIDATION,     "upstream_rejected_request"),
    Kind.CALL_MISSING:     Row(502, UPSTREAM,       "tool_call_missing"),
    Kind.CALL_BROKEN:      Row(502, UPSTREAM,       "tool_call_broken"),
    Kind.FORMAT_BROKEN:    Row(502, UPSTREAM,       "response_format_broken"),
    Kind.DRAINING:         Row(503, SERVER,         "server_draining"),
    Kind.UNAVAILABLE:      Row(503, SERVER,         "service_unavailable"),
    Kind.INTERNAL:         Row(500, SERVER,         "internal_error"),
}  # fmt: skip


def body(problem: Problem) -> dict[str, Any]:
    """`{"error": {message, type, code, param, status}}`, as a value."""
    row = ROWS[problem.kind]
    param = problem.param
    if param is None and problem.kind is Kind.MODEL_NOT_FOUND:
        param = "model"
    return {
        "error": {
            "message": problem.message,
            "type": row.type,
            "code": problem.code or row.code,
            "param": param,
            "status": row.status,
        }
    }


def render(problem: Problem) -> tuple[int, bytes]:
    """The HTTP status and the JSON body of a failure before any output."""
    return ROWS[problem.kind].status, encode_json(body(problem))
