"""Fixtures and shortcuts for tests that talk to the simulated upstreams.

`simulator` is a fresh world on a free port. Import it into a test module or a conftest; change the world with
`simulator.world.on(...)`, and ask `simulator.world.journal` what was seen.
"""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from grok2api.simulator.app import Running, start
from grok2api.simulator.world import World


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_767_225_600.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        """Notes a sleep instead of sleeping."""
        self.slept.append(seconds)


@contextlib.asynccontextmanager
async def simulating(world: World | None = None) -> AsyncIterator[Running]:
    """A running simulator with `world`, or with a fresh one that has the demo accounts."""
    running = await start(world or World())
    try:
        yield running
    finally:
        await running.close()


@pytest.fixture
async def simulator() -> AsyncIterator[Running]:
    """The simulated upstreams with the demo accounts, on a free port."""
    async with simulating() as running:
        yield running


def cookie(token: str = "demo-super-1") -> dict[str, str]:
    """The headers that sign an account in."""
    return {"Cookie": f"sso={token}; sso-rw={token}"}


def console_headers(token: str = "demo-super-1") -> dict[str, str]:
    """The headers of a console call without proof of possession."""
    return {**cookie(token), "Authorization": "Bearer anonymous"}


class Got:
    """An answer that was read as far as it came. `broke` is the error that ended it, if one did."""

    def __init__(self, status: int, headers: Any, body: bytes, broke: Exception | None) -> None:
        self.status, self.headers, self.body, self.broke = status, headers, body, broke

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        """The objects of a body of lines."""
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]

    @property
    def events(self) -> list[Any]:
        """The payloads of server-sent events."""
        return [
            json.loads(line[6:])
            for line in self.text.splitlines()
            if line.startswith("data: ") and line != "data: [DONE]"
        ]


async def post(url: str, body: Any, headers: dict[str, str] | None = None) -> Got:
    """Posts JSON (or bytes as they are) and reads the answer to its end, however that comes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await ask("POST", url, headers, data)


async def ask(method: str, url: str, headers: dict[str, str] | None = None, data: bytes | None = None) -> Got:
    """Sends one request and reads the answer as far as it comes."""
    got = bytearray()
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.request(method, url, data=data, headers=headers or {}) as answer,
    ):
        try:
            async for piece in answer.content.iter_any():
                got += piece
        except aiohttp.ClientError as error:
            return Got(answer.status, answer.headers, bytes(got), error)
        return Got(answer.status, answer.headers, bytes(got), None)


async def chat(running: Running, message: str, mode: str = "expert", token: str = "demo-super-1", **more: Any) -> Got:
    """One question to grok.com."""
    body = {"modeId": mode, "message": message, "temporary": True, **more}
    return await post(f"{running.url}/rest/app-chat/conversations/new", body, cookie(token))


async def respond(running: Running, asked: Any, token: str = "demo-super-1", **more: Any) -> Got:
    """One question to the console; streamed unless told otherwise."""
    body = {"model": "grok-4.3", "input": asked, "stream": True, **more}
    return await post(f"{running.url}/v1/responses", body, console_headers(token))


def said(got: Got) -> str:
    """The answer's words in a body of grok.com, citations left out."""
    frames = [line["result"].get("response", {}) for line in got.lines if "result" in line]
    return "".join(
        frame["token"]
        for frame in frames
        if frame.get("messageTag") == "final" and not frame.get("token", "<grok:render").startswith("<grok:render")
    )


def spoken(got: Got) -> str:
    """The answer's words in a stream of the console."""
    return "".join(event["delta"] for event in got.events if event["type"] == "response.output_text.delta")
