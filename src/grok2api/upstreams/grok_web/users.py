"""Who an account's user is: asked of grok.com once for each account, and remembered.

Only the WebSocket needs it: the id stands in the address and in a cookie.
"""

from collections.abc import Mapping
from typing import Any

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, Http
from grok2api.upstreams.grok_web.call import session_call
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.reading import decode_any
from grok2api.upstreams.refusals import classify

_REMEMBERED = 10_000
_HEAD_BYTES = 65_536

_KIND_OF_STATUS: Mapping[str, Kind] = {"unauthenticated": Kind.UNAUTHORIZED, "blocked": Kind.BLOCKED}
_MESSAGES: Mapping[Kind, str] = {
    Kind.UNAUTHORIZED: f"{WHAT} did not accept the session of the account that was used",
    Kind.BLOCKED: f"{WHAT} has blocked the account that was used",
    Kind.UPSTREAM: f"{WHAT} did not say whose session this is",
}


class Users:
    """User ids by account id; the oldest go when there are too many."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._ids: dict[str, str] = {}

    async def id_of(self, credential: Credential, options: WebOptions, call_id: str) -> str:
        """The user id. Raises `Refusal` when grok.com does not tell, `TransportError` when it cannot be asked."""
        known = credential.user_id or self._ids.get(credential.account_id)
        if known:
            return known
        async with self._http.send(session_call(credential, options, call_id)) as answer:
            body = await answer.head(_HEAD_BYTES)
            if answer.status != 200:
                raise Refusal(classify(answer.status, answer.headers, body, what=WHAT))
        user_id = read_session(body)
        self._ids[credential.account_id] = user_id
        if len(self._ids) > _REMEMBERED:
            del self._ids[next(iter(self._ids))]
        return user_id


def read_session(body: bytes) -> str:
    """The user id in an answer of `/api/auth/session`. Raises `Refusal`."""
    value = decode_any(body)
    if value is None:
        raise Refusal(classify(200, {}, body, what=WHAT))
    status = value.get("status") if isinstance(value, dict) else None
    if status not in _KIND_OF_STATUS:
        for place, name in (("session", "userId"), ("user", "id"), ("user", "userId"), ("user", "sub")):
            inner: Any = value.get(place) if isinstance(value, dict) else None
            found = inner.get(name) if isinstance(inner, dict) else None
            if isinstance(found, str) and found:
                return found
    kind = _KIND_OF_STATUS.get(str(status), Kind.UPSTREAM)
    raise Refusal(Problem(kind=kind, message=_MESSAGES[kind]))
