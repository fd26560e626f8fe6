"""A proxy between a client and the gateway that keeps what the client sent.

    python -m clients.recorder http://127.0.0.1:8180 --to DIR [--port 0]

Every POST of JSON to a path below /v1, and every message of a WebSocket there, becomes one file of `DIR`: path,
headers and body as sent, and the status of the answer. Nothing is trimmed here; `clients.corpus` makes corpus files of
them. Answers pass through as they come.
"""

import argparse
import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from grok2api.transport.tasks import spawn

#: Of one connection, and not of the request.
_HOPS = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "upgrade", "content-length"})
_LARGEST = 256 * 1024 * 1024


class Recorder:
    """One proxy. Files are numbered in the order of arrival."""

    def __init__(self, gateway: str, folder: Path) -> None:
        self._gateway = gateway.rstrip("/")
        self._folder = folder
        self._numbers = itertools.count(1)

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Forwards one request and streams its answer back."""
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._pass_socket(request)
        body = await request.read()
        timeout = aiohttp.ClientTimeout(total=None)
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.request(
                request.method,
                self._gateway + request.path_qs,
                data=body or None,
                headers=_forwarded(request.headers),
                allow_redirects=False,
            ) as answer,
        ):
            self._keep(request, body, answer.status)
            passed = web.StreamResponse(status=answer.status, headers=_forwarded(answer.headers))
            await passed.prepare(request)
            with suppress(ConnectionResetError):  # the client left; so does this end of the other connection
                async for piece in answer.content.iter_any():
                    await passed.write(piece)
                await passed.write_eof()
            return passed

    async def _pass_socket(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in _forwarded(request.headers).items() if not _is_handshake(name)}
        address = self._gateway + request.path_qs
        async with aiohttp.ClientSession() as session:
            try:
                there = await session.ws_connect(address, headers=headers, max_msg_size=_LARGEST)
            except aiohttp.WSServerHandshakeError as refused:
                return web.Response(status=refused.status, text=refused.message)
            here = web.WebSocketResponse(max_msg_size=_LARGEST)
            await here.prepare(request)
            back = spawn(self._relay(there, here, None), "recorder")
            await self._relay(here, there, request)
            await there.close()
            await back
            return here

    async def _relay(self, source: Any, target: Any, request: web.Request | None) -> None:
        async for message in source:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            if request is not None:
                self._keep(request, message.data.encode(), 101)
            await target.send_str(message.data)
        await target.close()

    def _keep(self, request: web.Request, body: bytes, status: int) -> None:
        if request.method != "POST" and status != 101:
            return
        try:
            read = json.loads(body)
        except ValueError:
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        kept = {"path": request.path_qs, "status": status, "headers": headers, "body": read}
        (self._folder / f"{next(self._numbers):04}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1))


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOPS}


def _is_handshake(name: str) -> bool:
    return name.lower().startswith("sec-websocket-")


async def _run(gateway: str, folder: Path, port: int) -> None:
    app = web.Application(client_max_size=_LARGEST)
    app.router.add_route("*", "/{path:.*}", Recorder(gateway, folder).pass_on)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write(f"recording on http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await stop.wait()
    await runner.cleanup()


@contextmanager
def recording(gateway: str, folder: Path) -> Iterator[str]:
    """A recorder as a process of its own until the end of the block; yields its address."""
    command = [sys.executable, "-m", "clients.recorder", gateway, "--to", str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().rsplit(maxsplit=1)[-1]
        finally:
            process.terminate()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gateway")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    asyncio.run(_run(given.gateway, given.to, given.port))


if __name__ == "__main__":
    main()
