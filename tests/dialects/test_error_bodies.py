"""One failure, two envelopes: every kind has a row in each, and nothing secret gets out."""

import json

import pytest

from grok2api.canonical.problem import Kind, Problem
from grok2api.dialects import openai_errors
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.dialects.anthropic_messages import errors as anthropic_errors
from grok2api.dialects.openai_chat import CHAT

#: kind: status and type of OpenAI's shape, its code, then status and type of Anthropic's.
EXPECTED = {
    Kind.INVALID: (400, "validation_error", "invalid_value", 400, "invalid_request_error"),
    Kind.MODEL_NOT_FOUND: (400, "validation_error", "model_not_found", 404, "not_found_error"),
    Kind.NOT_FOUND: (404, "validation_error", "not_found", 404, "not_found_error"),
    Kind.METHOD: (405, "validation_error", "method_not_allowed", 405, "invalid_request_error"),
    Kind.UPGRADE: (426, "validation_error", "websocket_not_supported", 426, "invalid_request_error"),
    Kind.CONFLICT: (409, "validation_error", "conflict", 409, "conflict_error"),
    Kind.TOO_LARGE: (413, "validation_error", "request_body_too_large", 413, "request_too_large"),
    Kind.MEDIA_TYPE: (415, "validation_error", "unsupported_media_type", 415, "invalid_request_error"),
    Kind.UNAUTHENTICATED: (401, "authentication_error", "invalid_api_key", 401, "authentication_error"),
    Kind.REFUSED: (400, "validation_error", "content_moderated", 400, "invalid_request_error"),
    Kind.NO_ACCOUNT: (429, "rate_limit_error", "rate_limit_exceeded", 429, "rate_limit_error"),
    Kind.RATE_LIMITED: (429, "rate_limit_error", "rate_limit_exceeded", 429, "rate_limit_error"),
    Kind.UNAUTHORIZED: (502, "upstream_error", "upstream_error", 502, "api_error"),
    Kind.CHALLENGE: (502, "upstream_error", "upstream_challenge", 502, "api_error"),
    Kind.EMPTY: (502, "upstream_error", "empty_response", 502, "api_error"),
    Kind.TIMEOUT: (504, "upstream_error", "upstream_timeout", 504, "timeout_error"),
    Kind.DRAINING: (503, "server_error", "server_draining", 503, "overloaded_error"),
    Kind.INTERNAL: (500, "server_error", "internal_error", 500, "api_error"),
}


@pytest.mark.parametrize("kind", Kind)
def test_C7_every_kind_of_problem_has_a_row_in_both_envelopes(kind):
    assert kind in openai_errors.ROWS
    assert kind in anthropic_errors.ROWS


@pytest.mark.parametrize("kind", EXPECTED)
def test_C7_each_envelope_has_its_own_words(kind):
    problem = Problem(kind=kind, message="what to do", evidence=b"sso=secret")
    status, body = CHAT.problem(problem)
    error = json.loads(body)["error"]
    other_status, other_body = MESSAGES.problem(problem)
    other = json.loads(other_body)
    assert (status, error["type"], error["code"], other_status, other["error"]["type"]) == EXPECTED[kind]
    assert error["status"] == status
    assert error["param"] == ("model" if kind is Kind.MODEL_NOT_FOUND else None)
    assert set(error) == {"message", "type", "code", "param", "status"}
    assert other == {"type": "error", "error": {"type": EXPECTED[kind][4], "message": "what to do"}}
    assert b"secret" not in body + other_body


def test_C7_a_problem_may_bring_a_code_and_a_param_of_its_own():
    problem = Problem(kind=Kind.INVALID, message="m", code="invalid_json", param="messages.0")
    assert openai_errors.body(problem)["error"]["code"] == "invalid_json"
    assert openai_errors.body(problem)["error"]["param"] == "messages.0"
