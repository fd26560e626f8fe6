"""HTTP calls to upstreams, over aiohttp.

Promises one read of the connection for each chunk, and that every failure is a `TransportError` that says whether
the answer had begun: UNREACHABLE before its head, CUT after it, and a body shorter than was announced is cut too.
Redirects are answers, not followed; nothing is sent twice; how long to wait is for the caller, who cancels.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from grok2api.canonical.problem import Kind, Problem
from grok2api.transport.decoding import ACCEPTED, CodingError, Decoder, decoder_for
from grok2api.transport.sessions import FAILURES, Sessions, TransportOptions, explain
from grok2api.upstreams.base import HttpCall, TransportError

#: An error answer that does not say its reason within this time is judged by what it has said.
_HEAD_PATIENCE_SEC = 5.0
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
        headers = dict(call.headers)
        if not any(name.lower() == "accept-encoding" for name in headers):
            headers["Accept-Encoding"] = ACCEPTED
        try:
            response = await route.session.request(
                call.method,
                call.url,
                headers=headers,
                data=_payload(call.body),
                allow_redirects=False,
                proxy=route.proxy,
                ssl=route.check,
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

    def chunks(self) -> "_Chunks":
        """The body with its content coding undone, one item for each read that told something."""
        return _Chunks(self._response, self.headers.get("content-encoding", ""), self._host)

    async def head(self, limit: int = 4096) -> bytes:
        """At most the first `limit` bytes; fewer when the body breaks off or pauses for long."""
        body = b""
        try:
            async with asyncio.timeout(_HEAD_PATIENCE_SEC):
                async for chunk in self.chunks():
                    body += chunk
                    if len(body) >= limit:
                        break
        except (TransportError, TimeoutError):
            pass
        return body[:limit]


class _Chunks:
    """The reads of one body. Not a generator: a reader that leaves in the middle owes it no farewell."""

    __slots__ = ("_coding", "_decoder", "_host", "_read")

    def __init__(self, response: aiohttp.ClientResponse, coding: str, host: str) -> None:
        self._read = response.content.readany
        self._coding = coding
        self._host = host
        self._decoder: Decoder | None = None

    def __aiter__(self) -> "_Chunks":
        return self

    async def __anext__(self) -> bytes:
        while True:
            try:
                data = await self._read()
            except FAILURES as error:
                raise self._cut(type(error).__name__) from None
            if not data:
                break
            if self._coding:
                data = self._decoded(data)
            if data:
                return data
        if self._decoder is not None and not self._decoder.whole:
            raise self._cut("the content coding is not finished")
        raise StopAsyncIteration

    def _decoded(self, data: bytes) -> bytes:
        try:
            if self._decoder is None:
                self._decoder = decoder_for(self._coding)
            return data if self._decoder is None else self._decoder.feed(data)
        except CodingError as error:
            raise self._cut(str(error)) from None

    def _cut(self, reason: str) -> TransportError:
        message = f"The answer of {self._host} broke off"
        return TransportError(Problem(kind=Kind.CUT, message=message, code="stream_cut", evidence=reason.encode()))


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """Large bodies go out in pieces, so that other streams have their turn between them."""
    return io.BytesIO(body) if len(body) > _LARGE_BODY else body or None


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
