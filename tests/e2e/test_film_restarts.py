"""I2: a gateway that dies at any step of a film leaves no doubt about it, and never asks for a second one.

A death is a store that takes nothing any more: what the process does after that leaves no trace, as if it had been
killed. One test kills a real process.
"""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from grok2api import app
from grok2api.accounts.model import Kind, new_account
from grok2api.canonical.film import Film, Status
from grok2api.canonical.request import Image
from grok2api.catalog import Tier
from grok2api.config.load import Layers
from grok2api.gateway.films import HOLD_SEC
from grok2api.media.checks import attach
from grok2api.media.datauri import measure_bytes
from grok2api.simulator import samples
from grok2api.simulator.app import Running
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import store_for
from grok2api.storage.videos import VideoStore
from processes import end
from simulated import Clock, simulating

ACCOUNTS = ("super-token-1", "super-token-2", "super-token-3")


class Dying:
    """The films of a store, until it has written so many steps; then nothing is written, or answered, any more."""

    def __init__(self, store: VideoStore, steps: int, *, after: bool) -> None:
        self._store = store
        self._left = steps
        self._after = after
        self.dead = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **more: Any) -> Any:
            if self.dead.is_set():
                raise StoreError("dead")
            return await getattr(self._store, name)(*args, **more)

        return call

    async def keep(self, film: Film, holder: str) -> bool:
        if self.dead.is_set():
            raise StoreError("dead")
        self._left -= 1
        if self._left:
            return await self._store.keep(film, holder)
        if self._after:
            await self._store.keep(film, holder)
        self.dead.set()
        await asyncio.Event().wait()
        return False


@asynccontextmanager
async def gateway(simulator: Running, data_dir: Path, clock: Clock) -> AsyncIterator[app.App]:
    async with app.running(Layers(None, data_dir, simulator.settings), now=clock) as running:
        yield running


@pytest.fixture
async def simulator(tmp_path: Path):
    async with simulating() as running:
        store = await store_for("", tmp_path, {})
        made = [new_account(f"acc_{n}", token, Kind.WEB, Tier.SUPER, 0.0) for n, token in enumerate(ACCOUNTS)]
        await store.add(made)
        await store.close()
        for token in ACCOUNTS:
            running.world.account(token, Tier.SUPER)
        yield running


def order(seconds: int) -> Film:
    return Film(
        id=f"video_{seconds}",
        created_at=1.0,
        model="grok-imagine-video",
        prompt="A cat",
        seconds=seconds,
        size="720x1280",
        resolution="720p",
        preset="custom",
    )


async def over(running: app.App, ident: str) -> Film:
    async with asyncio.timeout(10):
        while True:
            film = await running.films.get(ident)
            assert film is not None
            if film.status.over:
                return film
            await asyncio.sleep(0.005)


def begun(simulator: Running) -> list[tuple[str | None, object]]:
    """The account and the beginning of each segment that was asked for."""
    found = []
    for entry in simulator.world.journal.entries:
        if entry.endpoint == "video":
            config = entry.body["responseMetadata"]["modelConfigOverride"]["modelMap"]["videoGenModelConfig"]
            found.append((entry.account, config.get("videoExtensionStartTime", 0)))
    return found


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("seconds", "step", "expected"),
    [
        (6, 1, {False: "completed", True: "interrupted"}),  # the first call is about to be sent
        (6, 2, {False: "interrupted", True: "completed"}),  # its segment is whole
        (6, 3, {False: "completed", True: "completed"}),  # the file is here
        (12, 1, {False: "completed", True: "interrupted"}),
        (12, 2, {False: "interrupted", True: "completed"}),
        (12, 3, {False: "completed", True: "interrupted"}),  # the second call is about to be sent
        (12, 4, {False: "interrupted", True: "completed"}),
        (12, 5, {False: "completed", True: "completed"}),
    ],
)
async def test_I2_a_death_at_any_step_ends_well_and_never_in_a_second_film(
    simulator: Running, tmp_path: Path, seconds: int, step: int, expected: dict[bool, str], after: bool
) -> None:
    clock = Clock()
    async with gateway(simulator, tmp_path, clock) as first:
        dying = Dying(first.films._store, step, after=after)  # type: ignore[arg-type]
        first.films._store = dying  # type: ignore[assignment]
        await first.films.order(order(seconds), ())
        async with asyncio.timeout(10):
            await dying.dead.wait()
    clock.advance(HOLD_SEC + 1)
    async with gateway(simulator, tmp_path, clock) as second:
        film = await over(second, f"video_{seconds}")
        assert (film.error_code or film.status.value) == expected[after]
        if film.status is Status.COMPLETED:
            assert await second.media.find("video", film.file or "") is not None
        await settled(second)
    segments = begun(simulator)
    assert len(segments) == len(set(segments)) == len({start for _, start in segments})
    assert len({account for account, _ in segments}) <= 1


