"""Clients that the settings choose: another choice is for the next call, while calls under way keep what they have.

A client's module is loaded when it is first chosen, in a thread, so that streams go on meanwhile: aiohttp is a fifth of
a start and of an idle gateway's memory, and most installations need it neither for a proxy nor for WebSockets.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

from grok2api.transport.egress import TransportOptions
from grok2api.upstreams.base import HttpAnswer, HttpCall, Socket

#: A row for each choice: module and name of the client.
Rows = Mapping[str, tuple[str, str]]


class _Switched:
    """The clients that were chosen so far; all of them are kept until the end, since idle they cost nothing."""

    def __init__(self, rows: Rows, choice: Callable[[], str], options: Callable[[], TransportOptions]) -> None:
        self._rows = rows
        self._choice = choice
        self._options = options
        self._started: dict[str, Any] = {}
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Start the client that is chosen now."""
        await self._chosen()

    async def close(self) -> None:
        """End all connections."""
        for client in self._started.values():
            await client.close()

    async def _chosen(self) -> Any:
        async with self._starting:
            choice = self._choice()
            if choice not in self._started:
                module, name = self._rows[choice]
                client = getattr(await asyncio.to_thread(import_module, module), name)(self._options)
                await client.start()
                self._started[choice] = client
            return self._started[choice]


class SwitchedHttp(_Switched):
    """The `Http` of adapters."""

    def send(self, call: HttpCall) -> AbstractAsyncContextManager[HttpAnswer]:
        """Send the call with the client that is chosen now. Raises `TransportError`."""
        client = self._started.get(self._choice())
        return self._send_late(call) if client is None else client.send(call)

    @asynccontextmanager
    async def _send_late(self, call: HttpCall) -> AsyncIterator[HttpAnswer]:
        client = await self._chosen()
        async with client.send(call) as answer:
            yield answer


class SwitchedSockets(_Switched):
    """The `Sockets` of adapters."""

    def open(self, url: str, headers: Mapping[str, str], account: str = "") -> AbstractAsyncContextManager[Socket]:
        """Open a socket with the client that is chosen now. Raises `HandshakeRefused` and `TransportError`."""
        client = self._started.get(self._choice())
        return self._open_late(url, headers, account) if client is None else client.open(url, headers, account)

    @asynccontextmanager
    async def _open_late(self, url: str, headers: Mapping[str, str], account: str) -> AsyncIterator[Socket]:
        client = await self._chosen()
        async with client.open(url, headers, account) as socket:
            yield socket
