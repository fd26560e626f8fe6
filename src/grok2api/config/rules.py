"""What no single setting can know: values that follow from others, and values that do not go together.

Pure. `derive` fills what was left open; `RULES` each look at the whole and name the keys at fault.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from grok2api.aliases import targets
from grok2api.catalog import BY_NAME, nearest
from grok2api.config.settings import Settings
from grok2api.patterns import is_pattern

SQLITE = "sqlite:///"
_WS_SCHEMES = {"http": "ws", "https": "wss"}


def derive(values: Mapping[str, Any], given: Collection[str], data_dir: Path) -> dict[str, Any]:
    """The values that follow from the others: for keys that nobody gave, or gave empty."""
    derived: dict[str, Any] = {}
    if not values["upstream.web.ws_url"]:
        scheme, _, rest = values["upstream.web.base_url"].partition("://")
        derived["upstream.web.ws_url"] = f"{_WS_SCHEMES[scheme]}://{rest}" if rest else ""
    if not values["storage.url"]:
        derived["storage.url"] = f"{SQLITE}{data_dir.absolute() / 'grok2api.db'}"
    if "account.strategy" not in given and not values["account.refresh.enabled"]:
        derived["account.strategy"] = "random"
    return derived


def broken_rules(settings: Settings) -> Iterator[str]:
    """A sentence for each rule that the settings break."""
    for rule in RULES:
        yield from rule(settings)


def _no_known_password(settings: Settings) -> Iterator[str]:
    if settings.app.app_key == "grok2api":
        yield "app.app_key is the well-known default of older programs; choose another, or leave it empty"


def _workers_together(settings: Settings) -> Iterator[str]:
    if settings.server.workers > 1 and not settings.coordination.url:
        yield (
            f"--workers {settings.server.workers} (server.workers) needs coordination.url, a Redis or Valkey through "
            "which the processes hold to the same limits"
        )


def _upstream_addresses(settings: Settings) -> Iterator[str]:
    addresses = {
        "upstream.web.base_url": settings.upstream.web.base_url,
        "upstream.console.base_url": settings.upstream.console.base_url,
        "upstream.api.base_url": settings.upstream.api.base_url,
    }
    for key, value in addresses.items():
        if not value:
            yield f"{key} must not be empty"


def _proxies(settings: Settings) -> Iterator[str]:
    egress = settings.proxy.egress
    if egress.mode == "single_proxy" and not egress.proxy_url:
        yield 'proxy.egress.mode is "single_proxy", so proxy.egress.proxy_url must name the proxy'
    if egress.mode == "proxy_pool" and not egress.proxy_pool:
        yield 'proxy.egress.mode is "proxy_pool", so proxy.egress.proxy_pool must name the proxies'


def _aliases(settings: Settings) -> Iterator[str]:
    served = [name for name, model in BY_NAME.items() if model.served]
    for name, value in settings.aliases.items():
        if not name:
            yield f"aliases: what is mapped to {value!r} has no name"
        if name in BY_NAME:
            yield f"aliases: {name!r} is itself a model, so a rule for it would have no effect"
        try:
            targets(value)
        except ValueError as wrong:
            target = str(wrong)
            close = ", ".join(nearest(target, served))
            yield f"aliases: {name!r} is mapped to {target!r}, which is no served model; the nearest are {close}"


def _preferred_tags(settings: Settings) -> Iterator[str]:
    for name, tag in settings.account.selection.prefer_tags.items():
        if not tag:
            yield f"account.selection.prefer_tags: {name!r} has no tag"
        if not is_pattern(name) and name not in BY_NAME and name not in settings.aliases:
            close = ", ".join(nearest(name, BY_NAME))
            yield f"account.selection.prefer_tags: {name!r} is no model and no pattern; the nearest are {close}"


RULES: tuple[Callable[[Settings], Iterator[str]], ...] = (
    _no_known_password,
    _workers_together,
    _upstream_addresses,
    _proxies,
    _aliases,
    _preferred_tags,
)
