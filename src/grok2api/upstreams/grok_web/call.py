"""What is sent to grok.com: headers, cookies, and the body that starts a conversation.

Pure. Every request is a new conversation with the whole history in it; nothing is continued. Cookies belong to one
account and one call, there is no jar. Browser values that the operator copied go through as they are.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from grok2api.upstreams.base import Credential, HttpCall, Pieces
from grok2api.upstreams.browser import cookie, merged, origin
from grok2api.upstreams.grok_web.options import WebOptions

CONVERSATION = "/rest/app-chat/conversations/new"

#: What does not change from one request to the next.
_CONSTANT = {
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


def chat_call(
    message: str,
    mode: str,
    credential: Credential,
    options: WebOptions,
    call_id: str,
    attachments: Sequence[str] = (),
) -> HttpCall:
    """The call that starts a conversation; `mode` is the wire's `modeId`, `attachments` are ids of uploaded files.

    Raises `Refusal` for a broken session.
    """
    body = _CONSTANT | {
        "fileAttachments": list(attachments),
        "temporary": options.temporary,
        "modeId": mode,
        "message": message,
        "disableMemory": not options.memory,
    }
    if options.custom_instruction:
        body["customPersonality"] = options.custom_instruction
    return post_call(CONVERSATION, body, credential, options, call_id)


def post_call(
    path: str, body: Any, credential: Credential, options: WebOptions, call_id: str, referer: str = "/"
) -> HttpCall:
    """A call with a JSON body; `referer` is the path of the page that it would come from."""
    headers = rest_headers(credential, options, call_id, referer) | {"Content-Type": "application/json"}
    return HttpCall(
        method="POST",
        url=options.base_url + path,
        headers=headers,
        body=body if isinstance(body, bytes | Pieces) else msgspec.json.encode(body),
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


def rest_headers(credential: Credential, options: WebOptions, call_id: str, referer: str = "/") -> dict[str, str]:
    """Headers of every REST call; `call_id` is a new UUID, or empty where none is sent."""
    here = origin(options.base_url)
    ours = {
        "Accept": "*/*",
        "Accept-Language": options.accept_language,
        "Origin": here,
        "Referer": here + referer,
        "User-Agent": options.user_agent,
        "Cookie": cookie(credential, options.cookies),
        "x-xai-request-id": call_id,
    }
    return merged(ours, options.headers)


def socket_headers(credential: Credential, options: WebOptions, user_id: str) -> dict[str, str]:
    """Headers of a WebSocket's upgrade."""
    ours = {
        "Accept-Language": options.accept_language,
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Origin": origin(options.base_url),
        "User-Agent": options.user_agent,
        "Cookie": cookie(credential, options.cookies, user_id),
    }
    return merged(ours, options.headers)
