"""Proof of possession (RFC 9449) from the server's side: issuing tokens, verifying proofs.

Pure but for the memory of used `jti`s. Tokens are JWTs signed by the issuer's own key and bound to the caller's
key by its thumbprint (`cnf.jkt`, RFC 7638). Every check of RFC 9449 section 4.3 that applies is made.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

TOKEN_LIFE = 300
_LEEWAY = 60
_ES256 = ec.ECDSA(hashes.SHA256())


class ProofRefused(Exception):  # noqa: N818 - an answer to the caller, not a bug
    """Says which check failed; `about_token` when it is the access token's fault."""

    def __init__(self, reason: str, *, about_token: bool = False) -> None:
        super().__init__(reason)
        self.about_token = about_token


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes of base64url without padding. Raises `ValueError`."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint of a P-256 key."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return b64(hashlib.sha256(msgspec.json.encode(members)).digest())


def public_key(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """The key of a JWK. Raises `ValueError` when it is no public P-256 key."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk:
        raise ValueError("the key is not a public P-256 key")
    coordinates = [int.from_bytes(unb64(str(jwk.get(name, "")))) for name in ("x", "y")]
    return ec.EllipticCurvePublicNumbers(coordinates[0], coordinates[1], ec.SECP256R1()).public_key()


def sign(key: ec.EllipticCurvePrivateKey, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """A compact ES256 JWT."""
    signed = f"{b64(msgspec.json.encode(header))}.{b64(msgspec.json.encode(claims))}"
    r, s = decode_dss_signature(key.sign(signed.encode(), _ES256))
    return f"{signed}.{b64(r.to_bytes(32) + s.to_bytes(32))}"


def _open(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    try:
        head, body, signature = token.split(".")
        header, claims = msgspec.json.decode(unb64(head)), msgspec.json.decode(unb64(body))
        raw = unb64(signature)
    except (ValueError, msgspec.DecodeError) as broken:
        raise ProofRefused("not a compact JWT") from broken
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ProofRefused("not a compact JWT")
    return header, claims, f"{head}.{body}".encode(), raw


def _verify(key: ec.EllipticCurvePublicKey, signed: bytes, raw: bytes) -> None:
    if len(raw) != 64:
        raise ProofRefused("the signature does not have 64 bytes")
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    try:
        key.verify(der, signed, _ES256)
    except InvalidSignature as wrong:
        raise ProofRefused("the signature is wrong") from wrong


class Issuer:
    """Issues access tokens and verifies requests that use them."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._used: dict[str, float] = {}

    def issue(self, jwk: Mapping[str, Any], subject: str, now: float) -> dict[str, Any]:
        """The body of a token answer. Raises `ValueError` for a key that is none."""
        public_key(jwk)
        claims = {"sub": subject, "iat": int(now), "exp": int(now) + TOKEN_LIFE, "cnf": {"jkt": thumbprint(jwk)}}
        token = sign(self._key, {"typ": "at+jwt", "alg": "ES256"}, claims)
        return {"access_token": token, "token_type": "DPoP", "expires_in": TOKEN_LIFE}

    def check(self, token: str, proof: str, *, method: str, url: str, subject: str, now: float) -> None:
        """Raises `ProofRefused` unless `proof` proves possession of the key that `token` is bound to."""
        bound_to = self._check_token(token, subject, now)
        header, claims, signed, raw = _open(proof)
        jwk = header.get("jwk")
        if header.get("typ") != "dpop+jwt":
            raise ProofRefused("typ is not dpop+jwt")
        if header.get("alg") != "ES256":
            raise ProofRefused("alg is not ES256")
        if not isinstance(jwk, dict):
            raise ProofRefused("the header has no jwk")
        try:
            key = public_key(jwk)
        except ValueError as broken:
            raise ProofRefused("jwk is no public P-256 key") from broken
        _verify(key, signed, raw)
        if thumbprint(jwk) != bound_to:
            raise ProofRefused("the token is bound to another key")
        self._check_claims(claims, token, method, url, now)

    def _check_token(self, token: str, subject: str, now: float) -> str:
        try:
            _, claims, signed, raw = _open(token)
            _verify(self._key.public_key(), signed, raw)
        except ProofRefused as wrong:
            raise ProofRefused(f"access token: {wrong}", about_token=True) from wrong
        if claims.get("sub") != subject:
            raise ProofRefused("the access token belongs to another account", about_token=True)
        if now >= float(claims["exp"]):
            raise ProofRefused("the access token is no longer valid", about_token=True)
        return str(claims["cnf"]["jkt"])

    def _check_claims(self, claims: Mapping[str, Any], token: str, method: str, url: str, now: float) -> None:
        if claims.get("htm") != method:
            raise ProofRefused("htm is not the request's method")
        if claims.get("htu") != url:
            raise ProofRefused("htu is not the request's URL without query")
        if claims.get("ath") != b64(hashlib.sha256(token.encode()).digest()):
            raise ProofRefused("ath is not the hash of the access token")
        issued = claims.get("iat")
        if isinstance(issued, bool) or not isinstance(issued, int | float) or abs(now - issued) > _LEEWAY:
            raise ProofRefused("iat is not within 60 seconds of now")
        self._remember(claims.get("jti"), now)

    def _remember(self, jti: object, now: float) -> None:
        if not isinstance(jti, str) or not jti:
            raise ProofRefused("jti is missing")
        self._used = (
            {one: until for one, until in self._used.items() if until > now} if len(self._used) > 4096 else self._used
        )
        if self._used.get(jti, 0.0) > now:
            raise ProofRefused("jti was used before")
        self._used[jti] = now + 2 * _LEEWAY
