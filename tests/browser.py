"""A real browser without a window, driven over its own debugging protocol.

Nothing is installed here; without a Chromium the test fails and says how to get one.
"""

import asyncio
import itertools
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from processes import end

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
)


class Page:
    """An empty page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def evaluate(self, script: str) -> Any:
        """What the script's promise comes to; fails with what it throws."""
        number = next(self._numbers)
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True}
        await self._socket.send_json({"id": number, "method": "Runtime.evaluate", "params": asked})
        async with asyncio.timeout(30):
            while (told := await self._socket.receive_json()).get("id") != number:
                pass
        assert "exceptionDetails" not in told["result"], told["result"]["exceptionDetails"]
        return told["result"]["result"].get("value")


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Page]:
    """A page of a browser that was started for it."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("No Chromium is here, and what browsers show cannot be tested: run `make browser` first")
    process = await asyncio.create_subprocess_exec(
        found,
        *_FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{await _address(process)}/json/list") as answer:
                page = next(target for target in await answer.json() if target["type"] == "page")
            async with http.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        await end(process)


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while line := (await process.stderr.readline()).decode():
            found = re.search(r"DevTools listening on ws://([^/]+)/", line)
            if found:
                return f"http://{found[1]}"
    raise AssertionError("the browser did not start")
