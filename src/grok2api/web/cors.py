"""Pages of other origins in browsers: which of them may read what the gateway answers (CORS of the Fetch standard).

Pure. Answers are marked with `access-control-allow-origin`, and preflights, which browsers send without a key, are
answered at once. Only the client's side of the gateway is ever opened, never `/admin`. `/health` and `/meta` are, so
that a page can look for a gateway. No origin gets `access-control-allow-credentials`: keys come in headers, not in
cookies.
"""

import re
from collections.abc import Sequence

import msgspec

from grok2api.web.asgi import Scope
from grok2api.web.options import MODEL_HEADER

#: Every origin, in the settings and on the wire.
ANY = "*"

#: Seconds for which a browser remembers a preflight. None keeps it for longer than a day.
_REMEMBERED = 86400

_METHODS = b"GET, HEAD, POST, DELETE, OPTIONS"
#: The headers that a preflight may ask for: a list of names, and no longer than any client's.
_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, \t-]{1,4096}")
#: What a page may read of an answer besides its body, and what SDKs look for.
_EXPOSED = ", ".join(
    ("x-request-id", "request-id", "retry-after", "x-should-retry", MODEL_HEADER, "x-grok2api-ignored")
).encode()
_OUTSIDE = ("/health", "/meta")

_VARY = (b"vary", b"Origin")
_EXPOSE = (b"access-control-expose-headers", _EXPOSED)


class Verdict(msgspec.Struct, frozen=True):
    """headers: what the answer says besides. preflight: it is a preflight, and these headers are all of the answer."""

    headers: Sequence[tuple[bytes, bytes]]
    preflight: bool = False


def judge(scope: Scope, origins: Sequence[str]) -> Verdict | None:
    """What becomes of a request where these origins are allowed; None where it is served as if none were."""
    if not origins or not _open(scope["path"]):
        return None
    headers = dict(scope["headers"])
    vary = () if ANY in origins else (_VARY,)
    allowed = _allowed(headers.get(b"origin"), origins)
    if allowed is None:
        return Verdict(vary)
    allow = (b"access-control-allow-origin", allowed)
    if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
        return Verdict((allow, *vary, *_leave(headers.get(b"access-control-request-headers", b""))), preflight=True)
    return Verdict((allow, *vary, _EXPOSE))


def _open(path: str) -> bool:
    return path.startswith("/v1/") or path in _OUTSIDE


def _allowed(origin: bytes | None, origins: Sequence[str]) -> bytes | None:
    if ANY in origins:
        return ANY.encode()
    return origin if origin is not None and origin.decode("latin-1") in origins else None


def _leave(asked: bytes) -> list[tuple[bytes, bytes]]:
    """What a page may send: every method that there is, and the headers that it wants to.

    They are named one by one, because `*` does not stand for `authorization`.
    """
    told = [(b"access-control-allow-methods", _METHODS), (b"access-control-max-age", str(_REMEMBERED).encode())]
    if _NAMES.fullmatch(asked):
        told.append((b"access-control-allow-headers", asked))
    return told
