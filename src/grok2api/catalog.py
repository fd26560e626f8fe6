"""The model table: one row a model, and what each needs of an account.

Pure data. Sources: the product's model list (names, modes, tiers) and the upstreams' own names and limits.
Adding a model is adding a row.
"""

import difflib
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec


class Tier(StrEnum):
    """What a grok.com account has paid for; `API` is an official xAI key."""

    BASIC = "basic"
    SUPER = "super"
    HEAVY = "heavy"
    API = "api"


class Surface(StrEnum):
    """Which upstream and which kind of work a model is."""

    WEB_CHAT = "web_chat"
    CONSOLE_CHAT = "console_chat"
    IMAGE = "image"
    IMAGE_EDIT = "image_edit"
    VIDEO = "video"


#: Upstream quota buckets; for grok.com the wire name in `modeId` and in rate-limit queries.
MODES: Mapping[str, str] = {
    "auto": "auto",
    "fast": "fast",
    "expert": "expert",
    "heavy": "heavy",
    "grok43": "grok-420-computer-use-sa",
    "console": "console",
}

#: The modes whose quota grok.com keeps, and tells when asked.
WEB_MODES = frozenset(MODES) - {"console"}

LOWEST_FIRST = (Tier.BASIC, Tier.SUPER, Tier.HEAVY)

#: `auto` may be served in these modes instead when no account has `auto` quota left.
AUTO_FALLBACK = ("auto", "fast", "expert")


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One row.

    tier: the lowest that may serve it; best_first: prefer the highest tier instead of the lowest.
    upstream_name: what the upstream calls it (console), or the quality of its pictures (`lite`, `speed`, `quality`); efforts: whether the caller may choose the
    effort; effort: the fixed or default one; max_output: the limit sent when the caller sets none.
    served: false for rows whose surface this version does not serve.
    """

    name: str
    title: str
    surface: Surface
    mode: str
    tier: Tier = Tier.BASIC
    best_first: bool = False
    upstream_name: str = ""
    effort: str | None = None
    effort_fixed: bool = False
    max_output: int = 0
    served: bool = True

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers that may serve it, in the order to try them."""
        allowed = LOWEST_FIRST[LOWEST_FIRST.index(self.tier) :]
        return tuple(reversed(allowed)) if self.best_first else allowed

    @property
    def talks(self) -> bool:
        """Whether it is for conversations, and not one that draws or films."""
        return self.surface in (Surface.WEB_CHAT, Surface.CONSOLE_CHAT)


def _web(name: str, title: str, mode: str, tier: Tier, *, best: bool = False) -> Model:
    return Model(name=name, title=title, surface=Surface.WEB_CHAT, mode=mode, tier=tier, best_first=best)


def _console(
    name: str, title: str, upstream: str, max_output: int, *, effort: str | None = None, fixed: bool = False
) -> Model:
    return Model(
        name=name,
        title=title,
        surface=Surface.CONSOLE_CHAT,
        mode="console",
        upstream_name=upstream,
        max_output=max_output,
        effort=effort,
        effort_fixed=fixed,
    )


def _media(name: str, title: str, surface: Surface, mode: str, tier: Tier, quality: str = "") -> Model:
    return Model(name=name, title=title, surface=surface, mode=mode, tier=tier, upstream_name=quality)


_B, _S, _H = Tier.BASIC, Tier.SUPER, Tier.HEAVY
_1M, _2M, _256K = 1_000_000, 2_000_000, 256_000
_AGENTS = "grok-4.20-multi-agent-0309"

