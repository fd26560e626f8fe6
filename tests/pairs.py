"""Two workers in one event loop, with one store and one Redis."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from coordination.redis_here import URL, keys_of_ours, until
from grok2api import app
from grok2api.config.load import Layers
from grok2api.place import Place
from grok2api.simulator.app import start
from grok2api.simulator.world import World
from grok2api.storage.keys import FILE_NAME
from rig import BASIC, Rig, _add, _close_clients, _listen

ADMIN = "an-admin-key-for-tests"


@asynccontextmanager
async def pair(
    *data_dirs: Path,
    environ: tuple[dict[str, str], dict[str, str]] = ({}, {}),
    url: str = URL,
    fresh: bool = False,
) -> AsyncIterator[list[Rig]]:
    """Two workers with one store in the first directory; with two directories they are on two machines."""
    async with AsyncExitStack() as stack:
        prefix = await stack.enter_async_context(keys_of_ours())
        simulator = await start(World(accounts=()))
        stack.push_async_callback(simulator.close)
        store = f"sqlite:///{data_dirs[0] / 'grok2api.db'}"
        await _add(store, data_dirs[0], [("sim-basic-1", BASIC)], fresh=fresh)
        simulator.world.account("sim-basic-1")
        settings: dict[str, Any] = {
            **{key: value for key, value in simulator.settings.items() if key != "upstream.api.base_url"},
            "storage.url": store,
            "coordination.url": url,
            "coordination.installation": prefix,
            "app.app_key": ADMIN,
        }
        http = await stack.enter_async_context(aiohttp.ClientSession())
        rigs = []
        for number, place in enumerate((Place(number=1, count=2), Place(number=2, count=2))):
            directory = data_dirs[number % len(data_dirs)]
            if directory is not data_dirs[0]:
                directory.mkdir(exist_ok=True)
                shutil.copy(data_dirs[0] / FILE_NAME, directory / FILE_NAME)
            layers = Layers(None, directory, settings, environ[number])
            running = await stack.enter_async_context(app.running(layers, place))
            rigs.append(Rig(await _listen(stack, running), running, simulator.world, http, directory))
        await until(lambda: all(rig.app.coordinator.status().workers == 2 for rig in rigs))
        yield rigs
        for rig in rigs:
            await _close_clients(rig)
