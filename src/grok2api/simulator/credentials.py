"""Who is asking: cookies, keys and proofs, checked as the real hosts check them."""

from typing import Any

import msgspec
from aiohttp import web

from grok2api.catalog import Tier
from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.answering import Stop, Wire, refusal
from grok2api.simulator.delivery import plain
from grok2api.simulator.dpop import ProofRefused
from grok2api.simulator.journal import Entry, cookies
from grok2api.simulator.render import encode
from grok2api.simulator.world import World


def native_error(status: int, code: str, error: str, headers: dict[str, str] | None = None) -> Stop:
    """An error in the console's words."""
    return Stop(plain(encode({"code": code, "error": error}), status=status, headers=headers or {}))


def grpc_error(status: int, code: int, message: str) -> Stop:
    """An error in grok.com's words."""
    return Stop(plain(encode({"code": code, "message": message, "details": []}), status=status))


def signed_in(world: World, entry: Entry, wire: Wire) -> SimAccount:
    """The account of the `sso` cookie. Stops with 401 when there is none or `sso-rw` differs."""
    found = cookies(entry.headers.get("cookie", ""))
    token = found.get("sso")
    account = world.accounts.get(token or "")
    if account is None or account.tier is Tier.API:
        raise refusal("401", wire)
    if found.get("sso-rw", token) != token:
        entry.notes.append("sso-rw differs from sso")
        raise refusal("401", wire)
    entry.account = account.token
    return account


def keyed(world: World, entry: Entry, wire: Wire) -> SimAccount:
    """The account of an API key. Stops with 400 for an unknown key, as the official API does."""
    key = entry.headers.get("authorization", "").removeprefix("Bearer ")
    account = world.accounts.get(key)
    if account is None or account.tier is not Tier.API:
        raise refusal("400-key", wire)
    entry.account = account.token
    return account


def proven(world: World, request: web.Request, entry: Entry, account: SimAccount) -> None:
    """Stops unless the console's authorization is good: a plain bearer value, or a proof of possession."""
    scheme, _, value = entry.headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" and value:
        if world.options.require_dpop or account.console_requires_dpop:
            raise native_error(403, "unauthorized:dpop-required", "DPoP proof required but was not verified.")
        return
    if scheme != "DPoP" or not value:
        raise native_error(401, "unauthenticated:missing-authorization", "The Authorization header is missing.")
    proofs = request.headers.getall("DPoP", [])
    try:
        if len(proofs) != 1:
            raise ProofRefused("there must be one DPoP header")
        url = str(request.url.with_query(None).with_fragment(None))
        world.issuer.check(value, proofs[0], method=request.method, url=url, subject=account.user_id, now=world.now())
    except ProofRefused as wrong:
        entry.notes.append(f"dpop: {wrong}")
        kind = "invalid_token" if wrong.about_token else "invalid_dpop_proof"
        challenge = {"WWW-Authenticate": f'DPoP error="{kind}", algs="ES256"'}
        raise native_error(401, f"unauthorized:{kind.replace('_', '-')}", f"DPoP: {wrong}.", challenge) from wrong


async def read_object(request: web.Request, entry: Entry) -> dict[str, Any]:
    """The JSON object of a body, noted in the journal. Stops with 400 (code 3) when it is none."""
    raw = await request.read()
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError as broken:
        entry.body = raw.decode("utf-8", "replace")
        raise grpc_error(400, 3, "The request body is not valid JSON.") from broken
    entry.body = body
    if not isinstance(body, dict):
        raise grpc_error(400, 3, "The request body is not an object.")
    return body
