"""What is sent to grok.com: headers, cookies, and the body that starts a conversation.

Pure. Every request is a new conversation with the whole history in it; nothing is continued. Cookies belong to one
account and one call, there is no jar. Browser values that the operator copied go through as they are.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, HttpCall
from grok2api.upstreams.grok_web.options import WebOptions

_PATH = "/rest/app-chat/conversations/new"
_OWN_COOKIES = ("sso", "sso-rw", "x-userid")
_NOT_PASSED = ("cookie", "host", "content-length", "content-type")

#: What does not change from one request to the next.
_CONSTANT = {
    "fileAttachments": [],
    "imageAttachments": [],
    "collectionIds": [],
    "connectors": [],
    "searchAllConnectors": False,
    "toolOverrides": {
        "gmailSearch": False,
        "googleCalendarSearch": False,
        "outlookSearch": False,
        "outlookCalendarSearch": False,
        "googleDriveSearch": False,
    },
    "enableImageGeneration": True,
    "enableImageStreaming": True,
    "imageGenerationCount": 2,
    "returnImageBytes": False,
    "returnRawGrokInXaiRequest": False,
    "enableSideBySide": True,
    "forceSideBySide": False,
    "forceConcise": False,
    "isAsyncChat": False,
    "disableSearch": False,
    "disableSelfHarmShortCircuit": False,
    "disableTextFollowUps": False,
    "sendFinalMetadata": True,
    "responseMetadata": {},
    "deviceEnvInfo": {
        "darkModeEnabled": False,
        "devicePixelRatio": 2,
        "screenWidth": 2056,
        "screenHeight": 1329,
        "viewportWidth": 2056,
        "viewportHeight": 1083,
    },
}


def chat_call(message: str, mode: str, credential: Credential, options: WebOptions, call_id: str) -> HttpCall:
    """The call that starts a conversation; `mode` is the wire's `modeId`. Raises `Refusal` for a broken session."""
    body = _CONSTANT | {
        "temporary": options.temporary,
        "modeId": mode,
        "message": message,
        "disableMemory": not options.memory,
    }
    if options.custom_instruction:
        body["customPersonality"] = options.custom_instruction
    headers = rest_headers(credential, options, call_id) | {"Content-Type": "application/json"}
    return HttpCall(
        method="POST",
        url=options.base_url + _PATH,
        headers=headers,
        body=msgspec.json.encode(body),
        account=credential.account_id,
    )


def session_call(credential: Credential, options: WebOptions, call_id: str) -> HttpCall:
    """The call that asks who the account's user is."""
    return HttpCall(
        method="GET",
        url=f"{options.base_url}/api/auth/session",
        headers=rest_headers(credential, options, call_id),
        account=credential.account_id,
    )


def rest_headers(credential: Credential, options: WebOptions, call_id: str) -> dict[str, str]:
    """Headers of every REST call; `call_id` is a new UUID."""
    origin = _origin(options.base_url)
    ours = {
        "Accept": "*/*",
        "Accept-Language": options.accept_language,
        "Origin": origin,
        "Referer": f"{origin}/",
        "User-Agent": options.user_agent,
        "Cookie": cookie(credential, options),
        "x-xai-request-id": call_id,
    }
    return _merged(ours, options.headers)


def socket_headers(credential: Credential, options: WebOptions, user_id: str) -> dict[str, str]:
    """Headers of a WebSocket's upgrade."""
    ours = {
        "Accept-Language": options.accept_language,
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Origin": _origin(options.base_url),
        "User-Agent": options.user_agent,
        "Cookie": cookie(credential, options, user_id),
    }
    return _merged(ours, options.headers)


def cookie(credential: Credential, options: WebOptions, user_id: str | None = None) -> str:
    """The one cookie string of a call: the account's, then the operator's without what would name another account."""
    token = credential.secret
    if not _is_cookie_value(token):
        raise Refusal(Problem(kind=Kind.CREDENTIAL, message="The account's session is not a usable cookie value"))
    pairs = [f"sso={token}", f"sso-rw={token}"]
    for pair in options.cookies.split(";"):
        name = pair.partition("=")[0].strip()
        if name and name not in _OWN_COOKIES:
            pairs.append(pair.strip())
    if user_id and _is_cookie_value(user_id):
        pairs.append(f"x-userid={user_id}")
    return "; ".join(pairs)


def _is_cookie_value(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and ";" not in value


def _origin(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _merged(ours: Mapping[str, str], operators: Mapping[str, str]) -> dict[str, str]:
    """Ours, unless empty, and the operator's, which win where the names meet."""
    theirs = {name: value for name, value in operators.items() if name.lower() not in _NOT_PASSED}
    taken = {name.lower() for name in theirs}
    return {name: value for name, value in ours.items() if value and name.lower() not in taken} | theirs
