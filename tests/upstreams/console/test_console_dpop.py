"""Proofs of possession, checked by a verifier of the test's own."""

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from grok2api.upstreams.console.dpop import ProofKey, Token, read_token


def unpacked(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(proof: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and claims of a compact JWS, if its own key signed it."""
    head, claims, signature = proof.split(".")
    header = json.loads(unpacked(head))
    numbers = [int.from_bytes(unpacked(header["jwk"][name]), "big") for name in ("x", "y")]
    key = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
    raw = unpacked(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    return header, json.loads(unpacked(claims))


def prove(key: ProofKey, **members: Any) -> str:
    members = {"method": "post", "url": "https://console.x.ai:8443/v1/responses?a=1#b", **members}
    return key.proof(**{"token": "tok", "jti": "id-1", "issued_at": 1_800_000_000, **members})


def test_a_proof_is_a_signed_statement_about_one_call() -> None:
    key = ProofKey()
    header, claims = verified(prove(key))
    assert header == {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk}
    assert claims == {
        "jti": "id-1",
        "htm": "POST",
        "htu": "https://console.x.ai:8443/v1/responses",
        "iat": 1_800_000_000,
        "ath": base64.urlsafe_b64encode(hashlib.sha256(b"tok").digest()).rstrip(b"=").decode(),
    }


def test_many_keys_and_proofs_verify_with_short_numbers_too() -> None:
    for _ in range(150):
        key = ProofKey()
        assert all(len(unpacked(key.jwk[name])) == 32 for name in ("x", "y"))
        verified(prove(key))


def test_a_changed_proof_does_not_verify() -> None:
    head, _, signature = prove(ProofKey()).split(".")
    other = prove(ProofKey(), jti="id-2").split(".")[1]
    with pytest.raises(InvalidSignature):
        verified(f"{head}.{other}.{signature}")


def test_the_public_key_is_all_that_is_told() -> None:
    assert set(ProofKey().jwk) == {"kty", "crv", "x", "y"}


@pytest.mark.parametrize(
    ("body", "expires_at"),
    [
        (b'{"access_token":"t","token_type":"DPoP","expires_in":300}', 1300.0),
        (b'{"access_token":"t"}', 1300.0),
        (b'{"access_token":"t","expires_in":null}', 1300.0),
        (b'{"access_token":"t","expires_in":999999}', 4600.0),
    ],
)
def test_a_grant_is_read(body: bytes, expires_at: float) -> None:
    assert read_token(body, 1000.0) == Token("t", expires_at)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"access_token":""}', b'{"access_token":"a\\r\\nb"}', b"\xff"])
def test_what_is_no_grant_is_none(body: bytes) -> None:
    assert read_token(body, 1000.0) is None


def test_a_token_is_fresh_until_twenty_seconds_before_its_end_and_hides_itself() -> None:
    token = Token("very-secret", 100.0)
    assert (token.is_fresh(79.9), token.is_fresh(80.0)) == (True, False)
    assert "very-secret" not in repr(token)
