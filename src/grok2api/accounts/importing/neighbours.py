"""Accounts as others keep them: chenyme/grok2api 2 and its older versions, and lists that people write.

Pure. One record has the same members whether it comes from a table, a Redis hash or a file: `pool` or `pool_name`,
`status`, `quota_auto` or `quota.auto`, times in milliseconds, lists as JSON. What says something about the account
is carried over: pool, status, tags, counters, last use, windows that still run (as estimates), cooldowns (as rests).
What the other program derives for itself (revisions, synchronisation, strikes by its own rules) is not.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grok2api.accounts.importing.documents import TOKEN_NAMES
from grok2api.accounts.importing.entries import (
    AUTO,
    MAX_TAG_LENGTH,
    NOTHING,
    POOLS,
    Entry,
    Past,
    Reading,
    made,
    text_of,
)
from grok2api.accounts.model import DAY, DEFAULT_WINDOWS, WHOLE, Rest, Source, State, Window
from grok2api.accounts.resting import Policy, rest_for
from grok2api.catalog import TIER_MODES, Tier

Record = Mapping[str, Any]

#: Times above this are milliseconds.
_MILLISECONDS_FROM = 1e11
_LATEST = 1e11
_MOST = 2**31 - 1
_LONGEST_REASON = 400
_LONGEST_WINDOW_SEC = 31 * DAY

#: Our modes, by theirs.
_MODES: Mapping[str, str] = {
    "auto": "auto",
    "fast": "fast",
    "expert": "expert",
    "heavy": "heavy",
    "grok_4_3": "grok43",
    "console": "console",
}
#: A `cooling` account is active, and rests until the time that it names.
_STATES: Mapping[str, State] = {
    "": State.ACTIVE,
    "active": State.ACTIVE,
    "cooling": State.ACTIVE,
    "suspect": State.SUSPECT,
    "expired": State.EXPIRED,
    "invalid": State.EXPIRED,
    "disabled": State.DISABLED,
}
_TRUE = ("1", "true", "yes", "y", "on", "x")


def entry_of(where: str, record: Record, pool: str, reading: Reading) -> Entry:
    """The entry of a record; `pool` is that of the list it stands in."""
    token = next((text for name in TOKEN_NAMES if (text := text_of(record.get(name)))), "")
    if not token:
        return Entry(where, error="names no token")
    if _moment(record.get("deleted_at")):
        return Entry(where, error="was deleted where it comes from", gone=True)
    status = text_of(record.get("status")).rpartition(".")[2].lower()
    if status not in _STATES:
        return Entry(where, error=f"its status is none of {', '.join(filter(None, _STATES))}")
    named = text_of(record.get("pool")) or text_of(record.get("pool_name")) or pool or reading.pool
    past = _past(record, _STATES[status], named, status, reading.now)
    return made(where, token, named, (*reading.tags, *_tags(record)), past)


def _past(record: Record, state: State, pool: str, status: str, now: float) -> Past:
    tier = _tier(pool)
    off = text_of(record.get("disabled")).lower() in _TRUE or record.get("disabled") is True
    state = State.DISABLED if off else state
    windows = dict(_windows(record, tier, now))
    rests = {mode: _used_up(window, now) for mode, window in windows.items() if window.remaining <= 0}
    extra = _mapping(record.get("ext"))
    until = _moment(extra.get("cooldown_until"))
    if status == "cooling" and until is not None and until > now:
        rests[WHOLE] = _cooldown(until, now, _reason(extra.get("cooldown_reason")))
    created = _moment(record.get("created_at"))
    past = Past(
        state=state,
        state_reason="" if state is State.ACTIVE else _why(record, extra, state),
        windows={**DEFAULT_WINDOWS[tier], **windows} if windows else None,
        rests=rests,
        use_count=_count(record, "usage_use_count", "use_count"),
        fail_count=_count(record, "usage_fail_count", "fail_count"),
        last_used_at=_moment(record.get("last_use_at")) or _moment(record.get("last_used_at")),
        last_error=_reason(record.get("last_fail_reason")),
        last_error_at=_moment(record.get("last_fail_at")),
        created_at=created if created is None or created <= now else None,
    )
    return NOTHING if past == NOTHING else past


def _tier(pool: str) -> Tier:
    """The tier that a record's windows are those of; an unknown pool is refused elsewhere."""
    named = POOLS.get(pool.strip().lower(), AUTO)
    return Tier.BASIC if named == AUTO else Tier(named)


def _why(record: Record, extra: Record, state: State) -> str:
    said = _reason(record.get("state_reason")) or _reason(extra.get(f"{state.value}_reason"))
    return said or f"{state.value} where it comes from"


def _windows(record: Record, tier: Tier, now: float) -> Iterable[tuple[str, Window]]:
    """The windows that still run; those of modes that the tier has."""
    quota = _mapping(record.get("quota"))
    for name, mode in _MODES.items():
        told = _mapping(quota.get(name)) or _mapping(record.get(f"quota_{name}"))
        if told and mode in TIER_MODES[tier]:
            window = _window(told, DEFAULT_WINDOWS[tier][mode], now)
            if window is not None:
                yield mode, window


def _window(told: Record, default: Window, now: float) -> Window | None:
    """A window that somebody has counted and that is not over yet; `None` for any other."""
    total, length = _number(told.get("total")), _number(told.get("window_seconds"))
    resets_at = _moment(told.get("reset_at"))
    synced_at = _moment(told.get("synced_at"))
    if resets_at is None and synced_at is not None:
        resets_at = synced_at + length
    counted = _number(told.get("source")) > 0 and 0 < length <= _LONGEST_WINDOW_SEC
    if not counted or not 0 < total <= _MOST or resets_at is None or not now < resets_at <= now + length:
        return None
    if default.window_sec == DAY:  # a basic account's is the same every day, whatever was said
        total, length = default.total, default.window_sec
    remaining = min(max(0, _number(told.get("remaining"))), total)
    return Window(remaining, total, length, resets_at, Source.ESTIMATED)


def _used_up(window: Window, now: float) -> Rest:
    return rest_for((window.resets_at or now) - now, now, Policy(), "quota used up")


def _cooldown(until: float, now: float, reason: str) -> Rest:
    return rest_for(until - now, now, Policy(), reason or "cooling where it comes from")


def _tags(record: Record) -> tuple[str, ...]:
    """Tags, and a note as one more of them."""
    own = record.get("tags")
    if isinstance(own, str) and own.lstrip().startswith("["):
        own = _decoded(own)
    parts = own.split(",") if isinstance(own, str) else own if isinstance(own, list | tuple) else ()
    note = " ".join(text_of(record.get("note")).split())[:MAX_TAG_LENGTH]
    return (*(text_of(part) for part in parts), note)


def _mapping(value: Any) -> Record:
    """A mapping, also one that is written as JSON; else an empty one."""
    if isinstance(value, str):
        value = _decoded(value)
    return value if isinstance(value, Mapping) else {}


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _reason(value: Any) -> str:
    return text_of(value)[:_LONGEST_REASON]


def _count(record: Record, *names: str) -> int:
    return next((number for name in names if 0 < (number := _number(record.get(name))) <= _MOST), 0)


def _number(value: Any) -> int:
    """A whole number of a table, a hash or a file; 0 for anything else."""
    try:
        return 0 if isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def _moment(value: Any) -> float | None:
    """Epoch seconds; times far in the future of mankind are milliseconds. `None` for no time."""
    try:
        time = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    time = time / 1000 if time > _MILLISECONDS_FROM else time
    return time if 0 < time < _LATEST else None
