"""The calls as bytes, and what is said when they are refused; no network."""

import pytest

from fake_http import FakeAnswer, FakeHttp
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, TransportError
from grok2api.upstreams.grok_web.account_settings import AccountSettings
from grok2api.upstreams.grok_web.options import WebOptions

OPTIONS = WebOptions(
    base_url="https://grok.test",
    accounts_url="https://accounts.test",
    cookies="cf_clearance=c; sso=other",
    user_agent="UA",
)
WHO = Credential(account_id="acc_1", secret="secret-session")
FINE = bytes.fromhex("00000000008000000010677270632d7374617475733a20300d0a")


def refused(said: str) -> bytes:
    text = f"grpc-status: 7\r\ngrpc-message: {said}\r\n".encode()
    return b"\x80" + len(text).to_bytes(4, "big") + text


def settings(*script, options=OPTIONS):
    http = FakeHttp(*script)
    return AccountSettings(http, lambda: options, lambda: "uuid"), http


async def test_switching_on_accepts_the_terms_first():
    account, http = settings(FakeAnswer(pieces=[FINE]), FakeAnswer(pieces=[FINE[:7], FINE[7:]]))
    await account.nsfw(WHO, True)
    terms, switch = http.calls
    assert terms.url == "https://accounts.test/auth_mgmt.AuthManagement/SetTosAcceptedVersion"
    assert terms.body.hex() == "00000000021001"
    assert (terms.headers["Origin"], terms.headers["Referer"]) == (
        "https://accounts.test",
        "https://accounts.test/accept-tos",
    )
    assert switch.url == "https://grok.test/auth_mgmt.AuthManagement/UpdateUserFeatureControls"
    assert switch.body == bytes.fromhex("00000000200a021001121a0a18") + b"always_show_nsfw_content"
    assert (switch.headers["Origin"], switch.headers["Referer"]) == ("https://grok.test", "https://grok.test/?_s=data")
    for call in http.calls:
        assert (call.method, call.account) == ("POST", "acc_1")
        assert call.headers["Content-Type"] == "application/grpc-web+proto"
        assert (call.headers["X-Grpc-Web"], call.headers["X-User-Agent"]) == ("1", "connect-es/2.1.1")
        assert (call.headers["Accept"], call.headers["User-Agent"], call.headers["x-xai-request-id"]) == (
            "*/*",
            "UA",
            "uuid",
        )
        assert call.headers["Cookie"] == "sso=secret-session; sso-rw=secret-session; cf_clearance=c"


async def test_switching_off_is_one_call():
    account, http = settings(FakeAnswer(pieces=[FINE]))
    await account.nsfw(WHO, False)
    assert [call.body for call in http.calls] == [
        bytes.fromhex("00000000200a021000121a0a18") + b"always_show_nsfw_content"
    ]


async def test_refused_terms_end_it_and_the_reason_is_told_without_the_session():
    account, http = settings(FakeAnswer(pieces=[refused("not%20yours,%20secret-session")]))
    with pytest.raises(Refusal) as caught:
        await account.nsfw(WHO, True)
    assert len(http.calls) == 1
    assert caught.value.problem.kind is Kind.FORBIDDEN
    assert "accounts.x.ai refused the account" in caught.value.problem.message
    assert "not yours" in caught.value.problem.message
    assert "secret-session" not in caught.value.problem.message


async def kind_of(*script, options=OPTIONS) -> Kind:
    account, _ = settings(*script, options=options)
    with pytest.raises(Refusal) as caught:
        await account.accept_terms(WHO)
    return caught.value.problem.kind


async def test_the_ways_of_failing_are_told_apart():
    cut = TransportError(Problem(kind=Kind.CUT, message="cut"))
    away = TransportError(Problem(kind=Kind.UNREACHABLE, message="away"))
    assert await kind_of(away) is Kind.UNREACHABLE
    assert await kind_of(FakeAnswer(pieces=[FINE], error=cut)) is Kind.CUT
    assert await kind_of(FakeAnswer(error=cut)) is Kind.CUT
    assert await kind_of(FakeAnswer(401, [b'{"message":"bad-credentials"}'])) is Kind.CREDENTIAL
    assert await kind_of(FakeAnswer(headers={"grpc-status": "14"})) is Kind.UPSTREAM_DOWN
    assert await kind_of(FakeAnswer(pieces=[b"\x00\x00\x01\x00\x00", b"x" * 70_000, b"y"])) is Kind.UPSTREAM
    assert await kind_of(FakeAnswer(hangs=True), options=WebOptions(settings_timeout=0.01)) is Kind.TIMEOUT
