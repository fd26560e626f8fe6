"""WebSockets to upstreams, over aiohttp.

Promises text frames only, that an upgrade answered by a status is a `HandshakeRefused` with the first bytes of the
body, and that a socket which ends in any other way than by a close frame in good order is a `TransportError` of kind
CUT. Pings are answered on their own.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from grok2api.canonical.problem import Kind, Problem
from grok2api.transport.egress import TransportOptions
from grok2api.transport.http import AioAnswer
from grok2api.transport.sessions import FAILURES, Sessions, explain
from grok2api.upstreams.base import HandshakeRefused, TransportError

_LONGEST_FRAME = 16 * 1024 * 1024
_HANDSHAKE_SEC = 20.0
_GOODBYE_SEC = 0.2
_IN_ORDER = (aiohttp.WSCloseCode.OK, aiohttp.WSCloseCode.GOING_AWAY)
_TEXT, _CLOSE = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.CLOSE


class AioSockets:
    """The `Sockets` of adapters."""

    def __init__(self, options: Callable[[], TransportOptions]) -> None:
        self._sessions = Sessions(options, _refuse_other_than_upgrade)

    async def start(self) -> None:
        """Nothing is opened before it is needed; here for symmetry with `close`."""

    async def close(self) -> None:
        """End all connections."""
        await self._sessions.close()

    @asynccontextmanager
    async def open(self, url: str, headers: Mapping[str, str], account: str = "") -> AsyncIterator["AioSocket"]:
        """Open a socket. Raises `HandshakeRefused`, and `TransportError` when nobody answers within 20 s."""
        route = self._sessions.route(account)
        host = urlsplit(url).hostname or "the upstream"
        try:
            async with asyncio.timeout(_HANDSHAKE_SEC):
                socket = await route.session.ws_connect(
                    url,
                    headers=headers,
                    proxy=route.proxy,
                    ssl=route.check,
                    max_msg_size=_LONGEST_FRAME,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_GOODBYE_SEC),
                    autoclose=False,
                )
        except aiohttp.WSServerHandshakeError as error:
            raise HandshakeRefused(error.status, {}, b"") from None
        except (*FAILURES, ValueError) as error:
            raise explain(error, host) from None
        try:
            yield AioSocket(socket, host)
        finally:
            await socket.close()


class AioSocket:
    """An open WebSocket of text frames."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, host: str) -> None:
        self._socket = socket
        self._host = host

    async def send(self, text: str) -> None:
        """Send one frame. Raises `TransportError` when the socket is gone."""
        try:
            await self._socket.send_str(text)
        except FAILURES as error:
            raise self._cut(type(error).__name__) from None

    async def ping(self) -> None:
        """Send a ping frame. Raises `TransportError` when the socket is gone."""
        try:
            await self._socket.ping()
        except FAILURES as error:
            raise self._cut(type(error).__name__) from None

    async def messages(self) -> AsyncGenerator[str, None]:
        """The text frames until the other side says goodbye; frames of bytes are passed over."""
        while True:
            message = await self._socket.receive()
            if message.type is _TEXT:
                yield message.data
            elif message.type is _CLOSE:
                if message.data in _IN_ORDER:
                    return
                raise self._cut(f"close code {message.data}")
            elif message.type is not aiohttp.WSMsgType.BINARY:
                raise self._cut(message.type.name)

    def _cut(self, reason: str) -> TransportError:
        message = f"The connection to {self._host} broke off"
        return TransportError(Problem(kind=Kind.CUT, message=message, code="stream_cut", evidence=reason.encode()))


async def _refuse_other_than_upgrade(response: aiohttp.ClientResponse) -> None:
    """Read the reason of a refused upgrade, which aiohttp would throw away."""
    if response.status != 101:
        answer = AioAnswer(response, "")
        body = await answer.head()
        response.close()
        raise HandshakeRefused(answer.status, answer.headers, body)
