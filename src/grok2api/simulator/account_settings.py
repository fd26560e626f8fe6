"""The settings of an account: accepting the terms of service, and the switch for adult content.

Checks what the real hosts check, the messages to the byte and in their order: the switch cannot be turned on before the
terms are accepted. What was set is kept in the account. Nobody is asked for a date of birth here.
"""

from urllib.parse import urlsplit

from aiohttp import web

from grok2api.simulator import grpc
from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.answering import Stop, check_state, faults_of, spoil
from grok2api.simulator.credentials import signed_in
from grok2api.simulator.delivery import Delivery
from grok2api.simulator.faults import GRPC_REFUSED, Fault
from grok2api.simulator.grok import WIRE
from grok2api.simulator.journal import Entry
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.world import World

_HEADERS = {"content-type": grpc.MEDIA, "x-grpc-web": "1", "x-user-agent": "connect-es/2.1.1"}
_INVALID, _FORBIDDEN = 3, 7
_SWITCH = b"always_show_nsfw_content"


async def accept_terms(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /auth_mgmt.AuthManagement/SetTosAcceptedVersion`, of accounts.x.ai."""
    account, message, faults = await _asked(world, request, entry, "terms", "/accept-tos")
    if grpc.fields(message) != [(2, 1)]:
        raise _refused(_INVALID, "The version of the terms is missing.")
    account.terms_accepted = account.terms_accepted or not _refuses(faults)
    return spoil(grpc.answered(), faults, WIRE)


async def switch(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /auth_mgmt.AuthManagement/UpdateUserFeatureControls`, of grok.com."""
    account, message, faults = await _asked(world, request, entry, "features", "/?_s=data")
    enabled = _switched(message)
    if enabled is None:
        raise _refused(_INVALID, "Unknown feature control.")
    if enabled and not account.terms_accepted:
        raise _refused(_FORBIDDEN, "The terms of service must be accepted first.")
    account.nsfw = account.nsfw if _refuses(faults) else enabled
    return spoil(grpc.answered(), faults, WIRE)


async def _asked(
    world: World, request: web.Request, entry: Entry, endpoint: str, referer: str
) -> tuple[SimAccount, bytes, tuple[Fault, ...]]:
    """Who asks, for what, and what is to go wrong with the answer. Stops when the request is not in order."""
    body = await request.read()
    entry.body = body.hex()
    account = signed_in(world, entry, WIRE)
    faults = faults_of(world, WIRE, Seen(endpoint=endpoint, account=account.token))
    entry.faults = [str(fault) for fault in faults]
    check_state(account.state, WIRE)
    wrong = [name for name, value in _HEADERS.items() if entry.headers.get(name) != value]
    if _place(entry.headers.get("referer", "")) != referer or not entry.headers.get("origin"):
        wrong.append("referer")
    if wrong:
        entry.notes.append(f"wrong headers: {', '.join(wrong)}")
        raise _refused(_INVALID, "The request is not understood.")
    message = grpc.unframed(body)
    if message is None:
        raise _refused(_INVALID, "The body is not one frame.")
    return account, message, faults


def _refuses(faults: tuple[Fault, ...]) -> bool:
    return any(fault.name == GRPC_REFUSED for fault in faults)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _switched(message: bytes) -> bool | None:
    """What the switch is to be; `None` when the message is about something else."""
    found = dict(grpc.fields(message) or ())
    control, feature = found.get(1), found.get(2)
    if set(found) != {1, 2} or not isinstance(control, bytes) or not isinstance(feature, bytes):
        return None
    if grpc.fields(feature) != [(1, _SWITCH)]:
        return None
    wanted = grpc.fields(control)
    return bool(wanted[0][1]) if wanted in ([(2, 1)], [(2, 0)]) else None


def _refused(status: int, message: str) -> Stop:
    return Stop(grpc.answered(status, message))
