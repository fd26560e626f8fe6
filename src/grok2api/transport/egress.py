"""The way out: straight, or through a proxy of the operator's.

Pure. An account keeps to one proxy as long as that proxy is configured, because an upstream that sees one session
come from two addresses at once may end it; adding or removing a proxy moves only the accounts that it must.
"""

from hashlib import blake2b
from typing import Literal

import msgspec

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
