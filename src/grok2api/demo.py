"""`serve --demo`: the gateway with the simulator behind it and accounts that only the simulator knows.

Everything stays on this machine: the simulator listens on loopback, the accounts are kept apart in the demo's
own data directory, and no real upstream is contacted.
"""

import secrets
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from grok2api.accounts.model import Account, Kind, new_account
from grok2api.catalog import Tier
from grok2api.config.settings import Settings, Upstream
from grok2api.simulator.accounts import DEMO_ACCOUNTS
from grok2api.simulator.app import start
from grok2api.simulator.world import World, WorldOptions
from grok2api.storage.opening import store_for

#: Seconds between two frames: fast, but a person sees that it streams.
_DELAY = 0.02

_CURL = """\
try it:

  curl -N {address}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{{"model": "grok-4.20-auto", "stream": true,
         "messages": [{{"role": "user", "content": "Why is the sky blue?"}}]}}'
"""


@asynccontextmanager
async def demonstration(settings: Settings, data_dir: Path, address: str) -> AsyncIterator[tuple[Settings, list[str]]]:
    """A running simulator; yields settings that point at it, and what to tell the operator."""
    simulator = await start(World(options=WorldOptions(delay=_DELAY)))
    try:
        await _add_accounts(settings.storage.url, data_dir)
        notes = [f"demo: the upstream is a simulator at {simulator.url}; nothing leaves this machine"]
        key = settings.app.api_key[0] if settings.app.api_key else ""
        curl = _CURL.format(address=address)
        yield _pointed_at(settings, simulator.url), [*notes, _with_key(curl, key)]
    finally:
        await simulator.close()


def _pointed_at(settings: Settings, url: str) -> Settings:
    change = msgspec.structs.replace
    upstream: Upstream = change(
        settings.upstream,
        headers={},
        web=change(settings.upstream.web, base_url=url, ws_url=url.replace("http", "ws", 1), assets_url=url),
        console=change(settings.upstream.console, base_url=url),
        api=change(settings.upstream.api, base_url=url),
    )
    return change(settings, upstream=upstream)


async def _add_accounts(url: str, data_dir: Path) -> None:
    store = await store_for(url, data_dir)
    try:
        await store.add(list(_accounts(time.time())))
    finally:
        await store.close()


def _accounts(now: float) -> Iterable[Account]:
    for token, tier in DEMO_ACCOUNTS:
        if tier is not Tier.API:
            ident = f"acc_{secrets.token_hex(8)}"
            yield new_account(ident, token, Kind.WEB, tier, now, tags=("demo",))


def _with_key(curl: str, key: str) -> str:
    return curl.replace("-d '", "-H 'authorization: Bearer YOUR_KEY' \\\n    -d '") if key else curl
