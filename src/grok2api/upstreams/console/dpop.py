"""Proofs of possession: a key, the token bound to it, and a signed proof for each call (RFC 9449, ES256 of RFC 7518).

Pure but for the making of a key. A proof names one method and one URL and is good for one call; time and its id come
from the caller. What is fetched where is the adapter's business.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_COORDINATE_BYTES = 32
_LONGEST_LIFE_SEC = 3600.0
_USUAL_LIFE_SEC = 300.0
_EARLY_SEC = 20.0


class Token(msgspec.Struct, frozen=True):
    """An access token. `expires_at` is on the clock of whoever fetched it, in seconds."""

    value: str
    expires_at: float

    def is_fresh(self, now: float) -> bool:
        """Whether it will last for another call; it is renewed a little before its end."""
        return now < self.expires_at - _EARLY_SEC

    def __repr__(self) -> str:
        return f"Token(until {self.expires_at:.0f})"


class _Grant(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[\x21-\x7e]+$")]
    expires_in: float | None = None


def read_token(body: bytes, now: float) -> Token | None:
    """The token that the token endpoint granted; `None` when the answer is no grant."""
    try:
        grant = msgspec.json.decode(body, type=_Grant)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    life = _USUAL_LIFE_SEC if grant.expires_in is None else grant.expires_in
    return Token(grant.access_token, now + min(life, _LONGEST_LIFE_SEC))


class ProofKey:
    """A fresh P-256 key. It never leaves the process."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        point = self._key.public_key().public_numbers()
        self.jwk = {
            "kty": "EC",
            "crv": "P-256",
            "x": _base64url(point.x.to_bytes(_COORDINATE_BYTES, "big")),
            "y": _base64url(point.y.to_bytes(_COORDINATE_BYTES, "big")),
        }

    def proof(self, *, method: str, url: str, token: str, jti: str, issued_at: int) -> str:
        """The value of the `DPoP` header for one call. `jti` is unique; `issued_at` is on the server's clock."""
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}
        claims = {
            "jti": jti,
            "htm": method.upper(),
            "htu": _target(url),
            "iat": issued_at,
            "ath": _base64url(sha256(token.encode()).digest()),
        }
        signed = f"{_segment(header)}.{_segment(claims)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ECDSA(SHA256())))
        signature = r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")
        return f"{signed}.{_base64url(signature)}"


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _segment(value: object) -> str:
    return _base64url(msgspec.json.encode(value))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
