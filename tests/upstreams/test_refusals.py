"""Every known refusal of the upstreams, as an HTTP answer and inside a stream."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.refusals import classify, classify_error, is_page, retry_after_of

PAGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><script>window._cf_chl_opt={}</script></html>"
EDGE = {"server": "cloudflare", "content-type": "text/html"}


def of(status: int, body: object = b"", headers: dict[str, str] | None = None) -> Problem:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(status, headers or {}, raw, what="grok.com")


DOWN = [(status, {"any": 1}, Kind.UPSTREAM_DOWN) for status in (500, 502, 503, 504)]
ANSWERS = [
    (401, {"code": 16, "message": "No credentials [WKE=unauthenticated:bad-credentials]"}, Kind.CREDENTIAL),
    (401, b"Failed to look up session ID", Kind.CREDENTIAL),
    (400, {"error": "invalid-credentials"}, Kind.CREDENTIAL),
    (403, {"error": "Session not found"}, Kind.CREDENTIAL),
    (403, {"message": "Token revoked"}, Kind.CREDENTIAL),
    (401, {"message": "token expired"}, Kind.CREDENTIAL),
    (400, {"code": "invalid argument", "error": "Incorrect API key provided: xa***bc."}, Kind.CREDENTIAL),
    (401, b"", Kind.UNAUTHORIZED),
    (401, {"code": 16, "message": "unauthenticated"}, Kind.UNAUTHORIZED),
    (403, {"code": 7, "message": "User is blocked [WKE=unauthorized:blocked-user]", "details": []}, Kind.BLOCKED),
    (403, {"code": "unauthorized:blocked-user", "error": "User is blocked"}, Kind.BLOCKED),
    (403, {"code": 7, "message": "x [WKE=email-domain-rejected]"}, Kind.BLOCKED),
    (403, {"error": "Account suspended"}, Kind.BLOCKED),
    (403, PAGE, Kind.CHALLENGE),
    (503, PAGE, Kind.CHALLENGE),
    (403, b"<html>Forbidden</html>", Kind.CHALLENGE),
    (403, {"error": {"code": 7, "message": "Request rejected by anti-bot rules.", "details": []}}, Kind.CHALLENGE),
    (403, {"code": 7, "message": "This model needs another plan", "details": []}, Kind.MODE_REFUSED),
    (403, {"error": {"code": 7, "message": "Not allowed"}}, Kind.MODE_REFUSED),
    (403, {"code": "permission-denied", "error": "The model is not open to you"}, Kind.MODE_REFUSED),
    (403, {"error": {"code": "content-moderated", "message": "..."}}, Kind.REFUSED),
    (403, {"code": "permission-denied", "error": "Content violates usage guidelines. SAFETY_"}, Kind.REFUSED),
    (403, {"error": "SAFETY_CHECK_TYPE_BIO"}, Kind.REFUSED),
    (403, {"what": "ever"}, Kind.FORBIDDEN),
    (403, b"", Kind.FORBIDDEN),
    (403, {"code": "unauthorized:dpop-required", "error": "..."}, Kind.UPSTREAM),
    (402, {"code": "personal-team-blocked:spending-limit", "error": "No credits"}, Kind.OUT_OF_CREDITS),
    (429, {"error": "Your team has either used all available credits or reached its limit"}, Kind.OUT_OF_CREDITS),
    (429, {"error": {"code": 8, "message": "Too many requests", "details": []}}, Kind.RATE_LIMITED),
    (429, b"<html>slow down</html>", Kind.RATE_LIMITED),
    (429, {"code": "subscription:free-usage-exhausted", "error": "You have used ... tokens"}, Kind.ACCOUNT_LIMITED),
    (429, {"code": 8, "message": "Too many requests from this account"}, Kind.ACCOUNT_LIMITED),
    (400, {"code": 3, "message": "message is too odd", "details": []}, Kind.UPSTREAM_INVALID),
    *[(status, {"error": "no"}, Kind.UPSTREAM_INVALID) for status in (405, 415, 422)],
    (404, {"code": 5, "message": "no such thing", "details": []}, Kind.NOT_FOUND),
    (404, b"<html>nginx</html>", Kind.UPSTREAM),
    (413, b"", Kind.TOO_LARGE),
    (418, b"teapot", Kind.UPSTREAM),
    (302, b"", Kind.UPSTREAM),
    (502, b"<html><h1>Bad gateway</h1></html>", Kind.UPSTREAM_DOWN),
    (500, {"error": "token expired"}, Kind.UPSTREAM_DOWN),
    *DOWN,
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind"), ANSWERS)
def test_every_known_answer_has_its_kind(status: int, body: object, kind: Kind) -> None:
    problem = of(status, body)
    assert problem.kind is kind
    assert problem.upstream_status == status
    assert "<" not in problem.message
    assert problem.message


def test_P3_a_wordless_403_of_the_edge_is_a_challenge_and_of_the_service_is_a_strike() -> None:
    assert of(403, b"", EDGE).kind is Kind.CHALLENGE
    assert of(403, b"", {"server": "envoy"}).kind is Kind.FORBIDDEN
    assert of(401, b"{}", {"cf-mitigated": "challenge"}).kind is Kind.CHALLENGE


def test_P3_a_challenge_tells_the_operator_what_to_renew() -> None:
    message = of(403, PAGE).message
    assert "cookies" in message
    assert "User-Agent" in message


def test_moderation_has_a_stable_code_and_dpop_has_one_too() -> None:
    assert of(403, {"error": {"code": "content-moderated"}}).code == "content_moderated"
    assert of(403, {"code": "unauthorized:dpop-required"}).code == "dpop_required"


def test_P3_a_block_says_what_is_blocked() -> None:
    assert of(403, {"code": 7, "message": "x [WKE=email-domain-rejected]"}).code == "email_domain_rejected"
    assert of(403, {"error": "Account suspended"}).code == "account_suspended"
    assert of(403, {"code": "team_blocked", "error": "The team is blocked"}).code == "team_blocked"


def test_what_the_upstream_said_is_kept_for_the_log_and_bounded() -> None:
    problem = of(403, PAGE * 50)
    assert problem.evidence == (PAGE * 50)[:400]


def test_a_bad_request_quotes_the_upstream_in_one_bounded_line() -> None:
    problem = of(400, {"code": 3, "message": "too\nlong " + "x" * 9000})
    assert "too long x" in problem.message
    assert len(problem.message) < 400


ERRORS = [
    ({"code": 8, "message": "Too many requests", "details": []}, Kind.RATE_LIMITED),
    ({"error": {"code": 8, "message": "Too many requests"}}, Kind.RATE_LIMITED),
    ("Rate limit reached", Kind.RATE_LIMITED),
    ({"message": "You've reached your usage limit.", "code": "x"}, Kind.RATE_LIMITED),
    ({"code": "rate_limit_exceeded", "message": ""}, Kind.RATE_LIMITED),
    ({"code": "server_error", "message": "boom"}, Kind.UPSTREAM_DOWN),
    ({"code": "subscription:free-usage-exhausted", "error": "used up"}, Kind.ACCOUNT_LIMITED),
    ({"code": 7, "message": "Request rejected by anti-bot rules."}, Kind.CHALLENGE),
    ({"code": 7, "message": ""}, Kind.CHALLENGE),
    ({"code": 7, "message": "Your plan lacks this model"}, Kind.MODE_REFUSED),
    ("blocked by ANTI-BOT", Kind.CHALLENGE),
    ({"code": 16, "message": ""}, Kind.UNAUTHORIZED),
    ("Unauthenticated", Kind.UNAUTHORIZED),
    ({"code": 16, "message": "[WKE=unauthenticated:bad-credentials]"}, Kind.CREDENTIAL),
    ({"code": "content-moderated", "message": "..."}, Kind.REFUSED),
    ({"code": 3, "message": "bad"}, Kind.UPSTREAM_INVALID),
    ({"code": 13, "message": "oops"}, Kind.UPSTREAM_DOWN),
    ({"code": "503", "message": "oops"}, Kind.UPSTREAM_DOWN),
    ({"code": 1, "message": "never seen"}, Kind.UPSTREAM),
    ("never seen", Kind.UPSTREAM),
    ({}, Kind.UPSTREAM),
    (None, Kind.UPSTREAM),
    ([1], Kind.UPSTREAM),
]


@pytest.mark.parametrize(("error", "kind"), ERRORS)
def test_every_known_error_in_a_stream_has_its_kind(error: object, kind: Kind) -> None:
    problem = classify_error(error)
    assert problem.kind is kind
    assert problem.upstream_status is None


def test_the_status_hint_counts_when_the_error_has_no_code() -> None:
    assert classify_error("odd", 503).kind is Kind.UPSTREAM_DOWN
    assert classify_error({"code": 8, "message": ""}, 500).kind is Kind.RATE_LIMITED


WAITS = [
    ({"retry-after": "7"}, "", 7.0),
    ({"retry-after": "1.5"}, "", 1.5),
    ({"retry-after": "9" * 400}, "", 31 * 86_400.0),
    ({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, "", 60.0),
    ({"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT", "date": "Thu, 01 Jan 2026 00:01:00 GMT"}, "", 0.0),
    ({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT"}, "", None),
    ({"retry-after": "soon"}, "resets in: 3s", 3.0),
    ({}, "... 2/2. Your limit resets in: 1h 2m", 3720.0),
    ({}, "Resets in 1d 2h 3m 4s.", 93_784.0),
    ({}, "Requests per Second (actual/limit): 2/2", 2.0),
    ({}, "Requests per Minute (actual/limit): 2/2", 60.0),
    ({}, "Requests per Second (actual/limit): 2/2, Requests per Minute (actual/limit): 1922/60.", 60.0),
    ({}, "Requests per Second (actual/limit): 2/2, Requests per Minute (actual/limit): 8/60.", 2.0),
    ({}, "Requests per Second (actual/limit): 2/2. It resets in: 1h 2m", 2.0),
    ({}, "Requests per Minute (actual/limit): 60/60. It resets in: 5m", 300.0),
    ({}, "try later", None),
]


@pytest.mark.parametrize(("headers", "text", "seconds"), WAITS)
def test_the_time_to_wait_is_read_from_header_or_words(
    headers: dict[str, str], text: str, seconds: float | None
) -> None:
    assert retry_after_of(headers, text) == seconds


def test_P1_the_wait_reaches_the_problem() -> None:
    assert of(429, {"error": "Too many requests"}, {"retry-after": "12"}).retry_after == 12
    assert of(429, {"code": "subscription:free-usage-exhausted", "error": "used"}).retry_after == 86_400
    assert of(429, b"").retry_after is None
    assert classify_error({"code": 8, "message": "resets in: 2m"}).retry_after == 120


@settings(max_examples=200)
@given(st.integers(100, 599), st.binary(max_size=300))
def test_any_answer_is_some_problem_without_html(status: int, body: bytes) -> None:
    problem = of(status, body)
    assert "<html" not in problem.message.lower() or not is_page(body)
    assert len(problem.message) < 400


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.dictionaries(st.sampled_from(["error", "code", "message", "x"]), inner),
)


@given(NESTED)
def test_any_error_object_is_some_problem(error: object) -> None:
    assert classify_error(error).message


def test_a_deeply_nested_error_is_no_error_of_ours() -> None:
    body = b'{"error":' * 900 + b'"x"' + b"}" * 900
    assert of(400, body).kind is Kind.UPSTREAM_INVALID
