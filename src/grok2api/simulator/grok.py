"""grok.com over REST: conversations, rate limits, the session.

Checks what the real host checks: the cookie, the fields of any of the three known request variants, whether
the account's tier has the mode, what is left of that mode's window, and whose the attached files are.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from grok2api.catalog import MODES
from grok2api.simulator import grok_media, render_web
from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.answering import Wire, check_state, decide, deliver, refusal, side_faults
from grok2api.simulator.credentials import grpc_error, read_object, signed_in
from grok2api.simulator.delivery import Delivery, plain
from grok2api.simulator.journal import Entry, cookies
from grok2api.simulator.reading import read_message
from grok2api.simulator.render import Ids, encode
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.world import World

WIRE = Wire("web", render_web.render, render_web.error, "application/json")

_WEB_MODES = frozenset(wire for mode, wire in MODES.items() if mode != "console")
_LEGACY_MODES: Mapping[str, str] = {
    "MODEL_MODE_AUTO": "auto",
    "MODEL_MODE_FAST": "fast",
    "MODEL_MODE_EXPERT": "expert",
    "MODEL_MODE_HEAVY": "heavy",
    "MODEL_MODE_GROK_420": MODES["grok43"],
}
_BOOLEANS = (
    "temporary", "disableMemory", "searchAllConnectors", "enableImageGeneration", "enableImageStreaming",
    "returnImageBytes", "returnRawGrokInXaiRequest", "enableSideBySide", "forceSideBySide", "forceConcise",
    "isAsyncChat", "disableSearch", "disableSelfHarmShortCircuit", "disableTextFollowUps", "sendFinalMetadata",
    "isReasoning",
)  # fmt: skip
_LISTS = ("fileAttachments", "imageAttachments", "collectionIds", "connectors", "disabledConnectorIds")
_OBJECTS = ("toolOverrides", "responseMetadata", "deviceEnvInfo", "mediaGenInput")
_TEXTS = ("message", "modeId", "modelName", "modelMode", "customPersonality", "responseId", "parentResponseId", "kind")

#: Every field of the three request variants -> the type it must have.
FIELDS: Mapping[str, type] = {
    **dict.fromkeys(_BOOLEANS, bool),
    **dict.fromkeys(_LISTS, list),
    **dict.fromkeys(_OBJECTS, dict),
    **dict.fromkeys(_TEXTS, str),
    "imageGenerationCount": int,
}


async def new_conversation(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /rest/app-chat/conversations/new`."""
    return await _converse(world, request, entry, None)


