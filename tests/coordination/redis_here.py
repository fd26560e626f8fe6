"""Real Redis for tests: keys of one test under a prefix of its own, and a way to Redis that can be cut.

`TEST_REDIS_URL` names another server than the local one. Without any the tests fail.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

from redis.asyncio import Redis

from grok2api.accounts.model import Account, Kind, new_account
from grok2api.catalog import Tier
from grok2api.coordination.shared import Shared

URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


@asynccontextmanager
async def keys_of_ours() -> AsyncIterator[str]:
    """A prefix for keys; what begins with it is gone afterwards."""
    prefix = f"test:{secrets.token_hex(6)}:"
    try:
        yield prefix
    finally:
        async with Redis.from_url(URL) as redis:
            async for key in redis.scan_iter(f"{prefix}*", count=1000):
                await redis.delete(key)


async def until(true: Callable[[], bool | Awaitable[bool]], within: float = 3.0) -> None:
    """Wait for something that happens elsewhere; fails the test when it does not."""
    async with asyncio.timeout(within):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.005)


class Proxy:
    """A way to Redis. `cut()`: connections break and new ones are refused. `hold()`: nothing comes through."""

    def __init__(self) -> None:
        target = urlsplit(URL)
        self._target = target.hostname, target.port or 6379
        self._path = target.path
        self._server: asyncio.Server | None = None
        self._port = 0
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}{self._path}"

    async def open(self) -> None:
        """Let everything through, from now on."""
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        self._server = None
        for writer in tuple(self._writers):
            writer.transport.abort()

    def hold(self) -> None:
        self._flows.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        there, back = await asyncio.open_connection(*self._target)
        self._writers.add(back)
        try:
            if self._server is None:
                return
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._writers -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        sink.close()


@asynccontextmanager
async def proxied() -> AsyncIterator[Proxy]:
    proxy = Proxy()
    await proxy.open()
    try:
        yield proxy
    finally:
        with suppress(AssertionError):
            await proxy.cut()
        await asyncio.sleep(0)


@asynccontextmanager
async def coordinators(prefix: str, count: int, url: str = URL, beat: float = 0.05) -> AsyncIterator[list[Shared]]:
    """The coordinators of `count` workers, begun but not running."""
    async with AsyncExitStack() as stack:
        found = []
        for number in range(1, count + 1):
            shared = Shared(url, prefix, number, count, lambda begin: begin + secrets.token_hex(8), time.time, beat)
            stack.push_async_callback(shared.close)
            await shared.begin()
            found.append(shared)
        yield found


def account(number: int = 1) -> Account:
    return new_account(f"acc_{number}", f"secret-{number}", Kind.WEB, Tier.BASIC, 0.0)


class Shelf:
    """The accounts of one worker, as news need them."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.heard = asyncio.Event()

    def get(self, ident: str) -> Account | None:
        return self.accounts.get(ident)

    def replace(self, account: Account) -> None:
        self.accounts[account.id] = account
        self.heard.set()


@asynccontextmanager
async def working(prefix: str, *shelves: Shelf, url: str = URL) -> AsyncIterator[list[Shared]]:
    """Running coordinators, one for each shelf."""
    async with coordinators(prefix, len(shelves), url) as found, AsyncExitStack() as stack:
        for shared, shelf in zip(found, shelves, strict=True):
            await stack.enter_async_context(shared.running(shelf))
        yield found
