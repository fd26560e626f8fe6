"""Proofs of possession: a right one is accepted, each wrong one refused for its own reason."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from grok2api.catalog import Tier
from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.dpop import TOKEN_LIFE, Issuer, ProofRefused, b64, sign, thumbprint
from grok2api.simulator.world import World
from simulated import Clock, ask, cookie, post, simulating

NOW = 1_767_225_600.0
URL = "http://127.0.0.1:1/v1/responses"


class Holder:
    """A caller with a key."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32)), "y": b64(numbers.y.to_bytes(32))}

    def claims(self, token, **changed):
        right = {
            "jti": "one",
            "htm": "POST",
            "htu": URL,
            "iat": int(NOW),
            "ath": b64(hashlib.sha256(token.encode()).digest()),
        }
        return {name: value for name, value in {**right, **changed}.items() if value is not None}

    def proof(self, token, header=None, **changed):
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk, **(header or {})}
        return sign(self.key, head, self.claims(token, **changed))


HOLDER, OTHER = Holder(), Holder()


def issued(issuer, holder=HOLDER):
    return issuer.issue(holder.jwk, "user-1", NOW)["access_token"]


def check(issuer, token, proof, **changed):
    issuer.check(token, proof, **{"method": "POST", "url": URL, "subject": "user-1", "now": NOW, **changed})


def test_the_thumbprint_is_that_of_rfc_7638():
    jwk = {"kty": "EC", "crv": "P-256", "x": "a", "y": "b", "use": "sig"}
    assert thumbprint(jwk) == b64(hashlib.sha256(b'{"crv":"P-256","kty":"EC","x":"a","y":"b"}').digest())


def test_a_right_proof_is_accepted():
    issuer = Issuer()
    token = issued(issuer)
    check(issuer, token, HOLDER.proof(token))


WRONG = [
    ("typ", {"header": {"typ": "JWT"}}, "typ"),
    ("alg", {"header": {"alg": "HS256"}}, "alg"),
    ("no jwk", {"header": {"jwk": None}}, "no jwk"),
    ("private jwk", {"header": {"jwk": {**HOLDER.jwk, "d": "AAAA"}}}, "jwk"),
    ("other curve", {"header": {"jwk": {**HOLDER.jwk, "crv": "P-384"}}}, "jwk"),
    ("key in header is not the signer's", {"header": {"jwk": OTHER.jwk}}, "signature"),
    ("method", {"htm": "GET"}, "htm"),
    ("lower-case method", {"htm": "post"}, "htm"),
    ("url", {"htu": "http://127.0.0.1:1/v1/other"}, "htu"),
    ("url with query", {"htu": URL + "?a=1"}, "htu"),
    ("no htu", {"htu": None}, "htu"),
    ("hash", {"ath": b64(hashlib.sha256(b"another").digest())}, "ath"),
    ("no hash", {"ath": None}, "ath"),
    ("old", {"iat": NOW - 61}, "iat"),
    ("of the future", {"iat": NOW + 61}, "iat"),
    ("no time", {"iat": None}, "iat"),
    ("time as text", {"iat": "now"}, "iat"),
    ("no jti", {"jti": None}, "jti"),
    ("empty jti", {"jti": ""}, "jti"),
]


