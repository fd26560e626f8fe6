"""uvicorn's HTTP protocol, with bounds on what a client may send before it is understood.

Oversized request heads are answered by 431, heads that do not arrive in time by 408, bytes that are no
HTTP by 400; all in JSON, all closing the connection. Adds one ASGI extension: `grok2api.close`, a function
that has the connection closed within a second after the present answer (S4). Not at once: the head of that answer
promised to keep it, and a client may be sending its next request, which is then served.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD = 64 * 1024
HEAD_TIMEOUT = 20.0

#: Seconds until a connection that is to be closed, and has nothing more to do, is closed.
SOON = 0.5

#: Seconds in which what a rejected client still sends is thrown away.
LINGER = 1.0

_BODY = b'{"error":{"message":"%s","type":"validation_error","code":"%s","param":null,"status":%d}}'


class GuardedProtocol(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._in_head = True
        self._rejected = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def eof_received(self) -> None:
        if self._rejected:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._rejected:
            return
        if self._in_head and self._head_timer is None:
            self._arm()
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no upgrade is offered: the request is answered as the plain request it is
        except httptools.HttpParserError:
            self._reject(400, "invalid_http", "This is not a valid HTTP request")
            return
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD:
                self._reject(431, "headers_too_large", f"The request's head is larger than {MAX_HEAD // 1024} KiB")

    def on_message_begin(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self.timeout_keep_alive = self.config.timeout_keep_alive
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._disarm()
        if sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD:
            self.headers.clear()
            self._reject(431, "headers_too_large", f"The request's head is larger than {MAX_HEAD // 1024} KiB")
        super().on_headers_complete()

    def _should_upgrade(self) -> bool:
        return False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._rejected or self.transport.is_closing():
            return

        def close() -> None:
            self.timeout_keep_alive = SOON  # type: ignore[assignment]

        cycle.scope["extensions"] = {"grok2api.close": close}  # type: ignore[dict-item]
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_response_complete()

    def _arm(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._late)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _late(self) -> None:
        self._head_timer = None
        if not self._in_head or self.transport.is_closing():
            return
        if self._head_bytes == 0:
            self.transport.close()  # a connection opened ahead of need: nothing was asked, nothing is answered
        else:
            self._reject(408, "request_timeout", "The request's head did not arrive in time")

    def _reject(self, status: int, code: str, message: str) -> None:
        if self._rejected or self.transport.is_closing():
            return
        body = _BODY % (message.encode(), code.encode(), status)
        head = (
            f"HTTP/1.1 {status} {code}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-should-retry: false\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._linger()

    def _linger(self) -> None:
        """Close once the client has had time to read the answer.

        Closing with its bytes unread would reset the connection, and the reset may overtake the answer.
        """
        self._rejected = True
        self._disarm()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)
