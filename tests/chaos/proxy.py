"""A wire to a database that can be cut, made deaf, and mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Listens on `port` and passes bytes on to the server while it is whole."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._deaf = asyncio.Event()
        self._hearing = asyncio.Event()
        self._hearing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def mend(self) -> None:
        """Take connections, and pass on what comes."""
        self._hearing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and refuse new ones, as a server does that was stopped."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    def deafen(self) -> None:
        """Keep connections and take new ones, and pass nothing on, as a server does that hangs."""
        self._hearing.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._hearing.wait()
            there, back = await asyncio.open_connection(*self._to)
            self._open.add(back)
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
            self._open.discard(back)
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._hearing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def wire(host: str, port: int) -> AsyncIterator[Wire]:
    """A whole wire to a server."""
    made = Wire(host, port)
    await made.mend()
    try:
        yield made
    finally:
        await made.mend()
        await made.cut()
        await asyncio.sleep(0)