MODELS: tuple[Model, ...] = (
    _web("grok-4.20-0309",                     "Grok 4.20 0309",                       "auto",   _S),
    _web("grok-4.20-0309-reasoning",           "Grok 4.20 0309 Reasoning",             "expert", _S),
    _web("grok-4.20-0309-non-reasoning",       "Grok 4.20 0309 Non-Reasoning",         "fast",   _B),
    _web("grok-4.20-0309-super",               "Grok 4.20 0309 Super",                 "auto",   _S),
    _web("grok-4.20-0309-reasoning-super",     "Grok 4.20 0309 Reasoning Super",       "expert", _S),
    _web("grok-4.20-0309-non-reasoning-super", "Grok 4.20 0309 Non-Reasoning Super",   "fast",   _S),
    _web("grok-4.20-0309-heavy",               "Grok 4.20 0309 Heavy",                 "auto",   _H),
    _web("grok-4.20-0309-reasoning-heavy",     "Grok 4.20 0309 Reasoning Heavy",       "expert", _H),
    _web("grok-4.20-0309-non-reasoning-heavy", "Grok 4.20 0309 Non-Reasoning Heavy",   "fast",   _H),
    _web("grok-4.20-multi-agent-0309",         "Grok 4.20 Multi-Agent 0309",           "heavy",  _H),
    _web("grok-4.20-fast",                     "Grok 4.20 Fast",                       "fast",   _B, best=True),
    _web("grok-4.3-fast",                      "Grok 4.3 Fast",                        "fast",   _B, best=True),
    _web("grok-4.20-auto",                     "Grok 4.20 Auto",                       "auto",   _S, best=True),
    _web("grok-4.20-expert",                   "Grok 4.20 Expert",                     "expert", _S, best=True),
    _web("grok-4.20-heavy",                    "Grok 4.20 Heavy",                      "heavy",  _H, best=True),
    _web("grok-4.3-beta",                      "Grok 4.3 Beta",                        "grok43", _S),

    _console("grok-4.3-console",                     "Grok 4.3 (Console)",                        "grok-4.3", _1M, effort="medium"),
    _console("grok-4.3-low",                         "Grok 4.3 Low Thinking",                     "grok-4.3", _1M, effort="low", fixed=True),
    _console("grok-4.3-medium",                      "Grok 4.3 Medium Thinking",                  "grok-4.3", _1M, effort="medium", fixed=True),
    _console("grok-4.3-high",                        "Grok 4.3 High Thinking",                    "grok-4.3", _1M, effort="high", fixed=True),
    _console("grok-4.20-0309-reasoning-console",     "Grok 4.20 0309 Reasoning (Console)",        "grok-4.20-0309-reasoning", _1M),
    _console("grok-4.20-0309-console",               "Grok 4.20 0309 (Console)",                  "grok-4.20-0309", _1M),
    _console("grok-4.20-0309-non-reasoning-console", "Grok 4.20 0309 Non-Reasoning (Console)",    "grok-4.20-0309-non-reasoning", _1M),
    _console("grok-4.20-multi-agent-console",        "Grok 4.20 Multi-Agent (Console)",           _AGENTS, _2M, effort="medium"),
    _console("grok-4.20-multi-agent-low",            "Grok 4.20 Multi-Agent Low",                 _AGENTS, _2M, effort="low", fixed=True),
    _console("grok-4.20-multi-agent-medium",         "Grok 4.20 Multi-Agent Medium",              _AGENTS, _2M, effort="medium", fixed=True),
    _console("grok-4.20-multi-agent-high",           "Grok 4.20 Multi-Agent High",                _AGENTS, _2M, effort="high", fixed=True),
    _console("grok-4.20-multi-agent-xhigh",          "Grok 4.20 Multi-Agent XHigh",               _AGENTS, _2M, effort="xhigh", fixed=True),
    _console("grok-build-console",                   "Grok Build 0.1 (Console)",                  "grok-build-0.1", _256K),

    _media("grok-imagine-image-lite", "Grok Imagine Image Lite", Surface.IMAGE,      "fast",  _B, "lite"),
    _media("grok-imagine-image",      "Grok Imagine Image",      Surface.IMAGE,      "image", _S, "speed"),
    _media("grok-imagine-image-pro",  "Grok Imagine Image Pro",  Surface.IMAGE,      "image", _S, "quality"),
    _media("grok-imagine-image-edit", "Grok Imagine Image Edit", Surface.IMAGE_EDIT, "image", _S),
    _media("grok-imagine-video",      "Grok Imagine Video",      Surface.VIDEO,      "video", _S),
)  # fmt: skip

BY_NAME: Mapping[str, Model] = {model.name: model for model in MODELS}

#: Modes of pictures and films, whose quota nobody tells; what an account can do besides talking.
MEDIA_MODES = frozenset({"image", "video"})

#: Modes that a tier has at all (grok.com refuses the others); `console` is open to every web account.
TIER_MODES: Mapping[Tier, frozenset[str]] = {
    Tier.BASIC: frozenset({"fast", "console"}),
    Tier.SUPER: frozenset({"auto", "fast", "expert", "grok43", "console", "image", "video"}),
    Tier.HEAVY: frozenset({"auto", "fast", "expert", "heavy", "grok43", "console", "image", "video"}),
    Tier.API: frozenset({"api"}),
}


def nearest(name: str, among: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """The `count` names most like `name`, best first; fewer only when there are fewer."""
    candidates = list(among)
    close = difflib.get_close_matches(name, candidates, n=count, cutoff=0.0)
    return tuple(close[:count])
