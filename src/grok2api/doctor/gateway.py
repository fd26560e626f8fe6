"""The gateway itself: is one running at the address of the settings, and is it well?"""

import asyncio

import msgspec

from grok2api.banner import reachable
from grok2api.config.settings import Settings
from grok2api.doctor.findings import Finding, fail, good, note, warn
from grok2api.upstreams.base import Http, HttpCall, TransportError

SUBJECT = "gateway"
_TIMEOUT_SEC = 5.0


class _Ready(msgspec.Struct):
    status: str
    reason: str = ""


async def gateway(http: Http, settings: Settings) -> Finding:
    """What the gateway says of itself. `http` goes there straight."""
    address = reachable(settings.server.host, settings.server.port)
    try:
        async with asyncio.timeout(_TIMEOUT_SEC):
            health, _ = await _get(http, f"{address}/health")
            status, body = await _get(http, f"{address}/ready")
        ready = msgspec.json.decode(body, type=_Ready)
    except TransportError:
        return note(SUBJECT, f"nothing answers at {address}", "grok2api serve starts it")
    except TimeoutError:
        return fail(SUBJECT, f"{address} does not answer within {_TIMEOUT_SEC:g} s", "see its log; start it anew")
    except msgspec.DecodeError:
        health = status = 0
    if health != 200 or status not in (200, 503):
        mend = "end the other program, or choose another server.port"
        return fail(SUBJECT, f"another program answers at {address}", mend)
    if status == 503:
        return warn(SUBJECT, f"{address} runs and is not ready: {ready.reason or ready.status}", "see its log")
    return good(SUBJECT, f"{address} runs and is ready")


async def _get(http: Http, url: str) -> tuple[int, bytes]:
    async with http.send(HttpCall(method="GET", url=url, headers={"Accept": "application/json"})) as answer:
        return answer.status, await answer.head()
