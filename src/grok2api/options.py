"""Each part's own options, out of the settings.

Pure. The one place where setting names and the parts' option names meet; nothing below knows that settings exist.
"""

from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec

from grok2api.accounts.model import DAY
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.refresh import RefreshOptions
from grok2api.aliases import Aliases
from grok2api.catalog import Tier
from grok2api.config.settings import Settings
from grok2api.gateway.background import Options as BackgroundOptions
from grok2api.gateway.film_course import Options as FilmOptions
from grok2api.gateway.keeping import ShowOptions
from grok2api.gateway.options import Options as GatewayOptions
from grok2api.gateway.policy import Policy
from grok2api.gateway.recalling import RecallOptions
from grok2api.media.store import StoreOptions
from grok2api.patterns import Patterns
from grok2api.transport.egress import EgressOptions, TransportOptions
from grok2api.transport.fetch import FetchOptions
from grok2api.upstreams.console.options import ConsoleOptions
from grok2api.upstreams.grok_web.options import MediaOptions
from grok2api.upstreams.grok_web.options import WebOptions as GrokWebOptions
from grok2api.upstreams.xai_api.options import ApiOptions
from grok2api.web.options import Timing
from grok2api.web.options import WebOptions as FaceOptions

T = TypeVar("T")

#: Accounts tried under `random`, whose accounts are not known to have quota (the contract's section 2).
_RANDOM_RETRIES = 5

_MIB = 1024 * 1024
_HOUR = 3600.0

#: Seconds to connect to one address of a host that a client points to.
_CONNECT_SEC = 8.0


def kept(make: Callable[[Settings], T], current: Callable[[], Settings]) -> Callable[[], T]:
    """`make` of the settings in force, made anew only when they are others: who asks may do so at every request."""
    seen: Settings | None = None
    made: T

    def options() -> T:
        nonlocal seen, made
        settings = current()
        if settings is not seen:
            seen, made = settings, make(settings)
        return made

    return options


def gateway(settings: Settings) -> GatewayOptions:
    retries = _RANDOM_RETRIES if settings.account.strategy == "random" else settings.retry.max_retries
    return GatewayOptions(
        policy=Policy(
            accounts=1 + retries,
            retry_on=frozenset(settings.retry.on_codes),
            first_token=settings.stream.first_token_timeout_sec,
            idle=settings.stream.idle_timeout_sec,
            deadline=settings.stream.request_deadline_sec,
            retry_share=settings.retry.budget_percent / 100,
        ),
        thinking=settings.features.thinking,
        auto_fallback=settings.features.auto_chat_mode_fallback,
        aliases=Aliases(settings.aliases, defaults=settings.features.default_aliases),
        prefer_tags=Patterns(settings.account.selection.prefer_tags),
    )


def shown(settings: Settings) -> ShowOptions:
    features = settings.features
    return ShowOptions(image_format=features.image_format, keep_public=features.imagine_public_image_proxy)


def face(settings: Settings) -> FaceOptions:
    return FaceOptions(
        keys=settings.app.api_key,
        max_body=settings.server.max_body_mb * _MIB,
        stream_by_default=settings.features.stream,
        app_url=settings.app.app_url,
        cors_origins=settings.server.cors_origins,
        timing=Timing(
            hold=settings.stream.first_byte_hold_sec,
            keepalive=settings.stream.keepalive_sec,
            write=settings.stream.write_timeout_sec,
        ),
    )


def pool(settings: Settings) -> PoolOptions:
    return PoolOptions(
        strategy=settings.account.strategy,
        max_inflight=settings.account.selection.max_inflight,
        max_rest_sec=settings.account.max_rest_sec,
        probe_interval_sec=settings.account.probe_interval_sec,
        tier_rest_sec=_intervals(settings),
        preferred_tags=frozenset(settings.account.selection.prefer_tags.values()),
    )


def refresh(settings: Settings) -> RefreshOptions:
    return RefreshOptions(
        asks=settings.account.strategy == "quota",
        concurrency=settings.account.refresh.usage_concurrency,
        interval_sec=_intervals(settings),
        on_demand_sec=settings.account.refresh.on_demand_min_interval_sec,
        policy=pool(settings).policy,
    )


def _intervals(settings: Settings) -> dict[Tier, float]:
    refresh = settings.account.refresh
    return {
        Tier.BASIC: refresh.basic_interval_sec,
        Tier.SUPER: refresh.super_interval_sec,
        Tier.HEAVY: refresh.heavy_interval_sec,
    }


def transport(settings: Settings) -> TransportOptions:
    egress = settings.proxy.egress
    return TransportOptions(
        egress=EgressOptions(
            mode=egress.mode,
            proxy_url=egress.proxy_url,
            proxy_pool=egress.proxy_pool,
            skip_ssl_verify=egress.skip_ssl_verify,
        ),
        connect_timeout=settings.chat.timeout,
    )


