"""HTTP calls to upstreams, over aiohttp.

Promises one read of the connection for each chunk, and that every failure is a `TransportError` that says whether
the answer had begun: UNREACHABLE before its head, CUT after it, and a body shorter than was announced is cut too.
Redirects are answers, not followed; nothing is sent twice; how long to wait is for the caller, who cancels.
"""

import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from grok2api.transport.body import BrokenOff, Chunks, first_bytes
from grok2api.transport.decoding import ACCEPTED
from grok2api.transport.egress import TransportOptions
from grok2api.transport.sessions import FAILURES, Sessions, explain
from grok2api.upstreams.base import HttpCall, Pieces

_LARGE_BODY = 256 * 1024


class AioHttp:
    """The `Http` of adapters. Options are asked for at each call, so that a change is in force at once."""

    def __init__(self, options: Callable[[], TransportOptions]) -> None:
        self._sessions = Sessions(options)

    async def start(self) -> None:
        """Nothing is opened before it is needed; here for symmetry with `close`."""

    async def close(self) -> None:
        """End all connections."""
        await self._sessions.close()

    @asynccontextmanager
    async def send(self, call: HttpCall) -> AsyncIterator["AioAnswer"]:
        """Send the call; the context begins when the head of the answer is here. Raises `TransportError`."""
        route = self._sessions.route(call.account)
        url, headers, name = _addressed(call)
        try:
            response = await route.session.request(
                call.method,
                url,
                headers=headers,
                data=_payload(call.body),
                allow_redirects=False,
                proxy=route.proxy,
                ssl=route.check,
                server_hostname=name,
                timeout=route.timeout,
            )
        except (*FAILURES, ValueError) as error:
            raise explain(error, _host(call.url)) from None
        try:
            yield AioAnswer(response, _host(call.url))
        finally:
            _leave(response)


class AioAnswer:
    """An answer whose head has arrived; its body may be read once, by `chunks` or by `head`."""

    def __init__(self, response: aiohttp.ClientResponse, host: str) -> None:
        self._response = response
        self._host = host
        self.status = response.status
        self.headers: Mapping[str, str] = _lowered(response)

    def chunks(self) -> Chunks:
        """The body with its content coding undone, one item for each read that told something."""
        return Chunks(self._read, self.headers.get("content-encoding", ""), self._host)

    async def head(self, limit: int = 4096) -> bytes:
        """At most the first `limit` bytes; fewer when the body breaks off or pauses for long."""
        return await first_bytes(self.chunks(), limit)

    async def _read(self) -> bytes:
        try:
            return await self._response.content.readany()
        except FAILURES as error:
            raise BrokenOff(type(error).__name__) from None


def _addressed(call: HttpCall) -> tuple[str, dict[str, str], str | None]:
    """The URL to connect to, the headers, and the name to show and verify where that is not the URL's own."""
    headers = dict(call.headers)
    if not any(name.lower() == "accept-encoding" for name in headers):
        headers["Accept-Encoding"] = ACCEPTED
    if isinstance(call.body, Pieces):
        headers["Content-Length"] = str(len(call.body))
    if not call.address:
        return call.url, headers, None
    parts = urlsplit(call.url)
    headers["Host"] = parts.netloc.rpartition("@")[2]
    place = f"[{call.address}]" if ":" in call.address else call.address
    port = "" if parts.port is None else f":{parts.port}"
    url = parts._replace(netloc=place + port).geturl()
    return url, headers, parts.hostname if parts.scheme == "https" else None


def _payload(body: bytes | Pieces) -> bytes | io.BytesIO | AsyncIterator[bytes] | None:
    """Large bodies go out in pieces, so that other streams have their turn between them."""
    if isinstance(body, Pieces):
        return _told(body)
    return io.BytesIO(body) if len(body) > _LARGE_BODY else body or None


async def _told(body: Pieces) -> AsyncIterator[bytes]:
    for piece in body:
        yield piece


def _leave(response: aiohttp.ClientResponse) -> None:
    """Give the connection back if the body has ended, else cut it at once: what is unread is unwanted."""
    if response.content.is_eof():
        response.release()
        return
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _lowered(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the upstream"
