"""Calls to console.x.ai as values: headers, cookies and addresses.

Pure. One cookie string for one account and one call. The operator's browser values go through unchanged and win over
ours, except where they would name another account, another host, or another authorization.
"""

from collections.abc import Mapping

import msgspec

from grok2api.upstreams.base import Credential, HttpCall, Pieces
from grok2api.upstreams.browser import cookie, merged, origin
from grok2api.upstreams.console.options import ConsoleOptions

_RESPONSES = "/v1/responses"
_USAGE = "/v1/usage"
_TOKEN = "/v1/dpop/token"  # noqa: S105 - a path


def responses_url(options: ConsoleOptions) -> str:
    """Where answers are asked for."""
    return options.base_url.rstrip("/") + _RESPONSES


def usage_url(options: ConsoleOptions) -> str:
    """Where quotas are asked for."""
    return options.base_url.rstrip("/") + _USAGE


def responses_call(
    body: bytes | Pieces, credential: Credential, options: ConsoleOptions, authorization: Mapping[str, str]
) -> HttpCall:
    """The call that asks for an answer. Raises `Refusal` for a session that is no cookie value."""
    headers = {**_headers(credential, options), "Accept": "text/event-stream", **authorization}
    return _post(responses_url(options), headers, body, credential)


def usage_call(credential: Credential, options: ConsoleOptions, authorization: Mapping[str, str]) -> HttpCall:
    """The call that asks what is left. Raises as `responses_call`."""
    headers = {**_headers(credential, options), "Accept": "*/*", **authorization}
    del headers["Content-Type"]
    return HttpCall(method="GET", url=usage_url(options), headers=headers, account=credential.account_id)


def token_call(jwk: Mapping[str, str], credential: Credential, options: ConsoleOptions) -> HttpCall:
    """The call that asks for a token bound to a key. Raises as `responses_call`."""
    headers = {**_headers(credential, options), "Accept": "*/*"}
    return _post(options.base_url.rstrip("/") + _TOKEN, headers, msgspec.json.encode({"jwk": jwk}), credential)


def _post(url: str, headers: Mapping[str, str], body: bytes | Pieces, credential: Credential) -> HttpCall:
    return HttpCall(method="POST", url=url, headers=headers, body=body, account=credential.account_id)


def _headers(credential: Credential, options: ConsoleOptions) -> dict[str, str]:
    here = origin(options.base_url)
    ours = {
        "Accept-Language": options.accept_language,
        "Content-Type": "application/json",
        "Origin": here,
        "Referer": f"{here}/",
        "User-Agent": options.user_agent,
        "x-cluster": options.cluster,
        "Cookie": cookie(credential, options.cookies),
    }
    return merged(ours, options.headers)
