"""`serve --demo`: the gateway with the simulator behind it and accounts that only the simulator knows.

Everything stays on this machine: the simulator listens on loopback, the accounts are kept apart in the demo's
own data directory, and no real upstream is contacted.
"""

import asyncio
import re
import secrets
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from grok2api.accounts.model import Account, Kind, new_account
from grok2api.catalog import Tier
from grok2api.cli.common import CommandError
from grok2api.config.settings import Settings
from grok2api.simulator.accounts import DEMO_ACCOUNTS
from grok2api.storage.opening import store_for

#: The simulator as a process of its own. It is slow enough (seconds between two frames) that a person sees it stream.
_SIMULATOR = (sys.executable, "-m", "grok2api", "simulate", "--attached", "--port", "0", "--delay", "0.02")
_URL = re.compile(r"http://[^\s;]+")

_CURL = """\
try it:

  curl -N {address}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{{"model": "grok-4.20-auto", "stream": true,
         "messages": [{{"role": "user", "content": "Why is the sky blue?"}}]}}'
"""


@asynccontextmanager
async def demonstration(
    settings: Settings, data_dir: Path, address: str
) -> AsyncIterator[tuple[Mapping[str, Any], list[str]]]:
    """A running simulator; yields the settings that point at it, by key, and what to tell the operator."""
    simulator = await asyncio.create_subprocess_exec(
        *_SIMULATOR, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        await _add_accounts(settings.storage.url, data_dir)
        url = await _address(simulator)
        notes = [f"demo: the upstream is a simulator at {url}; nothing leaves this machine"]
        key = settings.app.api_key[0] if settings.app.api_key else ""
        curl = _CURL.format(address=address)
        yield _pointed_at(url), [*notes, _with_key(curl, key)]
    finally:
        with suppress(ProcessLookupError):
            simulator.terminate()
        await simulator.wait()


async def _address(simulator: asyncio.subprocess.Process) -> str:
    """Where the simulator listens, from the first line that it prints."""
    assert simulator.stdout is not None
    line = (await simulator.stdout.readline()).decode()
    found = _URL.search(line)
    if found is None:
        raise CommandError("The simulator did not start; run `grok2api simulate` to see why.")
    return found[0]


def _pointed_at(url: str) -> Mapping[str, Any]:
    return {
        "upstream.headers": {},
        "upstream.web.base_url": url,
        "upstream.web.ws_url": url.replace("http", "ws", 1),
        "upstream.web.assets_url": url,
        "upstream.web.accounts_url": url,
        "upstream.console.base_url": url,
        "upstream.api.base_url": url,
    }


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