@pytest.mark.parametrize(("changed", "reason"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_proof_is_refused_for_its_reason(changed, reason):
    issuer = Issuer()
    token = issued(issuer)
    with pytest.raises(ProofRefused, match=reason):
        check(issuer, token, HOLDER.proof(token, **changed))


@pytest.mark.parametrize("offset", [-60, 0, 60])
def test_a_minute_of_skew_is_allowed(offset):
    issuer = Issuer()
    token = issued(issuer)
    check(issuer, token, HOLDER.proof(token, iat=NOW + offset))


def test_a_jti_is_used_once():
    issuer = Issuer()
    token = issued(issuer)
    proof = HOLDER.proof(token)
    check(issuer, token, proof)
    with pytest.raises(ProofRefused, match="jti"):
        check(issuer, token, proof)
    check(issuer, token, HOLDER.proof(token, jti="two"))


def test_a_proof_of_another_key_does_not_use_the_token():
    issuer = Issuer()
    token = issued(issuer)
    with pytest.raises(ProofRefused, match="another key"):
        check(issuer, token, OTHER.proof(token))


def test_a_changed_signature_is_refused():
    issuer = Issuer()
    token = issued(issuer)
    head, claims, _ = HOLDER.proof(token).split(".")
    with pytest.raises(ProofRefused, match="signature"):
        check(issuer, token, f"{head}.{claims}.{b64(bytes(64))}")


@pytest.mark.parametrize("proof", ["", "a.b", "a.b.c", "é.é.é", "bnVsbA.bnVsbA.AAAA"])
def test_what_is_no_jwt_is_refused(proof):
    issuer = Issuer()
    with pytest.raises(ProofRefused):
        check(issuer, issued(issuer), proof)


def test_a_token_is_refused_when_it_is_over_foreign_or_anothers():
    issuer = Issuer()
    token = issued(issuer)
    late = NOW + TOKEN_LIFE
    for changed in ({"now": late}, {"subject": "user-2"}):
        with pytest.raises(ProofRefused) as refused:
            check(issuer, token, HOLDER.proof(token, iat=late), **changed)
        assert refused.value.about_token
    with pytest.raises(ProofRefused) as refused:
        check(issuer, issued(Issuer()), HOLDER.proof(token))
    assert refused.value.about_token


async def test_the_console_wants_a_proof_and_then_takes_it():
    clock = Clock(NOW)
    account = SimAccount(token="t", tier=Tier.SUPER, console_requires_dpop=True)
    async with simulating(World([account], now=clock)) as running:
        url = f"{running.url}/v1/responses"
        body = {"model": "grok-4.3", "input": "hi"}
        bare = await post(url, body, {**cookie("t"), "Authorization": "Bearer anonymous"})
        assert (bare.status, bare.json["code"]) == (403, "unauthorized:dpop-required")

        granted = await post(f"{running.url}/v1/dpop/token", {"jwk": HOLDER.jwk}, cookie("t"))
        assert (granted.json["token_type"], granted.json["expires_in"]) == ("DPoP", TOKEN_LIFE)
        token = granted.json["access_token"]

        async def tried(proof):
            return await post(url, body, {**cookie("t"), "Authorization": f"DPoP {token}", "DPoP": proof})

        assert (await tried(HOLDER.proof(token, htu=url))).status == 200
        again = await tried(HOLDER.proof(token, htu=url))
        assert (again.status, again.json["code"]) == (401, "unauthorized:invalid-dpop-proof")
        assert 'error="invalid_dpop_proof"' in again.headers["WWW-Authenticate"]
        clock.advance(TOKEN_LIFE)
        over = await tried(HOLDER.proof(token, htu=url, jti="3", iat=clock.now))
        assert (over.status, over.json["code"]) == (401, "unauthorized:invalid-token")

        usage = f"{running.url}/v1/usage"
        clock.advance(-TOKEN_LIFE)
        proof = HOLDER.proof(token, htu=usage, htm="GET", jti="4")
        headers = {**cookie("t"), "Authorization": f"DPoP {token}", "DPoP": proof}
        assert (await ask("GET", f"{usage}?a=1", headers)).json["quotas"][0]["used"] == 1


@pytest.mark.parametrize("jwk", [None, {}, {"kty": "RSA"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}])
async def test_a_key_that_is_none_gets_no_token(simulator, jwk):
    assert (await post(f"{simulator.url}/v1/dpop/token", {"jwk": jwk}, cookie())).status == 400


async def test_the_date_header_is_that_of_the_world():
    async with simulating(World(now=Clock(NOW))) as running:
        got = await post(f"{running.url}/v1/dpop/token", {"jwk": HOLDER.jwk}, cookie())
    assert got.headers["Date"] == "Thu, 01 Jan 2026 00:00:00 GMT"
