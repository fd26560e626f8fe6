"""What an account is: one upstream credential with its tier, state, windows and rests.

Pure frozen values. Times are seconds of the epoch, as floats. Nothing here changes an account:
`lifecycle` does what outcomes demand, `quota` what the upstream's own counts say. Default windows:
the product's published limits per tier; console.x.ai publishes none, so 20 an hour are kept locally.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from grok2api.catalog import WEB_MODES, Tier
from grok2api.upstreams.base import Credential

#: The key of a rest that covers the whole account instead of one mode.
WHOLE = "*"

HOUR = 3600
DAY = 24 * HOUR


class Kind(StrEnum):
    """What the credential is."""

    WEB = "web"  # a session of grok.com, which console.x.ai accepts too
    API = "api"  # an official key


class State(StrEnum):
    """Whether the account may work at all. Rests are apart from it: a resting account is still ACTIVE."""

    ACTIVE = "active"
    SUSPECT = "suspect"  # one bare 401: works again, or expires, with the next answer
    EXPIRED = "expired"  # the upstream no longer takes the credential
    DISABLED = "disabled"  # by the operator, or blocked upstream; `state_reason` says which


class Source(StrEnum):
    """Where a window's numbers come from."""

    DEFAULT = "default"
    REAL = "real"
    ESTIMATED = "estimated"


class Window(msgspec.Struct, frozen=True, gc=False):
    """Quota of one mode: `remaining` of `total` calls until `resets_at` (None: not begun), then `window_sec` anew."""

    remaining: int
    total: int
    window_sec: int
    resets_at: float | None = None
    source: Source = Source.DEFAULT

    def refilled(self, now: float) -> "Window":
        """This window, or a full one when its time is over."""
        if self.resets_at is None or self.resets_at > now:
            return self
        return Window(self.total, self.total, self.window_sec, None, Source.ESTIMATED)


class Rest(msgspec.Struct, frozen=True, gc=False):
    """A pause of one mode, or of the account, from `since` to `until`.

    probe_at: when one attempt may find out early whether it is over; None for a short rest.
    count: how many limits in a row came without a time; 0 when this rest is no guess.
    """

    until: float
    since: float
    probe_at: float | None = None
    count: int = 0
    reason: str = ""


class Account(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One upstream credential and all that we know of it.

    id: random and stable. secret: the clean credential; never shown by `repr`.
    windows: by mode. rests: by mode, or `WHOLE`. health: 0.05..1, see `lifecycle`.
    strikes: when unexplained refusals came, each at least a minute after the one before.
    revision: the store's revision at the last administrative write; 0 before the first.
    """

    id: str
    secret: str
    kind: Kind
    tier: Tier
    state: State = State.ACTIVE
    state_reason: str = ""
    tags: tuple[str, ...] = ()
    windows: Mapping[str, Window] = {}
    rests: Mapping[str, Rest] = {}
    health: float = 1.0
    strikes: tuple[float, ...] = ()
    use_count: int = 0
    fail_count: int = 0
    last_used_at: float | None = None
    last_error: str = ""
    last_error_at: float | None = None
    created_at: float = 0.0
    user_id: str | None = None
    revision: int = 0

    @property
    def tier_known(self) -> bool:
        """Whether the tier was named or told. One that is only taken for basic has no window of grok.com yet."""
        return self.kind is Kind.API or any(mode in WEB_MODES for mode in self.windows)

    @property
    def credential(self) -> Credential:
        return Credential(account_id=self.id, secret=self.secret, user_id=self.user_id)

    def __repr__(self) -> str:
        return f"Account({self.id}, {self.tier}, {self.state})"


def _windows(window_sec: int, **totals: int) -> Mapping[str, Window]:
    web = {mode: Window(total, total, window_sec) for mode, total in totals.items()}
    return web | {"console": Window(20, 20, HOUR)}


#: What a tier is taken to have until the upstream has been asked.
DEFAULT_WINDOWS: Mapping[Tier, Mapping[str, Window]] = {
    Tier.BASIC: _windows(DAY, fast=30),
    Tier.SUPER: _windows(2 * HOUR, auto=50, fast=140, expert=50, grok43=50),
    Tier.HEAVY: _windows(2 * HOUR, auto=150, fast=400, expert=150, heavy=20, grok43=150),
    Tier.API: {},
}

#: The windows of an account whose tier nobody named: those that it has whatever its tier is.
_ASSUMED: Mapping[str, Window] = {
    mode: window for mode, window in DEFAULT_WINDOWS[Tier.BASIC].items() if mode not in WEB_MODES
}


def new_account(
    ident: str, secret: str, kind: Kind, tier: Tier | None, now: float, *, tags: tuple[str, ...] = ()
) -> Account:
    """A fresh account with the default windows of its tier; `secret` is clean already.

    Without a tier it is taken for basic, and no quota of grok.com is assumed until it has been told (`tier_known`).
    """
    windows = DEFAULT_WINDOWS[tier] if tier is not None else _ASSUMED
    tier = tier or Tier.BASIC
    return Account(id=ident, secret=secret, kind=kind, tier=tier, tags=tags, windows=windows, created_at=now)


#: What very many accounts have alike: windows nobody has used yet, and nothing.
_UNTOUCHED: Mapping[str, Rest] = {}


def slim(account: Account) -> Account:
    """The same account, holding once with all others what is alike: accounts that come from a store share nothing."""
    windows = DEFAULT_WINDOWS[account.tier] if account.tier_known else _ASSUMED
    if account.windows is windows or account.windows != windows:
        windows = account.windows
    rests = account.rests or _UNTOUCHED
    if windows is account.windows and rests is account.rests:
        return account
    return msgspec.structs.replace(account, windows=windows, rests=rests)


def moved(account: Account, tier: Tier) -> Account:
    """The account in a tier that is known: windows that it had before are kept when the upstream told them."""
    if account.tier is tier and account.tier_known:
        return account
    kept = {mode: window for mode, window in account.windows.items() if window.source is Source.REAL}
    defaults = DEFAULT_WINDOWS[tier]
    windows = {mode: kept.get(mode, default) for mode, default in defaults.items()}
    return msgspec.structs.replace(account, tier=tier, windows=windows)


def current(account: Account, now: float) -> Account:
    """The account as it is at `now`: rests that are over are gone, windows whose time has passed are full."""
    rests = {key: rest for key, rest in account.rests.items() if rest.until > now}
    windows = {mode: window.refilled(now) for mode, window in account.windows.items()}
    if len(rests) == len(account.rests) and windows == account.windows:
        return account
    return msgspec.structs.replace(account, rests=rests, windows=windows)
