"""What an account's settings are changed with: three gRPC-web calls as bytes.

Pure. The terms of service are accepted at accounts.x.ai, the switch for adult content is at grok.com. The messages
never change, so they stand here as bytes. Nothing is ever stated about the account's owner: where the upstream wants
to know more before it turns the switch, it refuses, and the operator reads why.
"""

from collections.abc import Mapping

from grok2api.upstreams.base import Credential, HttpCall
from grok2api.upstreams.browser import origin
from grok2api.upstreams.grok_web.call import rest_headers
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grpc_web import frame

_SERVICE = "/auth_mgmt.AuthManagement"
_TERMS_ACCEPTED = frame(bytes.fromhex("1001"))
_FEATURE = bytes.fromhex("121a0a18") + b"always_show_nsfw_content"
#: By whether it is to be on.
_SWITCH: Mapping[bool, bytes] = {
    True: frame(bytes.fromhex("0a021001") + _FEATURE),
    False: frame(bytes.fromhex("0a021000") + _FEATURE),
}
_WIRE_HEADERS = {
    "Content-Type": "application/grpc-web+proto",
    "X-Grpc-Web": "1",
    "X-User-Agent": "connect-es/2.1.1",
}


def terms_call(credential: Credential, options: WebOptions, call_id: str) -> HttpCall:
    """The call that accepts the terms of service. Raises `Refusal` for a broken session."""
    url = f"{options.accounts_url}{_SERVICE}/SetTosAcceptedVersion"
    referer = f"{origin(options.accounts_url)}/accept-tos"
    return _call(url, referer, _TERMS_ACCEPTED, credential, options, call_id)


def nsfw_call(credential: Credential, options: WebOptions, call_id: str, *, enabled: bool) -> HttpCall:
    """The call that turns adult content on or off. Raises `Refusal` for a broken session."""
    url = f"{options.base_url}{_SERVICE}/UpdateUserFeatureControls"
    referer = f"{origin(options.base_url)}/?_s=data"
    return _call(url, referer, _SWITCH[enabled], credential, options, call_id)


def _call(url: str, referer: str, body: bytes, credential: Credential, options: WebOptions, call_id: str) -> HttpCall:
    place = {"Origin": origin(url), "Referer": referer}
    headers = rest_headers(credential, options, call_id) | place | _WIRE_HEADERS
    return HttpCall(method="POST", url=url, headers=headers, body=body, account=credential.account_id)
