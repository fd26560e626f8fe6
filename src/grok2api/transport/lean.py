"""HTTP calls that go straight to the upstream, at a fraction of a general client's cost.

The same promises as `http.AioHttp`, which is used instead where calls go through a proxy. Connections are kept
for `keepalive` seconds without work, which is less than upstreams keep one open; nothing is sent twice.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from grok2api.transport.body import BrokenOff, Chunks, first_bytes
from grok2api.transport.decoding import ACCEPTED
from grok2api.transport.egress import TransportOptions, choose_proxy
from grok2api.transport.reasons import explain, unreachable
from grok2api.transport.wire import Wire, head_of
from grok2api.upstreams.base import HttpAnswer, HttpCall, TransportError

Target = tuple[str, str, int, bool]


class LeanHttp:
    """The `Http` of adapters. Options are asked for at each call, so that a change is in force at once."""

    def __init__(self, options: Callable[[], TransportOptions]) -> None:
        self._options = options
        self._idle: dict[Target, list[tuple[Wire, float]]] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def start(self) -> None:
        """Nothing is opened before it is needed; here for symmetry with `close`."""

    async def close(self) -> None:
        """End all connections."""
        for wires in self._idle.values():
            for wire, _ in wires:
                wire.abort()
        self._idle.clear()

    @asynccontextmanager
    async def send(self, call: HttpCall) -> AsyncIterator[HttpAnswer]:
        """Send the call; the context begins when the head of the answer is here. Raises `TransportError`."""
        options = self._options()
        if choose_proxy(options.egress, call.account) is not None:
            raise unreachable("A proxy was configured at this moment; the next call goes through it", "proxy")
        target = _target(call.url, check=not options.egress.skip_ssl_verify)
        try:
            head = head_of(call, ACCEPTED)
        except (ValueError, UnicodeError):
            raise unreachable("The call to the upstream holds a header that cannot be sent", "header") from None
        wire = await self._wire(target, options)
        try:
            wire.ask(head, call.body)
            headers = await wire.answered()
            if headers is None:
                raise _unanswered(wire, target[1])
            yield LeanAnswer(wire, headers, target[1])
        finally:
            self._leave(wire, target, options)

    async def _wire(self, target: Target, options: TransportOptions) -> Wire:
        now = asyncio.get_running_loop().time()
        idle = self._idle.get(target, [])
        while idle:
            wire, since = idle.pop()
            if wire.reusable and not wire.lost and now - since < options.keepalive:
                return wire
            wire.abort()
        return await self._connect(target, options)

    async def _connect(self, target: Target, options: TransportOptions) -> Wire:
        scheme, host, port, check = target
        secure = self._context(check) if scheme == "https" else None
        try:
            async with asyncio.timeout(options.connect_timeout):
                _, wire = await asyncio.get_running_loop().create_connection(Wire, host, port, ssl=secure)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise explain(error, host) from None
        return wire

    def _context(self, check: bool) -> ssl.SSLContext:
        context = self._contexts.get(check)
        if context is None:
            context = self._contexts[check] = ssl.create_default_context()
            if not check:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
        return context

    def _leave(self, wire: Wire, target: Target, options: TransportOptions) -> None:
        """Keep the connection if the body has ended, else cut it at once: what is unread is unwanted."""
        if not (wire.done and wire.reusable and not wire.lost):
            wire.abort()
            return
        now = asyncio.get_running_loop().time()
        idle = [(kept, since) for kept, since in self._idle.get(target, []) if now - since < options.keepalive]
        for kept, since in self._idle.get(target, []):
            if now - since >= options.keepalive:
                kept.abort()
        self._idle[target] = [*idle, (wire, now)]


class LeanAnswer:
    """An answer whose head has arrived; its body may be read once, by `chunks` or by `head`."""

    def __init__(self, wire: Wire, headers: Mapping[str, str], host: str) -> None:
        self._wire = wire
        self._host = host
        self.status = wire.status
        self.headers = headers

    def chunks(self) -> Chunks:
        """The body with its content coding undone, one item for each read that told something."""
        return Chunks(self._read, self.headers.get("content-encoding", ""), self._host)

    async def head(self, limit: int = 4096) -> bytes:
        """At most the first `limit` bytes; fewer when the body breaks off or pauses for long."""
        return await first_bytes(self.chunks(), limit)

    async def _read(self) -> bytes:
        data = await self._wire.read()
        if not data and self._wire.broken:
            raise BrokenOff(f"the body is {self._wire.broken}")
        return data


def _target(url: str, *, check: bool) -> Target:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port, check


def _unanswered(wire: Wire, host: str) -> TransportError:
    if wire.broken == "nonsense":
        return unreachable(f"{host} did not answer in HTTP", "nonsense")
    return unreachable(f"{host} closed the connection without answering", "unanswered")
