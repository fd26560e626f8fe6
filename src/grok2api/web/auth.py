"""Who may use `/v1/*`: the configured keys, compared in constant time.

No configured key means open mode. The key comes as `Authorization: Bearer` or `x-api-key`.
"""

import hmac
from collections.abc import Callable, Sequence

from grok2api.canonical.problem import Kind, Problem
from grok2api.web.asgi import Headers

_MISSING = Problem(
    kind=Kind.UNAUTHENTICATED,
    message="An API key is needed: send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'",
    code="invalid_api_key",
)
_WRONG = Problem(kind=Kind.UNAUTHENTICATED, message="The API key is not valid", code="invalid_api_key")


def presented(headers: Headers) -> str:
    """The key that the client presents; empty when it presents none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return headers.get("x-api-key", "").strip()


def authenticate(headers: Headers, keys: Sequence[str]) -> Problem | None:
    """Why the request may not pass, or None."""
    if not keys:
        return None
    key = presented(headers).encode("utf-8", "surrogateescape")
    if not key:
        return _MISSING
    matched = False
    for known in keys:
        matched |= hmac.compare_digest(key, known.encode())
    return None if matched else _WRONG


def owner(headers: Headers, keys: Sequence[str], fingerprint: Callable[[str], str]) -> str:
    """Whose a request is, as it may be written down: a fingerprint of the key, and nobody's in open mode."""
    return fingerprint(f"client key {presented(headers)}") if keys else ""
