"""What the official API says about a key, and what it means."""

import json

import pytest

from fake_http import FakeAnswer, FakeHttp
from grok2api.canonical.problem import Kind, Refusal
from grok2api.upstreams.base import Credential
from grok2api.upstreams.xai_api.options import ApiOptions
from grok2api.upstreams.xai_api.quota import ApiKeyHealth

KEY = Credential("a-1", "xai-secret")


def about(**flags: object) -> bytes:
    plain = {"team_blocked": False, "api_key_blocked": False, "api_key_disabled": False}
    return json.dumps({"redacted_api_key": "xai-...cret", **plain, **flags}).encode()


async def ask(status: int, body: bytes) -> FakeHttp:
    http = FakeHttp(FakeAnswer(status, [body]))
    await ApiKeyHealth(http, lambda: ApiOptions(base_url="https://api.x.ai/")).ask(KEY, "api")
    return http


async def test_a_key_that_is_well_is_asked_about_with_itself() -> None:
    (call,) = (await ask(200, about())).calls
    assert (call.method, call.url) == ("GET", "https://api.x.ai/v1/api-key")
    assert call.headers["Authorization"] == "Bearer xai-secret"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, about(team_blocked=True), Kind.BLOCKED),
        (200, about(api_key_blocked=True), Kind.BLOCKED),
        (200, about(api_key_disabled=True), Kind.CREDENTIAL),
        (200, b"{}", Kind.UPSTREAM),
        (200, b"[]", Kind.UPSTREAM),
        (200, b"", Kind.UPSTREAM),
        (400, b'{"code":"invalid-argument","error":"Incorrect API key provided: xa***om."}', Kind.CREDENTIAL),
        (401, b"", Kind.UNAUTHORIZED),
        (500, b"", Kind.UPSTREAM_DOWN),
    ],
)
async def test_a_key_that_is_not_well_is_told_so(status: int, body: bytes, kind: Kind) -> None:
    with pytest.raises(Refusal) as refusal:
        await ask(status, body)
    assert refusal.value.problem.kind is kind
    assert "xai-secret" not in str(refusal.value)