async def settled(running: app.App) -> None:
    async with asyncio.timeout(1):
        while running.pool.census().in_flight:
            await asyncio.sleep(0.002)


async def test_I2_a_film_that_was_not_begun_is_made_after_a_restart_with_its_pictures(
    simulator: Running, tmp_path: Path
) -> None:
    clock = Clock()
    async with gateway(simulator, tmp_path, clock) as first:
        first.state.draining = True
        film = await first.films.order(order(6), [picture()])
        assert film.status is Status.QUEUED
    async with gateway(simulator, tmp_path, clock) as second:
        assert (await over(second, film.id)).status is Status.COMPLETED
    assert [entry.endpoint for entry in simulator.world.journal.entries].count("upload") == 1


async def test_I2_a_film_goes_on_with_its_own_account_and_fails_when_that_is_gone(
    simulator: Running, tmp_path: Path
) -> None:
    clock = Clock()
    async with gateway(simulator, tmp_path, clock) as first:
        first.films._store = dying = Dying(first.films._store, 3, after=False)  # type: ignore[arg-type,assignment]
        await first.films.order(order(12), ())
        await asyncio.wait_for(dying.dead.wait(), 10)
    found = await VideoStore((store := await store_for("", tmp_path, {})).database).get("video_12")
    assert found is not None
    assert found.account is not None
    await store.remove([found.account])
    await store.close()
    clock.advance(HOLD_SEC + 1)
    async with gateway(simulator, tmp_path, clock) as second:
        film = await over(second, "video_12")
        assert (film.status, film.error_code) == (Status.FAILED, "account_unavailable")
    assert len(begun(simulator)) == 1


async def test_a_stop_in_good_order_lets_go_at_once(simulator: Running, tmp_path: Path) -> None:
    clock = Clock()
    simulator.world.on(endpoint="video", fault="pause@1=30")
    async with gateway(simulator, tmp_path, clock) as first:
        await first.films.order(order(6), ())
        async with asyncio.timeout(5):
            while not begun(simulator):
                await asyncio.sleep(0.005)
    async with gateway(simulator, tmp_path, clock) as second:
        assert (await over(second, "video_6")).error_code == "interrupted"
    assert len(begun(simulator)) == 1


def picture() -> Any:
    data = samples.picture("p", "image/png").data
    return attach(Image("", path="input_reference"), measure_bytes(data), data)


# --- a real process


async def served(process: asyncio.subprocess.Process) -> str:
    """The address in the banner."""
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while line := (await process.stderr.readline()).decode():
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                return found[0]
    raise AssertionError("the gateway did not start")


@asynccontextmanager
async def process(simulator: Running, data_dir: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    environment = {
        f"GROK2API_{key.upper().replace('.', '__')}": str(value) for key, value in simulator.settings.items()
    }
    command = [sys.executable, "-m", "grok2api", "serve", "--host", "127.0.0.1", "--port", "0", "--data-dir", data_dir]
    started = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **environment}, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield await served(started), started
    finally:
        await end(started)


async def test_I2_kill_9_in_the_middle_of_a_film(simulator: Running, tmp_path: Path) -> None:
    simulator.world.on(endpoint="video", fault="pause@2=30", times=1)
    async with aiohttp.ClientSession() as http:

        async def ask(method: str, url: str, **more: Any) -> dict[str, Any]:
            async with http.request(method, url, **more) as answer:
                assert answer.status == 200, await answer.text()
                told: dict[str, Any] = json.loads(await answer.read())
                return told

        async with process(simulator, tmp_path) as (url, started):
            film = await ask("POST", f"{url}/v1/videos", json={"prompt": "A cat", "seconds": 12})
            async with asyncio.timeout(10):
                while film["progress"] < 10:
                    await asyncio.sleep(0.02)
                    film = await ask("GET", f"{url}/v1/videos/{film['id']}")
            started.send_signal(signal.SIGKILL)
            await started.wait()
        async with process(simulator, tmp_path) as (url, _):
            until = time.monotonic() + 25
            while film["status"] not in ("completed", "failed") and time.monotonic() < until:
                await asyncio.sleep(0.1)
                film = await ask("GET", f"{url}/v1/videos/{film['id']}")
    assert (film["status"], film["error"]["code"]) == ("failed", "interrupted")
    assert len(begun(simulator)) == 1
