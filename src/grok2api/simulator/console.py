"""console.x.ai, and the official API's share of the same paths: responses, proofs, usage, models.

Both hosts speak the Responses wire. A request with an `xai-` key is the official API's; any other must
bring the cookie of an account and the console's authorization.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from grok2api.catalog import MODELS
from grok2api.simulator import render_console
from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.answering import Wire, check_state, decide, deliver, refusal, side_faults
from grok2api.simulator.credentials import keyed, native_error, proven, read_object, signed_in
from grok2api.simulator.delivery import Delivery, plain
from grok2api.simulator.journal import Entry
from grok2api.simulator.reading import read_body, words_of
from grok2api.simulator.render import Ids, encode
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.world import World

WIRE = Wire("console", render_console.render, render_console.error, "text/event-stream", on_console=True)

_MODELS = tuple(sorted({model.upstream_name for model in MODELS if model.upstream_name}))
_CREATED = 1767225600


def _of_api(entry: Entry) -> bool:
    return entry.headers.get("authorization", "").startswith("Bearer xai-")


async def responses(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /v1/responses`, streamed or whole."""
    by_key = _of_api(entry)
    account = keyed(world, entry, WIRE) if by_key else signed_in(world, entry, WIRE)
    entry.endpoint, entry.mode = ("api", "api") if by_key else ("console", "console")
    body = await read_object(request, entry)
    _check_body(body)
    asked = read_body(body)
    seen = Seen(
        endpoint=entry.endpoint, account=account.token, mode=entry.mode, model=body["model"], message=words_of(body)
    )
    turn = decide(world, WIRE, seen, asked)
    entry.faults = [str(fault) for fault in turn.faults]
    check_state(account.state, WIRE)
    if not by_key:
        proven(world, request, entry, account)
    _spend(world, account, entry.mode, body["model"])
    answer = world.fresh_id()
    return deliver(world, WIRE, turn, body, Ids("", "", answer), whole=not body.get("stream", False))


def _check_body(body: Mapping[str, Any]) -> None:
    """Stops with what upstream says about a bad argument."""
    if not isinstance(body.get("model"), str) or not isinstance(body.get("input"), str | list) or not body["input"]:
        raise refusal("422", WIRE)
    if body["model"] not in _MODELS:
        raise native_error(404, "not-found", f"The model {body['model'][:64]} does not exist or you cannot use it.")
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(
        isinstance(tool, dict) and isinstance(tool.get("type"), str) for tool in tools
    ):
        raise refusal("422", WIRE)
    names = Counter(str(tool.get("name") if tool["type"] == "function" else tool["type"]) for tool in tools)
    doubled = [name for name, count in names.items() if count > 1]
    if doubled:
        raise native_error(400, "invalid-argument", f"Duplicate tool names: {', '.join(doubled)}")
    if body.get("tool_choice") == "required" and not tools:
        raise native_error(400, "invalid-argument", "tool_choice is required but there are no tools.")


def _spend(world: World, account: SimAccount, mode: str, model: str) -> None:
    window = account.window(mode)
    if window is None or window.total <= 0:
        raise refusal("403-mode", WIRE)
    if world.options.metered and not window.take(world.now()):
        minutes = int(window.resets_in(world.now()) // 60) + 1
        raise native_error(
            429,
            "resource-exhausted",
            f"Too many requests for model {model}. Your limit is - Requests per Hour (actual/limit): "
            f"{window.total}/{window.total}. Your limit resets in: {minutes // 60}h {minutes % 60}m",
        )


async def dpop_token(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /v1/dpop/token`: an access token bound to the caller's key."""
    account = signed_in(world, entry, WIRE)
    body = await read_object(request, entry)
    jwk = body.get("jwk")
    try:
        if not isinstance(jwk, dict):
            raise ValueError("jwk is missing")
        issued = world.issuer.issue(jwk, account.user_id, world.now())
    except ValueError as wrong:
        raise native_error(400, "invalid-argument", f"Invalid jwk: {wrong}") from wrong
    delivery = side_faults(world, WIRE, Seen(endpoint="dpop_token", account=account.token), plain(encode(issued)))
    check_state(account.state, WIRE)
    return delivery


async def usage(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`GET /v1/usage`: chat from the account's window; images and videos are not used here."""
    account = signed_in(world, entry, WIRE)
    proven(world, request, entry, account)
    window = account.window("console")
    assert window is not None
    remaining = window.left(world.now())
    chat = {"kind": "chat", "limit": window.total, "used": window.total - remaining, "remaining": remaining}
    if window.last_used is not None:
        chat["last_consumed_at"] = int(window.last_used)
    rest = [{"kind": kind, "limit": 10, "used": 0, "remaining": 10} for kind in ("image", "video")]
    seen = Seen(endpoint="usage", account=account.token)
    delivery = side_faults(world, WIRE, seen, plain(encode({"quotas": [chat, *rest]})))
    check_state(account.state, WIRE)
    return delivery


async def models(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`GET /v1/models` of the official API."""
    account = keyed(world, entry, WIRE)
    check_state(account.state, WIRE)
    data = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "xai"} for name in _MODELS]
    listed = plain(encode({"object": "list", "data": data}))
    return side_faults(world, WIRE, Seen(endpoint="models", account=account.token), listed)


async def api_key(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`GET /v1/api-key` of the official API: the health of a key."""
    account = keyed(world, entry, WIRE)
    blocked = account.state == "blocked"
    about = {
        "redacted_api_key": f"xai-...{account.token[-4:]}",
        "user_id": account.user_id,
        "name": "simulated",
        "team_id": account.user_id,
        "acls": ["api-key:model:*", "api-key:endpoint:*"],
        "api_key_id": account.user_id,
        "team_blocked": False,
        "api_key_blocked": blocked,
        "api_key_disabled": account.state in ("expired", "unauthorized"),
    }
    return side_faults(world, WIRE, Seen(endpoint="api_key", account=account.token), plain(encode(about)))
