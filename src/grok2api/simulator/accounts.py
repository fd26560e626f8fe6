"""The simulator's accounts: who may ask, in which modes, and how often.

Pure apart from being mutable: time comes in as an argument. A window begins with its first use and is
full again `seconds` later. Totals are those that the upstream grants per tier, so that a gateway infers
the right tier from them; a mode that a tier lacks is 0 of 0.
"""

import uuid
from collections.abc import Mapping
from typing import Literal

import msgspec

from grok2api.catalog import MODES, Tier

State = Literal["ok", "expired", "blocked", "unauthorized", "challenged"]

_DAY, _HOUR, _TWO_HOURS = 86_400, 3_600, 7_200
_COMPUTER = MODES["grok43"]

#: tier -> wire mode -> (queries, window in seconds).
QUOTAS: Mapping[Tier, Mapping[str, tuple[int, int]]] = {
    Tier.BASIC: {"fast": (30, _DAY), "console": (20, _HOUR)},
    Tier.SUPER: {
        "auto": (50, _TWO_HOURS),
        "fast": (140, _TWO_HOURS),
        "expert": (50, _TWO_HOURS),
        _COMPUTER: (50, _TWO_HOURS),
        "console": (20, _HOUR),
    },
    Tier.HEAVY: {
        "auto": (150, _TWO_HOURS),
        "fast": (400, _TWO_HOURS),
        "expert": (150, _TWO_HOURS),
        "heavy": (20, _TWO_HOURS),
        _COMPUTER: (150, _TWO_HOURS),
        "console": (20, _HOUR),
    },
    Tier.API: {"api": (1_000_000, _DAY)},
}


class Window(msgspec.Struct, kw_only=True):
    """A quota: `total` queries in `seconds`. `remaining` is `None` until something was taken or set."""

    total: int
    seconds: int
    remaining: int | None = None
    began: float | None = None
    last_used: float | None = None

    def left(self, now: float) -> int:
        """What is left at `now`; a window that is over is full again."""
        if self.began is not None and now >= self.began + self.seconds:
            self.began = None
            self.remaining = None
        return self.total if self.remaining is None else self.remaining

    def take(self, now: float) -> bool:
        """Uses one query, if there is one."""
        left = self.left(now)
        if left <= 0:
            return False
        self.began = now if self.began is None else self.began
        self.remaining = left - 1
        self.last_used = now
        return True

    def restore(self) -> None:
        """Makes it full before its time, as upstream sometimes does."""
        self.began = self.remaining = None

    def resets_in(self, now: float) -> float:
        """Seconds until the window is full again; 0 when nothing was taken."""
        return 0.0 if self.began is None else max(0.0, self.began + self.seconds - now)


class SimAccount(msgspec.Struct, kw_only=True):
    """One account that the simulator knows.

    token: the session token (`sso` cookie), or for tier `api` the `xai-` key.
    windows: by wire mode; left out, those of the tier.
    console_requires_dpop: the console answers a plain bearer value with `dpop-required`.
    terms_accepted, nsfw: what was set over gRPC-web.
    """

    token: str
    tier: Tier = Tier.BASIC
    state: State = "ok"
    user_id: str = ""
    email: str = ""
    windows: dict[str, Window] = {}
    console_requires_dpop: bool = False
    terms_accepted: bool = False
    nsfw: bool = False

    def __post_init__(self) -> None:
        self.user_id = self.user_id or str(uuid.uuid5(uuid.NAMESPACE_URL, f"sim-user:{self.token}"))
        self.email = self.email or f"{self.user_id[:8]}@example.org"
        given = {MODES.get(mode, mode): window for mode, window in self.windows.items()}
        granted = {mode: Window(total=total, seconds=size) for mode, (total, size) in QUOTAS[self.tier].items()}
        self.windows = granted | given

    def window(self, mode: str) -> Window | None:
        """The window of a mode, by catalog or wire name; `None` when the tier has no such mode."""
        return self.windows.get(MODES.get(mode, mode))


#: How many accounts a demo has: enough that coding agents do not use up an hour's windows in minutes.
_DEMO: Mapping[Tier, int] = {Tier.BASIC: 6, Tier.SUPER: 12, Tier.HEAVY: 6}
#: What `serve --demo` and the examples use.
DEMO_ACCOUNTS: tuple[tuple[str, Tier], ...] = (
    *((f"demo-{tier}-{number}", tier) for tier, count in _DEMO.items() for number in range(1, count + 1)),
    ("xai-demo-api-1", Tier.API),
)


def demo_accounts() -> list[SimAccount]:
    """Fresh accounts with the demo tokens."""
    return [SimAccount(token=token, tier=tier) for token, tier in DEMO_ACCOUNTS]
