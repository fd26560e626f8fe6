"""What reaches the upstreams, made from the settings: for the gateway, and for verbs that ask without one."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import msgspec

from grok2api import options
from grok2api.accounts.asking import QuotaSource
from grok2api.catalog import WEB_MODES
from grok2api.config.settings import Settings
from grok2api.transport.switched import Rows, SwitchedHttp
from grok2api.upstreams.base import Http
from grok2api.upstreams.console.access import Access
from grok2api.upstreams.console.quota import ConsoleQuota
from grok2api.upstreams.grok_web.quota import GrokWebQuota
from grok2api.upstreams.xai_api.quota import ApiKeyHealth

#: Clients by the settings that choose them.
HTTP_CLIENTS: Rows = {
    "direct": ("grok2api.transport.lean", "LeanHttp"),
    "proxied": ("grok2api.transport.http", "AioHttp"),
}


def http_client(current: Callable[[], Settings]) -> SwitchedHttp:
    """The HTTP client that the settings choose at each call, not started yet."""
    return SwitchedHttp(HTTP_CLIENTS, lambda: options.way_out(current()), lambda: options.transport(current()))


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
