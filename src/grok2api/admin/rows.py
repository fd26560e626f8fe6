"""An account as the admin API shows it: the names and units of the public interface.

Pure. Times are epoch milliseconds; what never happened is null. The token is whole only where the caller asks for it
so: accounts can be edited by token, and nothing but lists and single accounts shows one.
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.accounts.credentials import mask
from grok2api.accounts.model import WHOLE, Account, Rest, Window
from grok2api.accounts.query import status

#: Modes by the names that the public interface has for them, where those differ.
_MODES: Mapping[str, str] = {"grok43": "grok_4_3", WHOLE: "all"}


class Quota(msgspec.Struct, frozen=True):
    """One window. source: `real` when the upstream told it, `estimated` when we counted on, `default` before both."""

    remaining: int
    total: int
    reset_at: int | None
    window_sec: int
    source: str


class RestRow(msgspec.Struct, frozen=True):
    """A pause of a mode, or of `all`. probe_at: when one attempt may find out whether it is over early."""

    mode: str
    until: int
    since: int
    probe_at: int | None
    reason: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One account."""

    id: str
    token: str
    pool: str
    status: str
    quota: Mapping[str, Quota]
    use_count: int
    last_used_at: int | None
    tags: tuple[str, ...]
    kind: str
    state_reason: str
    rests: tuple[RestRow, ...]
    in_flight: int
    fail_count: int
    health: float
    strikes: int
    last_error: str
    last_error_at: int | None
    created_at: int
    user_id: str | None


def row(account: Account, in_flight: int, now: float, *, masked: bool = False) -> Row:
    """The account at `now`."""
    return Row(
        id=account.id,
        token=mask(account.secret) if masked else account.secret,
        pool=account.tier.value,
        status=status(account, now).value,
        quota={public_mode(mode): quota_of(window) for mode, window in sorted(account.windows.items())},
        use_count=account.use_count,
        last_used_at=millis(account.last_used_at),
        tags=account.tags,
        kind=account.kind.value,
        state_reason=account.state_reason,
        rests=tuple(rest_of(key, rest) for key, rest in sorted(account.rests.items())),
        in_flight=in_flight,
        fail_count=account.fail_count,
        health=round(account.health, 3),
        strikes=len(account.strikes),
        last_error=account.last_error,
        last_error_at=millis(account.last_error_at),
        created_at=int(account.created_at * 1000),
        user_id=account.user_id,
    )


def public_mode(mode: str) -> str:
    """The name of a mode, or of `WHOLE`, in the public interface."""
    return _MODES.get(mode, mode)


def quota_of(window: Window) -> Quota:
    """A window as it is shown."""
    return Quota(window.remaining, window.total, millis(window.resets_at), window.window_sec, window.source.value)


def rest_of(key: str, rest: Rest) -> RestRow:
    """A rest as it is shown."""
    return RestRow(public_mode(key), int(rest.until * 1000), int(rest.since * 1000), millis(rest.probe_at), rest.reason)


def millis(seconds: float | None) -> int | None:
    """Epoch milliseconds."""
    return None if seconds is None else math.floor(seconds * 1000)


def public(part: msgspec.Struct) -> dict[str, Any]:
    """A part's own report, in the public interface's units: what ends in `_at`, or is called `since`, is a time."""
    fields: dict[str, Any] = msgspec.to_builtins(part)
    return {name: millis(value) if name.endswith("_at") or name == "since" else value for name, value in fields.items()}
