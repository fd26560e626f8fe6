"""What calls to a session's hosts have in common: the cookie string, the origin, the operator's own headers.

Pure. One cookie string for one account and one call; there is no jar. What the operator copied from his own browser
goes through unchanged and wins over ours, except where it would name another account, host or authorization.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential

_OWN_COOKIES = ("sso", "sso-rw", "x-userid")
_NOT_PASSED = ("cookie", "host", "content-length", "content-type", "authorization", "dpop", "accept-encoding")


def cookie(credential: Credential, operators: str, user_id: str | None = None) -> str:
    """The cookie string: the account's, then the operator's. Raises `Refusal` for a session that is no cookie value."""
    token = credential.secret
    if not _is_cookie_value(token):
        raise Refusal(Problem(kind=Kind.CREDENTIAL, message="The account's session is not a usable cookie value"))
    pairs = [f"sso={token}", f"sso-rw={token}"]
    for pair in operators.split(";"):
        name = pair.partition("=")[0].strip()
        if name and name not in _OWN_COOKIES:
            pairs.append(pair.strip())
    user = user_id or credential.user_id
    if user and _is_cookie_value(user):
        pairs.append(f"x-userid={user}")
    return "; ".join(pairs)


def origin(base_url: str) -> str:
    """Scheme and host of a base URL."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


def merged(ours: Mapping[str, str], operators: Mapping[str, str]) -> dict[str, str]:
    """Our headers, unless empty, and the operator's, which win where the names meet."""
    theirs = {name: value for name, value in operators.items() if name.lower() not in _NOT_PASSED}
    taken = {name.lower() for name in theirs}
    return {name: value for name, value in ours.items() if value and name.lower() not in taken} | theirs


def _is_cookie_value(value: str) -> bool:
    return value.isascii() and value.isprintable() and not set(value) & set("; ,") and bool(value)
