"""The way out: straight, or through a proxy of the operator's.

Pure. An account keeps to one proxy as long as that proxy is configured, because an upstream that sees one session
come from two addresses at once may end it; adding or removing a proxy moves only the accounts that it must.
"""

from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from typing import Literal
from urllib.parse import urlsplit

import msgspec

DIRECT = "direct"

_SOCKS = ("socks5://", "socks5h://", "socks4://", "socks4a://")


class EgressOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How connections leave.

    mode: `single_proxy` uses `proxy_url`, `proxy_pool` one of `proxy_pool`; both are http, https or socks URLs and
    may hold a password. skip_ssl_verify: do not check the upstream's certificate.
    """

    mode: Literal["direct", "single_proxy", "proxy_pool"] = "direct"
    proxy_url: str = ""
    proxy_pool: tuple[str, ...] = ()
    skip_ssl_verify: bool = False

    def __repr__(self) -> str:
        proxies = len(self.proxy_pool) or int(bool(self.proxy_url))
        return f"EgressOptions({self.mode}, {proxies} proxies)"


def choose_proxy(options: EgressOptions, account: str) -> str | None:
    """The proxy for an account, the same each time; `None` is the direct way.

    A mode without its proxies is the direct way too: whether that is allowed was decided with the configuration.
    """
    if options.mode == "single_proxy":
        return options.proxy_url or None
    if options.mode == "proxy_pool" and options.proxy_pool:
        return max(options.proxy_pool, key=lambda proxy: _affinity(account, proxy))
    return None


class Routes:
    """The ways out by names that an operator knows and that hold no secret: `direct`, or the proxy's host and port."""

    def __init__(self, options: Callable[[], EgressOptions]) -> None:
        self._options = options

    def of(self, account: str) -> str:
        """The way that calls of this account go."""
        options = self._options()
        proxy = choose_proxy(options, account)
        return DIRECT if proxy is None else _names(options)[proxy]

    def all(self) -> tuple[str, ...]:
        """Every way there is."""
        return tuple(_names(self._options()).values()) or (DIRECT,)


def _names(options: EgressOptions) -> dict[str, str]:
    """Name by proxy; proxies that differ only in what is secret are numbered."""
    single = (options.proxy_url,) if options.mode == "single_proxy" and options.proxy_url else ()
    proxies = options.proxy_pool if options.mode == "proxy_pool" else single
    names: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for proxy in dict.fromkeys(proxies):
        name = urlsplit(proxy).netloc.rpartition("@")[2]
        seen[name] += 1
        names[proxy] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return names


def is_socks(proxy: str) -> bool:
    """Whether the proxy speaks SOCKS; the others speak HTTP."""
    return proxy.lower().startswith(_SOCKS)


def _affinity(account: str, proxy: str) -> bytes:
    return blake2b(f"{account}\n{proxy}".encode(), digest_size=8).digest()


class TransportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """egress: the way out. connect_timeout: for DNS, connection and TLS together. Both times in seconds."""

    egress: EgressOptions = EgressOptions()
    connect_timeout: float = 10.0
    keepalive: float = 15.0
