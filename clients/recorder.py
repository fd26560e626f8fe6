"""A proxy between a client and the gateway that keeps what the client sent.

    python -m clients.recorder http://127.0.0.1:8180 --to DIR [--port 0]

Every POST of JSON to a path below /v1, and every message of a WebSocket there, becomes one file of `DIR`: path,
headers and body, as sent. Nothing is trimmed here; `clients.corpus` makes corpus files of them. Answers pass
through as they come, byte by byte.
"""

import argparse
import asyncio
import itertools
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

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
        self._keep(request.method, request.path_qs, request.headers, body)
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
            passed = web.StreamResponse(status=answer.status, headers=_forwarded(answer.headers))
            await passed.prepare(request)
            async for piece in answer.content.iter_any():
                await passed.write(piece)
            await passed.write_eof()
            return passed

    async def _pass_socket(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in _forwarded(request.headers).items() if not _is_handshake(name)}
        async with aiohttp.ClientSession() as session:
            try:
                there = await session.ws_connect(self._gateway + request.path_qs, headers=headers, max_msg_size=_LARGEST)
            except aiohttp.WSServerHandshakeError as refused:
                return web.Response(status=refused.status, text=refused.message)
            here = web.WebSocketResponse(max_msg_size=_LARGEST)
            await here.prepare(request)
            ways = (
                asyncio.create_task(self._relay(here, there, request)),
                asyncio.create_task(self._relay(there, here, None)),
            )
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            await there.close()
            await here.close()
            return here

    async def _relay(self, source: Any, target: Any, request: web.Request | None) -> None:
        async for message in source:
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            if request is not None:
                self._keep("WEBSOCKET", request.path_qs, request.headers, message.data.encode())
            await target.send_str(message.data)

    def _keep(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        if method not in ("POST", "WEBSOCKET") or not path.startswith("/v1/"):
            return
        try:
            read = json.loads(body)
        except ValueError:
            return
        kept = {
            "method": method,
            "path": path,
            "headers": {name.lower(): value for name, value in headers.items()},
            "body": read,
        }
        (self._folder / f"{next(self._numbers):04}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1))


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOPS}


def _is_handshake(name: str) -> bool:
    return name.lower().startswith("sec-websocket-")


async def record(gateway: str, folder: Path, port: int) -> web.AppRunner:
    """A running proxy on loopback; the caller cleans it up."""
    folder.mkdir(parents=True, exist_ok=True)
    app = web.Application(client_max_size=_LARGEST)
    app.router.add_route("*", "/{path:.*}", Recorder(gateway, folder).pass_on)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


async def _run(gateway: str, folder: Path, port: int) -> None:
    runner = await record(gateway, folder, port)
    print(f"recording on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gateway")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(_run(given.gateway, given.to, given.port))


if __name__ == "__main__":
    main()
