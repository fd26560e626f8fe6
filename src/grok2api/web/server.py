"""Running the face: one uvicorn server, an orderly end.

SIGTERM or SIGINT begins the drain: `/ready` turns 503 and new requests are refused while running answers finish
within the grace time; then the server stops and the process ends with 0 (O1). A second signal ends it at once.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from grok2api.transport.tasks import spawn
from grok2api.web.asgi import Asgi
from grok2api.web.options import State
from grok2api.web.protocol import GuardedProtocol

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling; says when it has started."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def configuration(app: Asgi) -> uvicorn.Config:
    """How the server treats connections. Nobody is believed who says whom he forwards for (Z5)."""
    return uvicorn.Config(
        app,
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        proxy_headers=False,
    )


async def serve(
    app: Asgi, listener: socket.socket, state: State, drain: Callable[[], float], started: Callable[[], None]
) -> None:
    """Serve until a signal, then drain. `drain` says for how many seconds; `started` is called once it serves."""
    server = _Server(configuration(app), started)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            server.force_exit = True
            server.should_exit = True
        state.draining = True
        stopping.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    ender = spawn(_end(server, stopping, state, drain), "drain")
    try:
        await server.serve(sockets=[listener])
    finally:
        ender.cancel()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _end(server: uvicorn.Server, stopping: asyncio.Event, state: State, drain: Callable[[], float]) -> None:
    await stopping.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(drain()):
            await state.idle()
    server.should_exit = True
