"""Background answers over the ends of processes, and between workers."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from test_operation import run, serving, simulated
from test_worker_pairs import pair

from asking import WEB
from frames import Frame, frames
from grok2api.simulator.app import Running
from rig import RESPONSES, Rig

BODY = {"model": WEB, "input": "hello", "background": True}
TEXT = "Phobos is a moon of Mars, and it comes down slowly."


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Any]:
    async with aiohttp.ClientSession(url) as http:

        async def ask(method: str, path: str, **more: Any) -> Any:
            async with http.request(method, path, **more) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.read()

        yield ask


async def until_over(ask: Any, ident: str, seconds: float = 30) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while True:
        response: dict[str, Any] = json.loads(await ask("GET", f"{RESPONSES}/{ident}"))
        if response["status"] not in ("queued", "in_progress"):
            return response
        assert time.monotonic() < end, response["status"]
        await asyncio.sleep(0.1)


async def one_account(data_dir: Path, simulator: Running, settings: dict[str, str]) -> None:
    await run("accounts", "add", "--pool", "basic", "--data-dir", str(data_dir), "sim-basic-1", **settings)
    simulator.world.account("sim-basic-1")


def numbers(got: list[Frame]) -> list[int]:
    return [frame.payload["sequence_number"] for frame in got if frame.payload != "[DONE]"]


async def test_after_kill_9_it_has_failed_and_says_why(tmp_path: Path) -> None:
    async with simulated() as (simulator, settings):
        await one_account(tmp_path, simulator, settings)
        simulator.world.on(script=TEXT, fault="pause@3=60", times=1)
        async with serving(tmp_path, **settings) as server, asking(server.url) as ask:
            begun = json.loads(await ask("POST", RESPONSES, json=BODY))
            while json.loads(await ask("GET", f"{RESPONSES}/{begun['id']}"))["status"] == "queued":
                await asyncio.sleep(0.02)
            await asyncio.sleep(1.5)  # the beat of the other process
            server.process.send_signal(signal.SIGKILL)
            await server.process.wait()
        async with serving(tmp_path, **settings) as server, asking(server.url) as ask:
            assert json.loads(await ask("GET", f"{RESPONSES}/{begun['id']}"))["status"] == "in_progress"
            over = await until_over(ask, begun["id"])
            assert (over["status"], "stopped" in over["error"]["message"]) == ("failed", True)
            got = frames(await ask("GET", f"{RESPONSES}/{begun['id']}?stream=true"))
            assert numbers(got) == list(range(len(got)))
            assert [frame.event for frame in got if frame.event == "response.output_text.delta"]
            assert (got[-1].event, got[-1].payload["response"]) == ("response.failed", over)


@pytest.mark.parametrize(("grace", "status"), [("20", "completed"), ("0", "failed")])
async def test_O1_sigterm_lets_it_end_within_the_grace_time(tmp_path: Path, grace: str, status: str) -> None:
    async with simulated() as (simulator, settings):
        settings["GROK2API_SERVER__DRAIN_SEC"] = grace
        await one_account(tmp_path, simulator, settings)
        simulator.world.on(script=TEXT, fault="pause@3=1.5", times=1)
        async with serving(tmp_path, **settings) as server, asking(server.url) as ask:
            begun = json.loads(await ask("POST", RESPONSES, json=BODY))
            while json.loads(await ask("GET", f"{RESPONSES}/{begun['id']}"))["status"] == "queued":
                await asyncio.sleep(0.02)
            server.process.send_signal(signal.SIGTERM)
            assert await server.process.wait() == 0
        async with serving(tmp_path, **settings) as server, asking(server.url) as ask:
            assert json.loads(await ask("GET", f"{RESPONSES}/{begun['id']}"))["status"] == status


async def get(rig: Rig, path: str) -> bytes:
    async with rig.http.get(rig.url + path) as answer:
        return await answer.read()


async def test_any_worker_polls_follows_and_cancels(tmp_path: Path) -> None:
    async with pair(tmp_path) as (one, other):
        reached, opened = asyncio.Event(), asyncio.Event()

        async def gate(_: float) -> None:
            reached.set()
            await opened.wait()

        one.world.sleep = gate
        one.world.on(script=TEXT, fault="pause@3=30", times=2)
        first = json.loads((await one.post(RESPONSES, BODY))[2])["id"]
        await reached.wait()
        assert json.loads(await get(other, f"{RESPONSES}/{first}"))["id"] == first
        following = asyncio.ensure_future(get(other, f"{RESPONSES}/{first}?stream=true&starting_after=1"))
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            status, _, body = await other.post(f"{RESPONSES}/{first}/cancel", {})
        assert (status, json.loads(body)["status"]) == (200, "cancelled")
        assert one.app.pool.census().in_flight == 0
        got = frames(await following)
        assert numbers(got) == list(range(2, 2 + len(got) - 1))
        assert got[-2].payload["response"] == json.loads(body) == json.loads(await get(one, f"{RESPONSES}/{first}"))
        second = json.loads((await one.post(RESPONSES, BODY))[2])["id"]
        following = asyncio.ensure_future(get(other, f"{RESPONSES}/{second}?stream=true"))
        await asyncio.sleep(0)
        opened.set()
        async with asyncio.timeout(10):
            assert await following == await get(one, f"{RESPONSES}/{second}?stream=true")
