"""What went wrong, as a value that flows like any other.

A `Problem` is made where something fails and rendered once, by the dialect, at the edge. Its `kind`
says who is to blame and decides three things by table, each kept where it is used: the HTTP status
and body (dialects), what it does to the account (accounts.lifecycle), and whether another account
may be tried (gateway). `message` is for the caller: what went wrong and what to do, no secrets.
`evidence` is for the log only.
"""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """The cause, in the field's words."""

    # the caller's
    INVALID = "invalid"  # 400
    MODEL_NOT_FOUND = "model_not_found"  # 400 (Anthropic: 404)
    NOT_FOUND = "not_found"  # 404
    METHOD = "method_not_allowed"  # 405
    UPGRADE = "upgrade_refused"  # 426: a WebSocket was asked for
    CONFLICT = "conflict"  # 409
    TOO_LARGE = "too_large"  # 413
    MEDIA_TYPE = "media_type"  # 415
    UNAUTHENTICATED = "unauthenticated"  # 401: the client's key
    REFUSED = "refused"  # 400: moderation or safety; never retried
    # the pool's
    NO_ACCOUNT = "no_account"  # 429 with retry_after
    # the upstream's, about the account
    RATE_LIMITED = "rate_limited"  # 429 upstream for (account, mode)
    ACCOUNT_LIMITED = "account_limited"  # 429 upstream that names the whole account
    UNAUTHORIZED = "unauthorized"  # bare 401
    CREDENTIAL = "credential"  # credential marker: the session is dead
    BLOCKED = "blocked"  # the account is blocked by name
    MODE_REFUSED = "mode_refused"  # a plain refusal of this mode for this account
    FORBIDDEN = "forbidden"  # unknown 403: a strike
    OUT_OF_CREDITS = "out_of_credits"  # 402
    # the upstream's, about the way there
    CHALLENGE = "challenge"  # challenge page, anti-bot rule, egress block
    UNREACHABLE = "unreachable"  # connect, TLS, DNS, reset before any answer
    # the upstream's, about itself
    UPSTREAM_DOWN = "upstream_down"  # 5xx
    TIMEOUT = "timeout"  # silent longer than allowed: 504
    EMPTY = "empty"  # a clean end with no content
    CUT = "cut"  # the stream broke
    UPSTREAM = "upstream"  # an error or a shape that we do not know: 502
    UPSTREAM_INVALID = "upstream_invalid"  # the upstream says the request is bad: 400
    # the answer's
    CALL_MISSING = "call_missing"  # a call was demanded and did not come: ask once more
    CALL_BROKEN = "call_broken"  # arguments that cannot be mended: ask once more
    FORMAT_BROKEN = "format_broken"  # the answer is not the JSON that was asked for: ask once more
    # ours
    DRAINING = "draining"  # 503
    UNAVAILABLE = "unavailable"  # 503: storage and the like
    INTERNAL = "internal"  # 500


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One failure.

    retry_after: seconds until it is worth trying again, when known.
    code: the stable word clients match on; empty means the dialect's default for the kind.
    param: the field at fault, as the client spelled it (`messages.3.content.0.type`).
    allow: the methods that the path takes, for `METHOD`.
    upstream_status: the HTTP status the upstream answered, when it answered one.
    evidence: the first bytes of what the upstream said; for the log, never for the caller.
    """

    kind: Kind
    message: str
    code: str = ""
    param: str | None = None
    retry_after: float | None = None
    allow: tuple[str, ...] = ()
    upstream_status: int | None = None
    evidence: bytes = b""


class Refusal(Exception):  # noqa: N818 - it leaves a layer early; the Problem in it is the error
    """Carries a `Problem` out of a pure decoder or builder to the edge that renders it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def invalid(message: str, param: str | None = None, code: str = "invalid_value") -> Refusal:
    """The caller's field `param` is wrong, and `message` says how to mend it."""
    return Refusal(Problem(kind=Kind.INVALID, message=message, param=param, code=code))
