"""Calls to console.x.ai as values: headers, cookies and addresses.

Pure. One cookie string for one account and one call. The operator's browser values go through unchanged and win over
ours, except where they would name another account, another host, or another authorization.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, HttpCall
from grok2api.upstreams.console.options import ConsoleOptions

_RESPONSES = "/v1/responses"
_TOKEN = "/v1/dpop/token"  # noqa: S105 - a path
_OWN_COOKIES = ("sso", "sso-rw", "x-userid")
_NOT_PASSED = ("cookie", "host", "content-length", "content-type", "authorization", "dpop", "accept-encoding")


def responses_url(options: ConsoleOptions) -> str:
    """Where answers are asked for."""
    return options.base_url.rstrip("/") + _RESPONSES


def responses_call(
    body: bytes, credential: Credential, options: ConsoleOptions, authorization: Mapping[str, str]
) -> HttpCall:
    """The call that asks for an answer. Raises `Refusal` for a session that is no cookie value."""
    headers = {**_headers(credential, options), "Accept": "text/event-stream", **authorization}
    return _post(responses_url(options), headers, body, credential)


def token_call(jwk: Mapping[str, str], credential: Credential, options: ConsoleOptions) -> HttpCall:
    """The call that asks for a token bound to a key. Raises as `responses_call`."""
    headers = {**_headers(credential, options), "Accept": "*/*"}
    return _post(options.base_url.rstrip("/") + _TOKEN, headers, msgspec.json.encode({"jwk": jwk}), credential)


def _post(url: str, headers: Mapping[str, str], body: bytes, credential: Credential) -> HttpCall:
    return HttpCall(method="POST", url=url, headers=headers, body=body, account=credential.account_id)


def _headers(credential: Credential, options: ConsoleOptions) -> dict[str, str]:
    parts = urlsplit(options.base_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    ours = {
        "Accept-Language": options.accept_language,
        "Content-Type": "application/json",
        "Origin": origin,
        "Referer": f"{origin}/",
        "User-Agent": options.user_agent,
        "x-cluster": options.cluster,
        "Cookie": _cookie(credential, options.cookies),
    }
    theirs = {name: value for name, value in options.headers.items() if name.lower() not in _NOT_PASSED}
    taken = {name.lower() for name in theirs}
    return {name: value for name, value in ours.items() if value and name.lower() not in taken} | theirs


def _cookie(credential: Credential, operators: str) -> str:
    token = credential.secret
    if not _is_cookie_value(token):
        raise Refusal(Problem(kind=Kind.CREDENTIAL, message="The account's session is not a usable cookie value"))
    pairs = [f"sso={token}", f"sso-rw={token}"]
    for pair in operators.split(";"):
        name = pair.partition("=")[0].strip()
        if name and name not in _OWN_COOKIES:
            pairs.append(pair.strip())
    if credential.user_id and _is_cookie_value(credential.user_id):
        pairs.append(f"x-userid={credential.user_id}")
    return "; ".join(pairs)


def _is_cookie_value(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and not set(value) & set("; ,")
