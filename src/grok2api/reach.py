"""What reaches the upstreams, made from the settings: for the gateway, and for verbs that ask without one."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import msgspec

from grok2api import options
from grok2api.accounts.asking import QuotaSource
from grok2api.catalog import WEB_MODES
from grok2api.config.settings import Settings
from grok2api.transport.egress import TransportOptions
from grok2api.upstreams.base import Http
from grok2api.upstreams.console.access import Access
from grok2api.upstreams.console.quota import ConsoleQuota
from grok2api.upstreams.grok_web.quota import GrokWebQuota
from grok2api.upstreams.xai_api.quota import ApiKeyHealth

Clients = Mapping[str, tuple[str, str]]

#: Clients by the settings that choose them at the start. aiohttp is a fifth of a start and of an idle gateway's memory,
#: and most installations need it neither for a proxy nor for WebSockets.
HTTP_CLIENTS: Clients = {
    "direct": ("grok2api.transport.lean", "LeanHttp"),
    "proxied": ("grok2api.transport.http", "AioHttp"),
}


def client(choices: Clients, choice: str, chosen: Callable[[], TransportOptions]) -> Any:
    """The client of a row; its module is loaded only when the settings choose it."""
    module, kind = choices[choice]
    return getattr(import_module(module), kind)(chosen)


def http_client(current: Callable[[], Settings]) -> Any:
    """The HTTP client that the way out needs, not started yet."""
    way = "direct" if current().proxy.egress.mode == "direct" else "proxied"
    return client(HTTP_CLIENTS, way, lambda: options.transport(current()))


def quota_sources(
    http: Http, access: Access, current: Callable[[], Settings], new_uuid: Callable[[], str]
) -> dict[str, QuotaSource]:
    """Who tells the quota of each mode. `access` is the one that the console is asked for answers with."""
    web = GrokWebQuota(http, lambda: options.grok_web(current()), new_uuid)
    return {
        **dict.fromkeys(WEB_MODES, web),
        "console": ConsoleQuota(http, access, lambda: options.console(current())),
        "api": ApiKeyHealth(http, lambda: options.api(current())),
    }


class Reach(msgspec.Struct, frozen=True):
    """The way out while it is open, and who can be asked over it about quotas."""

    http: Http
    sources: Mapping[str, QuotaSource]


@asynccontextmanager
async def reaching(settings: Settings, now: Callable[[], float], new_uuid: Callable[[], str]) -> AsyncIterator[Reach]:
    """The way out that these settings mean; shut when the context ends."""
    http = http_client(lambda: settings)
    await http.start()
    try:
        yield Reach(http, quota_sources(http, Access(http, now, new_uuid), lambda: settings, new_uuid))
    finally:
        await http.close()
