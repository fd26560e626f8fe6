"""Problems as HTTP answers: the dialect's own body, and the headers that tell a client whether to come back.

`Retry-After` goes with every 429 and 503; `x-should-retry: false` with every 4xx that would fail again (C7).
"""

import math
from collections.abc import Mapping

from grok2api.canonical.problem import Kind, Problem
from grok2api.dialects import openai_errors
from grok2api.dialects.anthropic_messages import MESSAGES

METHOD = Problem(kind=Kind.METHOD, message="This path takes POST", code="method_not_allowed", allow=("POST",))
#: Codex goes over to POST at once on 426, and only on that: any other refusal it tries seven times first.
NO_WEBSOCKET = Problem(kind=Kind.UPGRADE, message="WebSockets are not served here: send POST to this path")
INTERNAL = Problem(
    kind=Kind.INTERNAL, message="The gateway made a mistake; its log has the details under this request id"
)
DRAINING = Problem(kind=Kind.DRAINING, message="The gateway is shutting down; try again in a moment", code="draining")
STORE_AWAY = Problem(
    kind=Kind.UNAVAILABLE,
    message="The store cannot be reached now; try again in a moment",
    code="storage_unavailable",
)

#: Seconds told to a client when nothing better is known.
_DEFAULT_RETRY: Mapping[int, int] = {429: 5, 503: 5}

_WORTH_REPEATING = frozenset({408, 409, 425, 429})


def retry_headers(status: int, problem: Problem) -> list[tuple[str, str]]:
    """What the client is told about trying again, and with what."""
    headers: list[tuple[str, str]] = []
    if problem.allow:
        headers.append(("allow", ", ".join(problem.allow)))
    if problem.retry_after is not None and status in (429, 503, 502, 504):
        headers.append(("retry-after", str(max(1, math.ceil(problem.retry_after)))))
    elif status in _DEFAULT_RETRY:
        headers.append(("retry-after", str(_DEFAULT_RETRY[status])))
    if 400 <= status < 500 and status not in _WORTH_REPEATING:
        headers.append(("x-should-retry", "false"))
    if status == 426:  # RFC 9110 demands the protocol that is spoken instead; what follows an upgrade is not read
        headers += [("upgrade", "HTTP/1.1"), ("connection", "upgrade"), ("connection", "close")]
    return headers


def wrong_method(headers: Mapping[str, str]) -> Problem:
    """Why a request that is no POST is refused on a path that takes nothing else."""
    return NO_WEBSOCKET if headers.get("upgrade", "").lower() == "websocket" else METHOD


def speaks_anthropic(path: str, headers: Mapping[str, str]) -> bool:
    """Whether errors of this request are in Anthropic's envelope (the contract's section 10)."""
    return "anthropic-version" in headers or path.startswith("/v1/messages")


def render(problem: Problem, path: str, headers: Mapping[str, str], request_id: str = "") -> tuple[int, bytes]:
    """Status and body of a failure on any route."""
    if speaks_anthropic(path, headers):
        return MESSAGES.problem(problem, request_id)
    return openai_errors.render(problem)
