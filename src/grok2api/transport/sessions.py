"""aiohttp sessions: one for the direct way and every HTTP proxy, one more for each SOCKS proxy.

Promises that nothing of one account reaches another (no cookie jar), that the environment decides nothing (no
proxies or passwords from it), and that no total time is set: how long an answer may take is the gateway's to say.

A pooled connection that the upstream closes while a call is being written leaves it unknown whether the call was
received, so nothing is ever sent twice here. Instead a connection is not used again after `keepalive` seconds
without work, which is less than upstreams keep one open; what slips through is a problem of kind UNREACHABLE,
and the gateway may try again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import aiohttp
import aiohttp_socks
import python_socks

from grok2api.transport import reasons
from grok2api.transport.egress import TransportOptions, choose_proxy, is_socks
from grok2api.transport.reasons import REASONS, Reasons, unreachable
from grok2api.upstreams.base import TransportError

_HEAD_BYTES = 65_536
_HEADERS = 512

#: What aiohttp and its proxies raise when the other side or the way to it fails.
FAILURES = (
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
    python_socks.ProxyError,
    python_socks.ProxyTimeoutError,
    python_socks.ProxyConnectionError,
)


class Route(NamedTuple):
    """A session, and the arguments of each call on it."""

    session: aiohttp.ClientSession
    proxy: str | None
    check: bool
    timeout: aiohttp.ClientTimeout


class Sessions:
    """Makes sessions as they are needed, by the options of the moment."""

    def __init__(
        self,
        options: Callable[[], TransportOptions],
        inspect: Callable[[aiohttp.ClientResponse], Awaitable[None]] | None = None,
    ) -> None:
        self._options = options
        self._inspect = inspect
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    def route(self, account: str) -> Route:
        """How calls of this account leave now. Raises `TransportError` when its proxy cannot be used."""
        options = self._options()
        proxy = choose_proxy(options.egress, account)
        socks = proxy if proxy is not None and is_socks(proxy) else ""
        session = self._sessions.get(socks)
        if session is None or session.closed:
            session = self._sessions[socks] = self._open(socks, options)
        return Route(
            session,
            None if socks else proxy,
            not options.egress.skip_ssl_verify,
            aiohttp.ClientTimeout(total=None, connect=options.connect_timeout, sock_connect=options.connect_timeout),
        )

    async def close(self) -> None:
        """End every session and its connections."""
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.close()

    def _open(self, socks: str, options: TransportOptions) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_connector(socks, options.keepalive),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            raise_for_status=self._inspect or False,
            skip_auto_headers=("User-Agent", "Content-Type"),
            max_line_size=_HEAD_BYTES,
            max_field_size=_HEAD_BYTES,
            max_headers=_HEADERS,
        )


def _connector(socks: str, keepalive: float) -> aiohttp.TCPConnector:
    if not socks:
        return aiohttp.TCPConnector(limit=0, keepalive_timeout=keepalive)
    try:
        # the proxy resolves names: that is what an operator who routes through one expects
        return aiohttp_socks.ProxyConnector.from_url(
            _without_suffix(socks), rdns=True, limit=0, keepalive_timeout=keepalive
        )
    except ValueError:
        raise unreachable("The configured proxy is not a valid URL", "proxy") from None


def _without_suffix(socks: str) -> str:
    scheme, _, rest = socks.partition("://")
    return f"{scheme.lower().removesuffix('h').removesuffix('a')}://{rest}"


_PROXY_FAILURES = (
    aiohttp.ClientProxyConnectionError,
    aiohttp.ClientHttpProxyError,
    python_socks.ProxyError,
    python_socks.ProxyTimeoutError,
    python_socks.ProxyConnectionError,
)
#: What aiohttp and its proxies raise, before what the standard library does.
_REASONS: Reasons = (
    (_PROXY_FAILURES, "The configured proxy does not let us reach {host}"),
    ((aiohttp.ClientConnectorCertificateError,), "{host} shows a certificate that is not trusted"),
    ((aiohttp.ClientSSLError,), "No secure connection to {host} could be made"),
    ((aiohttp.ClientConnectorDNSError,), "The name {host} cannot be resolved"),
    ((aiohttp.ServerTimeoutError,), "{host} did not accept a connection in time"),
    ((aiohttp.ClientConnectorError,), "{host} does not accept connections"),
    ((aiohttp.InvalidURL,), "The configured address of the upstream is not a valid URL"),
    ((aiohttp.ClientResponseError,), "{host} did not answer in HTTP"),
    *REASONS,
)  # fmt: skip


def explain(error: BaseException, host: str) -> TransportError:
    """Why no answer came from `host`."""
    return reasons.explain(error, host, _REASONS)