def resources(settings: Settings) -> TransportOptions:
    """The way to what clients point to: the operator's proxies for it, else the way to the upstreams.

    Nothing is kept open: these hosts are the clients' own. Certificates are checked, unless a proxy stands in between
    whose certificates the operator takes.
    """
    egress = settings.proxy.egress
    own: tuple[Literal["direct", "single_proxy", "proxy_pool"], str, tuple[str, ...]]
    if egress.resource_proxy_pool:
        own = ("proxy_pool", "", egress.resource_proxy_pool)
    elif egress.resource_proxy_url:
        own = ("single_proxy", egress.resource_proxy_url, ())
    else:
        own = (egress.mode, egress.proxy_url, egress.proxy_pool)
    mode, url, pool = own
    return TransportOptions(
        egress=EgressOptions(
            mode=mode, proxy_url=url, proxy_pool=pool, skip_ssl_verify=egress.skip_ssl_verify and mode != "direct"
        ),
        connect_timeout=_CONNECT_SEC,
        keepalive=0.0,
    )


def fetching(settings: Settings) -> FetchOptions:
    url_fetch = settings.media.url_fetch
    return FetchOptions(
        max_bytes=url_fetch.max_mb * _MIB, timeout=url_fetch.timeout_sec, allow_private=url_fetch.allow_private
    )


def large_bodies(settings: Settings) -> int:
    """Bytes of large bodies that may be held at the same time."""
    return settings.server.large_bodies_mb * _MIB


def films(settings: Settings) -> FilmOptions:
    video = settings.video
    return FilmOptions(at_once=video.at_once, patience=video.timeout, keep_sec=video.keep_days * DAY)


def background(settings: Settings) -> BackgroundOptions:
    background, patience = settings.background, settings.stream.request_deadline_sec
    return BackgroundOptions(
        at_once=background.at_once,
        waiting=background.waiting,
        patience=patience,
        replay=background.replay_hours * _HOUR,
    )


def media_store(settings: Settings) -> StoreOptions:
    local = settings.cache.local
    return StoreOptions(image_limit=local.image_max_mb * _MIB, video_limit=local.video_max_mb * _MIB)


def way_out(settings: Settings) -> str:
    """Which HTTP client there has to be: one that goes straight, or one that knows proxies."""
    return "direct" if settings.proxy.egress.mode == "direct" else "proxied"


def way_to_resources(settings: Settings) -> str:
    """The same for what clients point to."""
    return "direct" if resources(settings).egress.mode == "direct" else "proxied"


def grok_web(settings: Settings) -> GrokWebOptions:
    web, features = settings.upstream.web, settings.features
    cookies, user_agent = _browser(settings)
    return GrokWebOptions(
        base_url=web.base_url,
        ws_url=web.ws_url,
        assets_url=web.assets_url,
        accounts_url=web.accounts_url,
        cookies=cookies,
        user_agent=user_agent,
        headers=settings.upstream.headers,
        temporary=features.temporary,
        memory=features.memory,
        custom_instruction=features.custom_instruction,
        transport=web.transport,
        show_search_sources=features.show_search_sources,
        settings_timeout=settings.nsfw.timeout,
        media=_media(settings),
    )


def _media(settings: Settings) -> MediaOptions:
    web, asset = settings.upstream.web, settings.asset
    return MediaOptions(
        public_url=web.public_url,
        upload=web.upload,
        calls=web.media,
        nsfw=settings.features.enable_nsfw,
        image_timeout=settings.image.timeout,
        image_silence=settings.image.stream_timeout,
        video_timeout=settings.video.timeout,
        upload_timeout=asset.upload_timeout,
        download_timeout=asset.download_timeout,
        list_timeout=asset.list_timeout,
        delete_timeout=asset.delete_timeout,
        uploads_at_once=settings.batch.asset_upload_concurrency,
    )


def console(settings: Settings) -> ConsoleOptions:
    cookies, user_agent = _browser(settings)
    return ConsoleOptions(
        base_url=settings.upstream.console.base_url,
        auth=settings.upstream.console.auth,
        cookies=cookies,
        user_agent=user_agent,
        headers=settings.upstream.headers,
        search_tools=settings.upstream.console.search_tools,
    )


def api(settings: Settings) -> ApiOptions:
    return ApiOptions(base_url=settings.upstream.api.base_url)


def _browser(settings: Settings) -> tuple[str, str]:
    """Cookies and User-Agent of the operator's browser session, where he gave them out."""
    clearance = settings.proxy.clearance
    return (clearance.cf_cookies, clearance.user_agent) if clearance.mode == "manual" else ("", "")


def recall(settings: Settings) -> RecallOptions:
    return RecallOptions(
        store=settings.responses.store,
        largest=settings.responses.largest_mb * _MIB,
        history=settings.server.max_body_mb * _MIB,
    )


class RetentionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of responses and conversations: for so many seconds, so many bytes; 0 is no limit."""

    keep_sec: float
    most: int


def retention(settings: Settings) -> RetentionOptions:
    return RetentionOptions(keep_sec=settings.responses.store_days * DAY, most=settings.responses.total_mb * _MIB)
