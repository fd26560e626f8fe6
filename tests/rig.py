"""A whole gateway on loopback in front of the simulator, in the test's own event loop.

async with rigged(tmp_path) as rig:
    rig.world.on(fault="429", times=1)
    answer = await rig.openai.chat.completions.create(...)
"""

import asyncio
import io
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import openai
from msgspec.structs import replace
from uvicorn.server import ServerState

from grok2api import app
from grok2api.accounts.model import Account, Kind, Source, new_account
from grok2api.catalog import Tier
from grok2api.config.load import Layers
from grok2api.simulator.app import start
from grok2api.simulator.world import World, WorldOptions
from grok2api.storage.opening import store_for
from grok2api.web.protocol import GuardedProtocol
from grok2api.web.server import configuration

BASIC, SUPER, HEAVY = Tier.BASIC, Tier.SUPER, Tier.HEAVY

#: One account of each tier: enough for most tests.
ONE_OF_EACH = (("sim-basic-1", BASIC), ("sim-super-1", SUPER), ("sim-heavy-1", HEAVY))

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"


class Rig:
    """What a test holds: the gateway's parts, the simulated world, and clients."""

    def __init__(self, url: str, running: app.App, world: World, http: aiohttp.ClientSession, data_dir: Path) -> None:
        self.url = url
        self.app = running
        self.world = world
        self.http = http
        self.data_dir = data_dir

    @cached_property
    def openai(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key="key", max_retries=0)

    @cached_property
    def anthropic(self) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(base_url=self.url, api_key="key", max_retries=0)

    async def post(self, path: str, body: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and whole body of one POST; `body` is JSON unless it is bytes."""
        sent = {"data": io.BytesIO(body)} if isinstance(body, bytes) else {"json": body}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.post(self.url + path, headers=named, **sent) as answer:  # type: ignore[arg-type]
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.read()

    async def admin(self, method: str, path: str, body: object = None, **query: object) -> tuple[int, Any]:
        """Status and JSON of one call of the admin API."""
        key = (self.data_dir / "admin.key").read_text().strip()
        url = f"{self.url}/admin/api{path}"
        headers = {"authorization": f"Bearer {key}"}
        params = {name: str(value) for name, value in query.items()}
        async with self.http.request(method, url, json=body, headers=headers, params=params) as answer:
            return answer.status, await answer.json(content_type=None)

    async def raw(self, request: bytes) -> bytes:
        """What comes back for these bytes on a bare connection, until the server closes it."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        try:
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()

    async def settled(self) -> None:
        """Wait until no lease is out; fails the test after a second."""
        async with asyncio.timeout(1):
            while self.app.pool.census().in_flight:
                await asyncio.sleep(0.002)


@asynccontextmanager
async def rigged(
    data_dir: Path,
    *,
    accounts: Sequence[tuple[str, Tier]] = ONE_OF_EACH,
    settings: dict[str, Any] | None = None,
    world: WorldOptions = WorldOptions(),  # noqa: B008 - frozen
    now: Callable[[], float] = time.time,
    fresh: bool = False,
) -> AsyncIterator[Rig]:
    """A running rig with these accounts, known to both sides. `now` is the gateway's clock.

    fresh: nobody has been asked about their quotas yet, so the gateway asks at once. Else it has no reason to.
    """
    async with AsyncExitStack() as stack:
        simulator = await start(World(accounts=(), options=world))
        stack.push_async_callback(simulator.close)
        layers = Layers(None, data_dir, {**simulator.settings, **(settings or {})})
        await _add(layers.survey().settings.storage.url, data_dir, accounts, fresh=fresh)
        for token, tier in accounts:
            simulator.world.account(token, tier)
        running = await stack.enter_async_context(app.running(layers, now=now))
        url = await _listen(stack, running)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        rig = Rig(url, running, simulator.world, http, data_dir)
        stack.push_async_callback(_close_clients, rig)
        yield rig


async def _add(url: str, data_dir: Path, accounts: Sequence[tuple[str, Tier]], *, fresh: bool) -> None:
    store = await store_for(url, data_dir, {})
    made = [new_account(f"acc_{secrets.token_hex(4)}", token, Kind.WEB, tier, 0.0) for token, tier in accounts]
    await store.add(made if fresh else [_told(account) for account in made])
    await store.close()


def _told(account: Account) -> Account:
    windows = {mode: replace(window, source=Source.REAL) for mode, window in account.windows.items()}
    return replace(account, windows=windows)


async def _listen(stack: AsyncExitStack, running: app.App) -> str:
    config = configuration(running.face)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: GuardedProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )

    async def stop() -> None:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        await asyncio.sleep(0)

    stack.push_async_callback(stop)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _close_clients(rig: Rig) -> None:
    for name in ("openai", "anthropic"):
        client = rig.__dict__.get(name)
        if client is not None:
            await client.close()
