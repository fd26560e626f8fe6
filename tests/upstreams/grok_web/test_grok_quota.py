"""What grok.com is asked about a mode's quota, and what each answer means."""

import json

import pytest

from fake_http import FakeAnswer, FakeHttp
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, Told, TransportError
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.quota import GrokWebQuota
from grok2api.upstreams.grok_web.quota_wire import quota_call, read_quota

ACCOUNT = Credential("a-1", "tok.en")


def answer(**members: object) -> bytes:
    return json.dumps(members).encode()


def test_the_question_names_the_mode_of_the_wire_and_carries_the_account() -> None:
    call = quota_call("grok-420-computer-use-sa", ACCOUNT, WebOptions(cookies="cf=1"), "id-1")
    assert (call.method, call.url, call.account) == ("POST", "https://grok.com/rest/rate-limits", "a-1")
    assert json.loads(call.body) == {"modelName": "grok-420-computer-use-sa"}
    assert call.headers["Cookie"] == "sso=tok.en; sso-rw=tok.en; cf=1"
    assert call.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"windowSizeSeconds": 7200, "remainingQueries": 138, "totalQueries": 140}, Told(138, 140, 7200)),
        ({"windowSizeSeconds": 7200, "remainingQueries": 0, "totalQueries": 0}, Told(0, 0, 7200)),
        ({"windowSizeSeconds": 7200, "remainingQueries": 5}, Told(5, 5, 7200)),
        ({"windowSizeSeconds": 7200, "remainingQueries": 9, "totalQueries": 5}, Told(9, 9, 7200)),
        ({"windowSizeSeconds": 7200, "remainingQueries": -3, "totalQueries": 5}, Told(0, 5, 7200)),
        (
            {"windowSizeSeconds": 60, "remainingQueries": 1, "totalQueries": 2, "error": None, "new": {"x": 1},
             "lowEffortRateLimits": None, "highEffortRateLimits": None},
            Told(1, 2, 60),
        ),
    ],
)  # fmt: skip
def test_an_answer_tells_a_window(members: dict[str, object], told: Told) -> None:
    assert read_quota(answer(**members)) == told


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (answer(windowSizeSeconds=7200, totalQueries=140), Kind.UPSTREAM),
        (answer(windowSizeSeconds=7200, remainingQueries="many", totalQueries=140), Kind.UPSTREAM),
        (answer(windowSizeSeconds=7200, remainingQueries=True, totalQueries=140), Kind.UPSTREAM),
        (answer(remainingQueries=3, totalQueries=140), Kind.UPSTREAM),
        (
            answer(windowSizeSeconds=7200, remainingTokens=80, totalTokens=80, lowEffortRateLimits={"cost": 1}),
            Kind.UPSTREAM,
        ),
        (b"[]", Kind.UPSTREAM),
        (b"", Kind.UPSTREAM),
        (b"\xff{", Kind.UPSTREAM),
        (b"<!doctype html><title>Just a moment...</title>", Kind.CHALLENGE),
        (answer(error={"code": 8, "message": "Too many requests"}), Kind.RATE_LIMITED),
    ],
)
def test_what_is_no_count_is_refused_with_its_bytes(body: bytes, kind: Kind) -> None:
    with pytest.raises(Refusal) as refusal:
        read_quota(body)
    assert refusal.value.problem.kind is kind
    if kind is Kind.UPSTREAM and body:
        assert refusal.value.problem.evidence


def source(http: FakeHttp) -> GrokWebQuota:
    return GrokWebQuota(http, WebOptions, lambda: "id-1")


async def test_the_source_translates_the_mode_and_reads_the_answer() -> None:
    http = FakeHttp(FakeAnswer(pieces=[answer(windowSizeSeconds=7200, remainingQueries=4, totalQueries=50)]))
    assert await source(http).ask(ACCOUNT, "grok43") == Told(4, 50, 7200)
    assert json.loads(http.calls[0].body) == {"modelName": "grok-420-computer-use-sa"}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b'{"code":16,"message":"[WKE=unauthenticated:bad-credentials]"}', Kind.CREDENTIAL),
        (401, b"", Kind.UNAUTHORIZED),
        (403, b'{"code":7,"message":"User is blocked [WKE=unauthorized:blocked-user]"}', Kind.BLOCKED),
        (403, b"<html>Just a moment</html>", Kind.CHALLENGE),
        (403, b'{"code":7,"message":"Not available on your plan."}', Kind.MODE_REFUSED),
        (429, b"", Kind.RATE_LIMITED),
        (502, b"", Kind.UPSTREAM_DOWN),
    ],
)
async def test_a_refusal_is_classified_like_any_other(status: int, body: bytes, kind: Kind) -> None:
    with pytest.raises(Refusal) as refusal:
        await source(FakeHttp(FakeAnswer(status, [body]))).ask(ACCOUNT, "fast")
    assert refusal.value.problem.kind is kind


async def test_a_way_that_fails_is_told_as_it_is() -> None:
    broken = TransportError(Problem(kind=Kind.UNREACHABLE, message="no way"))
    with pytest.raises(TransportError):
        await source(FakeHttp(broken)).ask(ACCOUNT, "fast")
