"""What every source of accounts becomes: entries, each a clean credential or the error that kept it from being one.

Pure. An entry also carries what the source knows besides: state, windows, rests, counters. Errors say what is wrong
and never repeat the input, because it may be a credential in the wrong place.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grok2api.accounts.credentials import CredentialError, clean, is_masked, kind_of
from grok2api.accounts.model import Account, Kind, Rest, State, Window, new_account
from grok2api.catalog import Tier

#: No tier named: an official key is `api`, a session is taken for `basic` until grok.com has told its quotas.
AUTO = "auto"

MAX_TAGS = 32
MAX_TAG_LENGTH = 64

#: Pools by the names that this program, chenyme/grok2api 2 and its older versions have for them.
POOLS: Mapping[str, str] = {
    AUTO: AUTO,
    "basic": Tier.BASIC.value,
    "super": Tier.SUPER.value,
    "heavy": Tier.HEAVY.value,
    "api": Tier.API.value,
    "sso": Tier.BASIC.value,
    "ssobasic": Tier.BASIC.value,
    "ssosuper": Tier.SUPER.value,
    "ssoheavy": Tier.HEAVY.value,
}
#: What chenyme/grok2api keeps of sign-ins that are no sessions.
_OAUTH_POOLS = ("xai", "_xai_oauth_pending")


class EntryError(ValueError):
    """Why something is no entry; the message never repeats the input."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What a source knows of an account besides credential, tier and tags. `None`: it does not know."""

    state: State = State.ACTIVE
    state_reason: str = ""
    windows: Mapping[str, Window] | None = None
    rests: Mapping[str, Rest] = {}
    health: float = 1.0
    strikes: tuple[float, ...] = ()
    use_count: int = 0
    fail_count: int = 0
    last_used_at: float | None = None
    last_error: str = ""
    last_error_at: float | None = None
    created_at: float | None = None
    user_id: str | None = None


NOTHING = Past()


class Entry(msgspec.Struct, frozen=True):
    """One credential, clean, or the `error` that kept it from being one. `where` is its place in the input.

    tier: `None` for a session whose tier nobody named. gone: it was deleted where it comes from.
    """

    where: str
    secret: str = ""
    tier: Tier | None = None
    tags: tuple[str, ...] = ()
    error: str = ""
    gone: bool = False
    past: Past = NOTHING

    def __repr__(self) -> str:
        return f"Entry({self.where})"

    def account(self, ident: str, now: float) -> Account:
        """The new account of this entry."""
        fresh = new_account(ident, self.secret, kind_of(self.secret), self.tier, now, tags=self.tags)
        known = {name: value for name, value in msgspec.structs.asdict(self.past).items() if value is not None}
        return msgspec.structs.replace(fresh, **known)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How sources are read: the pool and tags of entries that name none, and what is fresh at `now`."""

    pool: str = AUTO
    tags: tuple[str, ...] = ()
    now: float = float("inf")


def entry(where: str, raw: str, pool: str = AUTO, tags: tuple[str, ...] = ()) -> Entry:
    """The entry of one credential."""
    return made(where, raw, pool, tags)


def made(where: str, raw: str, pool: str, tags: Iterable[str], past: Past = NOTHING) -> Entry:
    """The entry of a credential and what is known of it."""
    try:
        secret = _credential(raw)
        return Entry(where, secret, _tier(secret, pool), checked_tags(tags), past=past)
    except (CredentialError, EntryError) as error:
        return Entry(where, error=str(error))


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Each tag once, without space around it. Raises `EntryError` for too many, or for one that is too long."""
    stripped = tuple(dict.fromkeys(tag for raw in tags if (tag := raw.strip())))
    if len(stripped) > MAX_TAGS:
        raise EntryError(f"has more than {MAX_TAGS} tags")
    if any(len(tag) > MAX_TAG_LENGTH for tag in stripped):
        raise EntryError(f"has a tag that is longer than {MAX_TAG_LENGTH} characters")
    return stripped


def text_of(value: Any) -> str:
    """A value of a file or a database as text; what is no text or number is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def _credential(raw: str) -> str:
    if "\ufffd" in raw:
        raise EntryError("holds bytes that are no text in UTF-8")
    secret = clean(raw)
    if is_masked(secret):
        raise EntryError("is masked: export with the secrets, or copy the credential whole")
    return secret


def _tier(secret: str, pool: str) -> Tier | None:
    official = kind_of(secret) is Kind.API
    named = POOLS.get(pool.strip().lower())
    if pool.strip().lower() in _OAUTH_POOLS:
        raise EntryError("is an OAuth sign-in, which this program cannot use; add the browser session instead")
    if named is None:
        raise EntryError(f"the pool is none of auto, {', '.join(Tier)}")
    if named == AUTO:
        return Tier.API if official else None
    if official != (named == Tier.API):
        raise EntryError("an official key (xai-…) belongs to the pool api, and nothing else does")
    return Tier(named)