async def next_turn(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /rest/app-chat/conversations/{id}/responses`."""
    return await _converse(world, request, entry, request.match_info["conversation"])


async def _converse(world: World, request: web.Request, entry: Entry, conversation: str | None) -> Delivery:
    account = signed_in(world, entry, WIRE)
    body = await read_object(request, entry)
    _check_fields(world, body, entry)
    if body.get("modelName") in grok_media.MODELS:
        return grok_media.make(world, entry, account, body)
    mode = entry.mode = _mode(body)
    message = body.get("message", "")
    files = [str(file) for file in body.get("fileAttachments", ())]
    asked = read_message(message, mode=mode, search=not body.get("disableSearch", False), files=world.names_of(files))
    turn = decide(world, WIRE, Seen(endpoint="web", account=account.token, mode=mode, message=message), asked)
    entry.faults = [str(fault) for fault in turn.faults]
    check_state(account.state, WIRE)
    if not message.strip():
        raise grpc_error(400, 3, "The message is empty.")
    check_attached(world, account, files)
    _check_turn(world, account, conversation, body.get("responseId"))
    spend(world, account, mode)
    ids = Ids(
        conversation or world.fresh_id(),
        world.fresh_id(),
        world.fresh_id(),
        continued=conversation is not None,
        owner=account.user_id,
    )
    world.remember(ids.conversation, account.token, ids.user, ids.answer)
    grok_media.keep_pictures(world, account, turn.script, ids)
    return deliver(world, WIRE, turn, message, ids)


def _check_fields(world: World, body: Mapping[str, Any], entry: Entry) -> None:
    """Stops with 400 for a field of the wrong type; unknown ones are noted, or refused when strict."""
    for name, value in body.items():
        kind = FIELDS.get(name)
        if kind is None:
            entry.notes.append(f"unknown field: {name}")
            if world.options.strict:
                raise grpc_error(400, 3, f"Unknown field: {name}.")
        elif not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise grpc_error(400, 3, f"Invalid type of field {name}.")


def _mode(body: Mapping[str, Any]) -> str:
    """The wire mode of any of the three variants; stops with 400 when none is named or it is unknown."""
    mode = body.get("modeId")
    if mode is None:
        mode = _LEGACY_MODES.get(body.get("modelMode", ""), "auto" if "modelName" in body else None)
    if mode not in _WEB_MODES:
        raise grpc_error(400, 3, "Unknown or missing mode.")
    return str(mode)


def _check_turn(world: World, account: SimAccount, conversation: str | None, parent: object) -> None:
    """A next turn must belong to a conversation of this account and follow one of its turns."""
    if conversation is None:
        return
    known = world.conversations.get(conversation)
    if known is None or known.token != account.token:
        raise grpc_error(404, 5, "Conversation not found.")
    if parent is not None and parent not in known.turns:
        raise grpc_error(404, 5, "Parent response not found.")


def check_attached(world: World, account: SimAccount, files: list[str]) -> None:
    """Stops with 404 unless all these files are the account's own."""
    if not all(world.holdings.owns(account.token, file) for file in files):
        raise grpc_error(404, 5, "An attached file was not found.")


def spend(world: World, account: SimAccount, mode: str) -> None:
    """Takes one query of a mode; stops with 403 when the tier lacks it and with 429 when none is left."""
    window = account.window(mode)
    if window is None or window.total <= 0:
        raise refusal("403-mode", WIRE)
    if world.options.metered and not window.take(world.now()):
        raise refusal("429", WIRE)


async def rate_limits(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /rest/rate-limits`: what is left of a mode; 0 of 0 for one that the tier lacks."""
    account = signed_in(world, entry, WIRE)
    body = await read_object(request, entry)
    name = body.get("modelName")
    mode = "auto" if "requestKind" in body and name not in _WEB_MODES else name
    entry.mode = mode if isinstance(mode, str) else None
    if mode not in _WEB_MODES:
        raise grpc_error(400, 3, "Unknown modelName.")
    window = account.window(str(mode))
    answer = {
        "windowSizeSeconds": window.seconds if window else 7200,
        "remainingQueries": window.left(world.now()) if window else 0,
        "totalQueries": window.total if window else 0,
        "lowEffortRateLimits": None,
        "highEffortRateLimits": None,
    }
    seen = Seen(endpoint="rate_limits", account=account.token, mode=str(mode))
    delivery = side_faults(world, WIRE, seen, plain(encode(answer)))
    check_state(account.state, WIRE)
    return delivery


async def session(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`GET /api/auth/session`: who the cookie belongs to; an unknown one is told so with 200."""
    token = cookies(entry.headers.get("cookie", "")).get("sso", "")
    account = world.accounts.get(token)
    entry.account = account.token if account else None
    delivery = side_faults(world, WIRE, Seen(endpoint="session", account=entry.account), plain(encode(_who(account))))
    if account is not None and account.state == "challenged":
        check_state(account.state, WIRE)
    return delivery


def _who(account: SimAccount | None) -> dict[str, Any]:
    if account is None or account.state in ("expired", "unauthorized"):
        return {"status": "unauthenticated"}
    if account.state == "blocked":
        return {"status": "blocked"}
    user = {"id": account.user_id, "email": account.email}
    held = {"userId": account.user_id, "email": account.email, "organizationId": ""}
    return {"status": "authenticated", "session": held, "user": user}
