"""What an upstream's refusal means: statuses, bodies and in-band errors become `Problem`s.

Pure, and shared by every xAI surface. One order of questions, because the same 403 can mean a dead session, a
blocked account, a moderated request, a challenge page or a mode that the account lacks, and only the words tell:
named rules first (`_RULES`), then the shape of a challenge page, then the status alone (`_BY_STATUS`). It is matched
on markers and codes, never on whole sentences. What the caller reads is ours; what the upstream said is kept in
`evidence` for the log. What a problem does to an account is decided by the account's own table.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from grok2api.canonical.problem import Kind, Problem

_EVIDENCE_BYTES = 400
_QUOTE_CHARACTERS = 240
_DEEPEST_ERROR = 4
_LONGEST_WAIT_SEC = 31 * 86_400.0
_FREE_WINDOW_SEC = 86_400.0

CONTENT_MODERATED = "content_moderated"
DPOP_REQUIRED = "dpop_required"


class _Words(NamedTuple):
    """An error in one shape, whichever of the known ones it came in. `text` is all of it, in lower case."""

    code: str
    message: str
    text: str
    page: bool = False


class _Rule(NamedTuple):
    """`kind`, when a marker is in the text and the status is one of `statuses` (none: any status)."""

    kind: Kind
    statuses: frozenset[int]
    markers: tuple[str, ...]
    code: str = ""


_SESSION = frozenset({400, 401, 403})
_CONTENT = frozenset({400, 403, 422, 451})
_CREDITS = frozenset({403, 429})
_ANY: frozenset[int] = frozenset()

# The first that fits wins.
_RULES = (
    _Rule(Kind.UPSTREAM, frozenset({401, 403}), ("dpop-required",), DPOP_REQUIRED),
    _Rule(Kind.BLOCKED, _SESSION, ("blocked-user", "user is blocked")),
    _Rule(Kind.BLOCKED, _SESSION, ("email-domain-rejected",), "email_domain_rejected"),
    _Rule(Kind.BLOCKED, _SESSION, ("account suspended",), "account_suspended"),
    _Rule(Kind.BLOCKED, _SESSION, ("team_blocked",), "team_blocked"),
    _Rule(
        Kind.CREDENTIAL,
        _SESSION,
        (
            "invalid-credentials",
            "bad-credentials",
            "failed to look up session id",
            "session not found",
            "token revoked",
            "token expired",
            "incorrect api key",
        ),
    ),
    _Rule(
        Kind.REFUSED,
        _CONTENT,
        ("content-moderated", "content_moderated", "safety_check_type", "violates usage guidelines"),
        CONTENT_MODERATED,
    ),
    _Rule(Kind.CHALLENGE, _ANY, ("anti-bot",)),
    _Rule(
        Kind.OUT_OF_CREDITS,
        _CREDITS,
        ("spending-limit", "spending limit", "run out of credits", "all available credits"),
    ),
    _Rule(
        Kind.ACCOUNT_LIMITED,
        frozenset({429}),
        ("free-usage-exhausted", "this account", "your account has", "for account", "account-wide", "account limit"),
    ),
)

_CHALLENGE_MARKERS = ("just a moment", "challenge-platform", "__cf_chl", "cf-chl-")

_BY_STATUS: Mapping[int, Kind] = {
    400: Kind.UPSTREAM_INVALID,
    401: Kind.UNAUTHORIZED,
    402: Kind.OUT_OF_CREDITS,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    405: Kind.UPSTREAM_INVALID,
    408: Kind.UPSTREAM_DOWN,
    413: Kind.TOO_LARGE,
    415: Kind.UPSTREAM_INVALID,
    422: Kind.UPSTREAM_INVALID,
    429: Kind.RATE_LIMITED,
}

# gRPC numbers and the words that newer surfaces use for them.
_STATUS_OF_CODE: Mapping[str, int] = {
    "3": 400,
    "4": 504,
    "5": 404,
    "7": 403,
    "8": 429,
    "13": 500,
    "14": 503,
    "16": 401,
    "invalid-argument": 400,
    "not-found": 404,
    "permission-denied": 403,
    "content-moderated": 403,
    "resource-exhausted": 429,
    "rate_limit_exceeded": 429,
    "server_error": 500,
    "internal": 500,
    "unavailable": 503,
    "unauthenticated": 401,
}
_STATUS_OF_PHRASE = (
    ("anti-bot", 403),
    ("too many requests", 429),
    ("rate limit", 429),
    ("rate_limit", 429),
    ("usage limit", 429),
    ("usage-exhausted", 429),
    ("unauthenticated", 401),
)
_PERMISSION_CODES = ("7", "permission-denied")

_MESSAGES: Mapping[Kind, str] = {
    Kind.CREDENTIAL: "{what} no longer accepts the session of the account that was used",
    Kind.BLOCKED: "{what} has blocked the account that was used",
    Kind.UNAUTHORIZED: "{what} did not accept the session of the account that was used",
    Kind.REFUSED: "{what} refused the content of this request; change it before sending it again",
    Kind.CHALLENGE: (
        "{what} asks for proof of a browser instead of answering. The operator must renew the cookies and the "
        "User-Agent of his own browser session in the configuration"
    ),
    Kind.MODE_REFUSED: "{what} does not let the account that was used have this model",
    Kind.FORBIDDEN: "{what} refused the account that was used",
    Kind.OUT_OF_CREDITS: "The account that was used has no credits left at {what}",
    Kind.RATE_LIMITED: "{what} limits the account that was used: too many requests for this model",
    Kind.ACCOUNT_LIMITED: "{what} limits the account that was used: its allowance is used up",
    Kind.UPSTREAM_INVALID: "{what} says that the request is invalid",
    Kind.NOT_FOUND: "{what} does not know something that the request refers to",
    Kind.TOO_LARGE: "{what} says that the request is too large; shorten it",
    Kind.UPSTREAM_DOWN: "{what} is in trouble; try again later",
    Kind.UPSTREAM: "{what} answered in a way that this version does not understand",
}
_QUOTED = (Kind.UPSTREAM_INVALID, Kind.UPSTREAM)

_RESETS_IN = re.compile(r"resets?\s+in:?\s*((?:\d+\s*[dhms]\b\s*)+)", re.IGNORECASE)
_SPAN = re.compile(r"(\d+)\s*([dhms])\b", re.IGNORECASE)
_UNIT_SEC = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_RATE = re.compile(r"per (second|minute)(?:\s*\(actual/limit\):\s*(\d{1,9})/(\d{1,9}))?", re.IGNORECASE)
_PER_SECOND = 2.0
_RATE_WAIT: Mapping[str, float] = {"second": _PER_SECOND, "minute": 60.0}


def classify(status: int, headers: Mapping[str, str], body: bytes, *, what: str) -> Problem:
    """The problem that an HTTP answer states. `what` names the upstream to the caller ("grok.com").

    `headers` have lower-case names; `body` is the first bytes, at least 400 when there are as many.
    """
    words = _read_body(body)
    kind, code = _judge(status, words, _is_challenge(status, headers, words))
    retry_after = retry_after_of(headers, words.text) if status in (429, 503) else None
    return _problem(kind, code, words, what, status, retry_after, body)


def classify_error(error: object, status_hint: int | None = None, *, what: str = "The upstream") -> Problem:
    """The problem that an error inside a stream states: a string, `{code, message}`, or one inside `error`.

    `status_hint` is an HTTP status known from elsewhere; the error's own code wins.
    """
    words = _read_error(error)
    status = _status_of(words) or status_hint
    challenged = status == 403 and words.code == "7" and not words.message
    kind, code = _judge(status, words, challenged)
    retry_after = retry_after_of({}, words.text) if status == 429 else None
    return _problem(kind, code, words, what, status_hint, retry_after, _encode(error))


def retry_after_of(headers: Mapping[str, str], text: str) -> float | None:
    """Seconds to wait: the `Retry-After` header, else "resets in: 1h 2m", else what a named rate takes.

    A limit per second is over in seconds, whatever window the text speaks of besides. A date in the header counts
    from the answer's own `Date`; without one it says nothing.
    """
    given = _header_wait(headers)
    if given is not None:
        return given
    rate = _rate_wait(text)
    found = _RESETS_IN.search(text)
    if found is None or rate == _PER_SECOND:
        return rate
    spans = _SPAN.findall(found.group(1))
    return min(float(sum(int(number[:9]) * _UNIT_SEC[unit.lower()] for number, unit in spans)), _LONGEST_WAIT_SEC)


def _rate_wait(text: str) -> float | None:
    """The wait of the longest rate that is reached; of the longest named, when no numbers tell."""
    named = [
        (_RATE_WAIT[unit.lower()], not limit or int(actual) >= int(limit))
        for unit, actual, limit in _RATE.findall(text)
    ]
    return max((wait for wait, reached in named if reached), default=max((wait for wait, _ in named), default=None))


def reason(body: bytes) -> str:
    """What the upstream said in so many words, for the operator: printable and short; empty for a page."""
    words = _read_body(body)
    return "" if words.page else _quoted(words.message or body.decode("utf-8", "replace"))


def is_page(body: bytes) -> bool:
    """Whether the bytes look like an HTML page."""
    return body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<head", b"<body"))


def _header_wait(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "").strip()
    if value.replace(".", "", 1).isdecimal() and value.isascii():
        return min(float(value), _LONGEST_WAIT_SEC)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(wait.total_seconds(), 0.0), _LONGEST_WAIT_SEC)


def _judge(status: int | None, words: _Words, challenged: bool) -> tuple[Kind, str]:
    for rule in _RULES:
        allowed = status is None or not rule.statuses or status in rule.statuses
        if allowed and any(marker in words.text for marker in rule.markers):
            return rule.kind, rule.code
    if challenged:
        return Kind.CHALLENGE, ""
    if status == 403 and words.code in _PERMISSION_CODES:
        return Kind.MODE_REFUSED, ""
    if status == 404 and words.page:
        return Kind.UPSTREAM, ""
    if status is None:
        return Kind.UPSTREAM, ""
    return _BY_STATUS.get(status, Kind.UPSTREAM_DOWN if status >= 500 else Kind.UPSTREAM), ""


def _is_challenge(status: int, headers: Mapping[str, str], words: _Words) -> bool:
    """A page that asks for a browser. A 403 without words from the edge is one too; an error page of a 502 is not."""
    if headers.get("cf-mitigated", "").lower() == "challenge" or any(m in words.text for m in _CHALLENGE_MARKERS):
        return True
    wordless = not words.text.strip() and "cloudflare" in headers.get("server", "").lower()
    return status == 403 and (words.page or wordless)


def _status_of(words: _Words) -> int | None:
    known = _STATUS_OF_CODE.get(words.code.lower())
    if known:
        return known
    if len(words.code) == 3 and words.code.isdecimal() and "400" <= words.code <= "599":
        return int(words.code)
    return next((status for phrase, status in _STATUS_OF_PHRASE if phrase in words.text), None)


def _read_body(body: bytes) -> _Words:
    text = body.decode("utf-8", "replace")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Words("", "", text.lower(), is_page(body))
    return _read_error(value)._replace(text=text.lower())


def _read_error(error: Any) -> _Words:
    if isinstance(error, str):
        return _Words("", error, error.lower(), is_page(error[:1024].encode("utf-8", "replace")))
    if not isinstance(error, dict):
        return _Words("", "", "")
    inner = error.get("error")
    for _ in range(_DEEPEST_ERROR):
        if not isinstance(inner, dict):
            break
        error, inner = inner, inner.get("error")
    code, message = error.get("code"), error.get("message", inner)
    code = str(code) if isinstance(code, str | int) and not isinstance(code, bool) else ""
    message = message if isinstance(message, str) else ""
    return _Words(code, message, f"{code} {message} {error.get('type', '')}".lower())


def _encode(error: object) -> bytes:
    try:
        return msgspec.json.encode(error)
    except (TypeError, ValueError, RecursionError):
        return repr(type(error)).encode()


def _quoted(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text[:_QUOTE_CHARACTERS]).strip()


def _problem(
    kind: Kind, code: str, words: _Words, what: str, status: int | None, retry_after: float | None, body: bytes
) -> Problem:
    if retry_after is None and "free-usage-exhausted" in words.text and kind is Kind.ACCOUNT_LIMITED:
        retry_after = _FREE_WINDOW_SEC
    message = _MESSAGES[kind].replace("{what}", what)
    if kind in _QUOTED and words.message and not words.page:
        message = f"{message}: {_quoted(words.message)}"
    return Problem(
        kind=kind,
        message=message,
        code=code,
        retry_after=retry_after,
        upstream_status=status,
        evidence=body[:_EVIDENCE_BYTES],
    )
