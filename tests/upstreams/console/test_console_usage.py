"""What console.x.ai is asked about usage, how the question is authorized, and what each answer means."""

import json
from datetime import UTC, datetime

import pytest

from fake_http import FakeAnswer, FakeHttp
from grok2api.canonical.problem import Kind, Refusal
from grok2api.upstreams.base import Credential, Told
from grok2api.upstreams.console.access import Access
from grok2api.upstreams.console.options import ConsoleOptions
from grok2api.upstreams.console.quota import ConsoleQuota
from grok2api.upstreams.console.usage_wire import read_usage

ACCOUNT = Credential("a-1", "tok.en")
NOW = 1_767_225_600.0
DEMAND = b'{"code":"unauthorized:dpop-required","error":"DPoP proof required but was not verified."}'
GRANT = b'{"access_token":"token-%d","token_type":"DPoP","expires_in":300}'


def usage(**chat: object) -> bytes:
    kinds = ({"kind": "image", "limit": 1, "remaining": 1}, {"kind": "chat", **chat}, {"kind": "video"})
    return json.dumps({"quotas": kinds}).encode()


@pytest.mark.parametrize(
    ("chat", "told"),
    [
        ({"limit": 20, "used": 3, "remaining": 17, "last_consumed_at": 1767225600}, Told(17, 20, 3600, NOW)),
        (
            {"limit": 20, "used": 3, "remaining": 17, "last_consumed_at": "2026-01-01T00:00:00Z"},
            Told(17, 20, 3600, NOW),
        ),
        ({"limit": 20, "remaining": 17, "last_consumed_at": "2026-01-01T01:00:00+01:00"}, Told(17, 20, 3600, NOW)),
        ({"limit": 20, "remaining": 17, "last_consumed_at": "2026-01-01T00:00:00"}, Told(17, 20, 3600, NOW)),
        ({"limit": 20, "used": 0, "remaining": 20}, Told(20, 20, 3600)),
        ({"limit": 20, "used": 0, "remaining": 20, "last_consumed_at": "soon"}, Told(20, 20, 3600)),
        ({"limit": 20, "used": 23}, Told(0, 20, 3600)),
        ({"remaining": 5}, Told(5, 5, 3600)),
    ],
)
def test_the_count_of_chat_tells_a_window_of_an_hour(chat: dict[str, object], told: Told) -> None:
    assert read_usage(usage(**chat), "console.x.ai") == told
    assert datetime.fromtimestamp(NOW, UTC).isoformat() == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"quotas":[]}', b'{"quotas":[7]}', usage(limit=20), b"\xff"])
def test_an_answer_without_a_count_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        read_usage(body, "console.x.ai")
    assert refusal.value.problem.kind is Kind.UPSTREAM


def source(http: FakeHttp, auth: str = "auto") -> ConsoleQuota:
    ids = iter(f"id-{number}" for number in range(99))
    options = ConsoleOptions(auth=auth)  # type: ignore[arg-type]
    return ConsoleQuota(http, Access(http, lambda: NOW, lambda: next(ids)), lambda: options)


async def test_the_question_is_authorized_by_a_bearer_first() -> None:
    http = FakeHttp(FakeAnswer(pieces=[usage(limit=20, remaining=17)]))
    assert await source(http).ask(ACCOUNT, "console") == Told(17, 20, 3600)
    (call,) = http.calls
    assert (call.method, call.url, call.body) == ("GET", "https://console.x.ai/v1/usage", b"")
    assert call.headers["Authorization"] == "Bearer anonymous"
    assert "Content-Type" not in call.headers


async def test_a_demand_for_a_proof_is_met_and_a_refused_token_is_renewed_once() -> None:
    http = FakeHttp(
        FakeAnswer(403, [DEMAND]),
        FakeAnswer(pieces=[GRANT % 1]),
        FakeAnswer(401, [b"{}"]),
        FakeAnswer(pieces=[GRANT % 2]),
        FakeAnswer(pieces=[usage(limit=20, remaining=17)]),
    )
    assert await source(http).ask(ACCOUNT, "console") == Told(17, 20, 3600)
    assert [call.headers.get("Authorization") for call in http.calls if call.url.endswith("/usage")] == [
        "Bearer anonymous",
        "DPoP token-1",
        "DPoP token-2",
    ]


async def test_a_second_refusal_of_a_token_is_told() -> None:
    http = FakeHttp(
        FakeAnswer(pieces=[GRANT % 1]),
        FakeAnswer(401, [b""]),
        FakeAnswer(pieces=[GRANT % 2]),
        FakeAnswer(401, [b""]),
    )
    with pytest.raises(Refusal) as refusal:
        await source(http, "dpop").ask(ACCOUNT, "console")
    assert refusal.value.problem.kind is Kind.UNAUTHORIZED
    assert http.script == []


async def test_a_demand_that_the_operator_forbids_to_meet_is_told() -> None:
    with pytest.raises(Refusal) as refusal:
        await source(FakeHttp(FakeAnswer(403, [DEMAND])), "bearer").ask(ACCOUNT, "console")
    assert refusal.value.problem.kind is Kind.UPSTREAM


async def test_a_token_that_is_not_granted_is_told() -> None:
    with pytest.raises(Refusal) as refusal:
        await source(FakeHttp(FakeAnswer(503, [b""])), "dpop").ask(ACCOUNT, "console")
    assert refusal.value.problem.kind is Kind.UPSTREAM_DOWN
