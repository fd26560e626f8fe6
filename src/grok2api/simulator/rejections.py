"""The HTTP errors of the upstreams as a table: status, body and headers by name.

Pure data. Bodies carry the codes and markers of the real ones; grok.com and the console word some of
them differently, which is why a row may have a second body.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.simulator.render import encode

_CHALLENGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>"
    b'<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script></body></html>'
)
_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer that is not 200. `console` is the console's body when it has its own wording."""

    status: int
    body: bytes = b""
    console: bytes | None = None
    headers: Mapping[str, str] = {}
    media: str = "application/json"


def _grpc(code: int, message: str) -> bytes:
    return encode({"code": code, "message": message, "details": []})


def _native(code: str, error: str) -> bytes:
    return encode({"code": code, "error": error})


def _json(value: Any) -> bytes:
    return encode(value)


def _limit(unit: str, resets: str) -> bytes:
    return _native(
        "resource-exhausted",
        "Too many requests for team 1f0c0000-0000-4000-8000-000000000000 and model grok-4.3. "
        f"Your team's rate limit is - Requests per {unit} (actual/limit): 2/2.{resets}",
    )


_HTML = "text/html; charset=UTF-8"

#: name -> (rejection, what it stands for).
REJECTIONS: Mapping[str, tuple[Rejection, str]] = {
    "400": (
        Rejection(
            status=400,
            body=_grpc(3, "Invalid request."),
            console=_native("invalid-argument", "Invalid request."),
        ),
        "bad request",
    ),
    "400-key": (
        Rejection(status=400, body=_native("invalid-argument", "Incorrect API key provided: xa***om.")),
        "the official API does not know the key",
    ),
    "401": (
        Rejection(status=401, body=_grpc(16, "No credentials [WKE=unauthenticated:bad-credentials]")),
        "the session is wrong or over, with a credential marker",
    ),
    "401-session": (
        Rejection(status=401, body=b"Failed to look up session ID", media="text/plain"),
        "the session is over, in plain text",
    ),
    "401-bare": (Rejection(status=401), "401 with an empty body and no marker"),
    "402": (
        Rejection(status=402, body=_native("personal-team-blocked:spending-limit", "You have run out of credits")),
        "out of credits",
    ),
    "403": (Rejection(status=403, body=_json({"error": "Forbidden"})), "a 403 that says nothing we know"),
    "403-blocked": (
        Rejection(
            status=403,
            body=_grpc(7, "User is blocked [WKE=unauthorized:blocked-user]"),
            console=_native("unauthorized:blocked-user", "User is blocked"),
        ),
        "the account is blocked",
    ),
    "403-domain": (
        Rejection(status=403, body=_grpc(7, "Sign-in refused [WKE=unauthorized:email-domain-rejected]")),
        "the e-mail domain is refused",
    ),
    "403-challenge": (
        Rejection(status=403, body=_CHALLENGE, media=_HTML, headers={"Server": "cloudflare"}),
        "a challenge page",
    ),
    "403-empty": (
        Rejection(status=403, headers={"Server": "cloudflare"}, media=_HTML),
        "a challenge without a page",
    ),
    "403-anti-bot": (
        Rejection(
            status=403,
            body=_json({"error": {"code": 7, "message": "Request rejected by anti-bot rules.", "details": []}}),
        ),
        "an anti-bot rule",
    ),
    "403-mode": (
        Rejection(
            status=403,
            body=_grpc(7, "This mode is not available on your current plan."),
            console=_native("permission-denied", "This model is not available on your current plan."),
        ),
        "the account's tier lacks the mode",
    ),
    "403-moderated": (
        Rejection(
            status=403, body=_json({"error": {"code": "content-moderated", "message": "Content was moderated."}})
        ),
        "the request is moderated",
    ),
    "403-safety": (
        Rejection(
            status=403,
            body=_native("permission-denied", "Content violates usage guidelines. SAFETY_CHECK_TYPE_SIMULATED"),
        ),
        "a safety refusal",
    ),
    "403-dpop": (
        Rejection(
            status=403,
            body=_native("unauthorized:dpop-required", "DPoP proof required but was not verified."),
        ),
        "the console wants a proof of possession",
    ),
    "404": (
        Rejection(status=404, body=_grpc(5, "Not found."), console=_native("not-found", "Not found.")),
        "not found",
    ),
    "413": (Rejection(status=413, body=_grpc(3, "Request is too large.")), "too large"),
    "422": (
        Rejection(
            status=422,
            body=_grpc(3, "Invalid field format."),
            console=_native("invalid-argument", "Failed to deserialize the JSON body into the target type."),
        ),
        "invalid field format",
    ),
    "429": (
        Rejection(
            status=429,
            body=_json({"error": {"code": 8, "message": "Too many requests", "details": []}}),
            console=_native("resource-exhausted", "Too many requests"),
        ),
        "rate limited; `=S` adds `Retry-After: S`",
    ),
    "429-free": (
        Rejection(
            status=429,
            body=_native(
                "subscription:free-usage-exhausted",
                "You have used all free usage (actual/limit): 5100/5000; Usage resets over a rolling 24-hour window",
            ),
        ),
        "the account's free usage is used up",
    ),
    "429-second": (
        Rejection(status=429, body=_limit("Second", "")),
        "the console's limit per second and team, without a hint",
    ),
    "429-minute": (
        Rejection(status=429, body=_limit("Minute", "")),
        "the console's limit per minute and team, without a hint",
    ),
    "429-resets": (
        Rejection(status=429, body=_limit("Hour", " Your limit resets in: 1h 2m")),
        "the console's limit per team with `resets in: 1h 2m`",
    ),
    "500": (Rejection(status=500, body=_grpc(13, "Internal error.")), "an error of upstream's own"),
    "502": (Rejection(status=502, body=_grpc(14, "Bad gateway.")), "upstream is down, in JSON"),
    "502-html": (Rejection(status=502, body=_BAD_GATEWAY, media=_HTML), "upstream is down, as a page"),
    "503": (
        Rejection(status=503, body=_grpc(14, "Service unavailable.")),
        "upstream is busy; `=S` adds `Retry-After: S`",
    ),
    "503-challenge": (
        Rejection(status=503, body=_CHALLENGE, media=_HTML, headers={"Server": "cloudflare"}),
        "a challenge page with 503",
    ),
    "504": (Rejection(status=504, body=_grpc(14, "Gateway timeout.")), "upstream took too long"),
}

#: account state -> name of the rejection it answers with.
BY_STATE: Mapping[str, str] = {
    "expired": "401",
    "unauthorized": "401-bare",
    "blocked": "403-blocked",
    "challenged": "403-challenge",
}
