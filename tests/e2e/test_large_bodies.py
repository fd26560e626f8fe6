"""What large requests cost a real process (M2), as the system counts it."""

import asyncio
import base64
import io
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from test_operation import Server, run, serving, simulated

from asking import CONSOLE
from files import png
from rig import CHAT, MESSAGES

MIB = 1024 * 1024

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def memory(server: Server, line: str) -> float:
    """`VmRSS` (now) or `VmHWM` (the most so far) of the process, in MiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) / 1024 for row in status if row.startswith(line))


def forget_the_most(server: Server) -> float:
    """The most so far is what it is now, which is told."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return memory(server, "VmRSS")


def picture(size: int) -> str:
    """A picture of so many bytes, in base64."""
    return base64.b64encode(png(2, 2) + os.urandom(size - len(png(2, 2)))).decode()


def chat(*pictures: str) -> bytes:
    urls = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}} for data in pictures]
    return _body({"content": [{"type": "text", "text": "What?"}, *urls]})


def messages(*pictures: str) -> bytes:
    sources: list[Any] = [{"type": "base64", "media_type": "image/png", "data": data} for data in pictures]
    images = [{"type": "image", "source": source} for source in sources]
    return _body({"content": [{"type": "text", "text": "What?"}, *images]}, max_tokens=99)


def _body(message: dict[str, Any], **more: Any) -> bytes:
    asked = {"model": CONSOLE, "stream": False, "messages": [{"role": "user", **message}], **more}
    return json.dumps(asked).encode()


@asynccontextmanager
async def gateway(data_dir: Path, **more: str) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    async with simulated() as (simulator, names), aiohttp.ClientSession() as http:
        await run("accounts", "add", "--pool", "basic", "--data-dir", str(data_dir), "sim-basic-1", **names)
        simulator.world.account("sim-basic-1")
        async with serving(data_dir, **names, **more) as server:
            await post(server, http, CHAT, chat())
            await post(server, http, MESSAGES, messages())  # the tokenizer is loaded now
            yield server, http


async def post(server: Server, http: aiohttp.ClientSession, path: str, body: bytes) -> int:
    async with http.post(server.url + path, data=io.BytesIO(body)) as answer:
        await answer.read()
        return answer.status


async def settles(server: Server, below: float) -> None:
    """Wait until the process has become small again; fails the test when it does not."""
    async with asyncio.timeout(5):
        while memory(server, "VmRSS") > below:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("path", "body"), [(CHAT, chat), (MESSAGES, messages)], ids=["chat", "messages"])
async def test_M2_64_mib_of_inline_pictures_cost_at_most_three_times_their_size(
    tmp_path: Path, path: str, body: Any
) -> None:
    whole = body(picture(24 * MIB - 1000), picture(24 * MIB - 1000))
    assert 63 * MIB < len(whole) < 64 * MIB
    async with gateway(tmp_path) as (server, http):
        before = forget_the_most(server)
        assert await post(server, http, path, whole) == 200
        assert memory(server, "VmHWM") - before < 3 * len(whole) / MIB
        await settles(server, before + 16)


async def test_M2_too_many_large_requests_at_once_are_refused_and_cost_no_more_than_is_allowed(tmp_path: Path) -> None:
    whole = chat(picture(15 * MIB))
    async with gateway(tmp_path, GROK2API_SERVER__LARGE_BODIES_MB="44") as (server, http):
        before = forget_the_most(server)
        statuses = await asyncio.gather(*(post(server, http, CHAT, whole) for _ in range(8)))
        assert set(statuses) == {200, 503}
        assert memory(server, "VmHWM") - before < 3 * 44
        await settles(server, before + 16)
        assert await post(server, http, CHAT, whole) == 200


async def test_M2_a_picture_that_is_too_large_costs_no_more_than_its_body(tmp_path: Path) -> None:
    whole = chat(picture(47 * MIB))
    async with gateway(tmp_path) as (server, http):
        before = forget_the_most(server)
        assert await post(server, http, CHAT, whole) == 413
        assert memory(server, "VmHWM") - before < 3 * len(whole) / MIB
        await settles(server, before + 16)
