"""WebSockets whose client is loaded when the first one is opened: most installations never need it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from grok2api.transport.egress import TransportOptions
from grok2api.upstreams.base import Socket, Sockets

_CLIENT = ("grok2api.transport.websocket", "AioSockets")


class LateSockets:
    """The `Sockets` of adapters that seldom open any."""

    def __init__(self, options: Callable[[], TransportOptions]) -> None:
        self._options = options
        self._loading = asyncio.Lock()
        self._client: Any = None

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """End all connections, if there were any."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def open(self, url: str, headers: Mapping[str, str], account: str = "") -> AsyncIterator[Socket]:
        """Open a socket, as the client that is loaded for it does. Loading takes a moment, so a thread does it."""
        sockets = await self._loaded()
        async with sockets.open(url, headers, account) as socket:
            yield socket

    async def _loaded(self) -> Sockets:
        async with self._loading:
            if self._client is None:
                module = await asyncio.to_thread(import_module, _CLIENT[0])
                self._client = getattr(module, _CLIENT[1])(self._options)
        sockets: Sockets = self._client
        return sockets
