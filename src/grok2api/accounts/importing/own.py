"""Accounts as this program exports them, and back with nothing lost.

Pure. One typed record serves JSON, JSON lines and CSV; what a file could hold beyond what the store can keep is refused
here. The id and the revision belong to the store that an account is in, and do not travel.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from grok2api.accounts.importing.entries import Entry, EntryError, Past, made
from grok2api.accounts.model import Account, Rest, Source, State, Window

#: The member that only our own records have.
MARK = "state"

_LONGEST_WORDS = 4000

Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Moment = Annotated[float, msgspec.Meta(ge=0, le=1e11)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class _Window(msgspec.Struct, kw_only=True, omit_defaults=True):
    remaining: Count
    total: Count
    window_sec: Count
    resets_at: Moment | None = None
    source: Source = Source.DEFAULT


class _Rest(msgspec.Struct, kw_only=True, omit_defaults=True):
    until: Moment
    since: Moment
    probe_at: Moment | None = None
    count: Count = 1
    reason: str = ""


class Record(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One account in a file. `windows` and `rests` by mode; times in epoch seconds."""

    id: str = ""
    token: str
    pool: str
    tags: list[str] = []
    state: State
    state_reason: str = ""
    windows: dict[Name, _Window] | None = None
    rests: dict[Name, _Rest] = {}
    health: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    strikes: list[Moment] = []
    use_count: Count = 0
    fail_count: Count = 0
    last_used_at: Moment | None = None
    last_error: str = ""
    last_error_at: Moment | None = None
    created_at: Moment | None = None
    user_id: Annotated[str, msgspec.Meta(max_length=64)] = ""


FIELDS = tuple(field.name for field in msgspec.structs.fields(Record))
#: Cells that are words. Free ones are written as JSON where they hold more than one line of plain text.
_WORDS = frozenset({"id", "token", "pool", "state"})
_FREE = frozenset({"state_reason", "last_error", "user_id"})


def record_of(account: Account, token: str) -> Record:
    """The account as a record; `token` is its credential, or the mask of it."""
    windows = {mode: _Window(**msgspec.structs.asdict(window)) for mode, window in account.windows.items()}
    rests = {mode: _Rest(**msgspec.structs.asdict(rest)) for mode, rest in account.rests.items()}
    return Record(
        id=account.id,
        token=token,
        pool=account.tier.value,
        tags=list(account.tags),
        state=account.state,
        state_reason=account.state_reason,
        windows=windows,
        rests=rests,
        health=account.health,
        strikes=list(account.strikes),
        use_count=account.use_count,
        fail_count=account.fail_count,
        last_used_at=account.last_used_at,
        last_error=account.last_error,
        last_error_at=account.last_error_at,
        created_at=account.created_at,
        user_id=account.user_id or "",
    )


def cells_of(record: Record) -> dict[str, str]:
    """The record as cells of a table: JSON where a value is no plain word, nothing where it says nothing."""
    return {name: _cell(name, value) for name, value in msgspec.to_builtins(record).items()}


def _cell(name: str, value: Any) -> str:
    if name in _WORDS or (name in _FREE and _is_plain(value)):
        return str(value)
    if name == "tags" and all(_is_plain(tag) and "," not in tag for tag in value):
        return ",".join(value)
    return msgspec.json.encode(value).decode()


def _is_plain(text: str) -> bool:
    return text.isprintable() and not text.startswith(("[", '"')) and text == text.strip() != ""


def values_of(cells: Mapping[str, str]) -> dict[str, Any]:
    """The record of these cells. Raises `EntryError`."""
    return {name: _value(name, cell) for name, cell in cells.items() if name in FIELDS and cell.strip()}


def _value(name: str, cell: str) -> Any:
    if name in _WORDS or (name in _FREE and not cell.startswith('"')):
        return cell
    if name == "tags" and not cell.startswith("["):
        return cell.split(",")
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError):
        raise EntryError(f"its member `{name}` cannot be read") from None


def entry_of(where: str, record: Mapping[str, Any], pool: str, tags: tuple[str, ...]) -> Entry:
    """The entry of one of our own records; `pool` is that of the list it stands in."""
    try:
        known = msgspec.convert({"pool": pool, **record}, Record, strict=False)
    except msgspec.ValidationError as error:
        return Entry(where, error=f"its member `{_member(error)}` cannot be read")
    return made(where, known.token, known.pool, (*known.tags, *tags), _past(known))


def _past(known: Record) -> Past:
    windows = known.windows
    return Past(
        state=known.state,
        state_reason=known.state_reason[:_LONGEST_WORDS],
        windows=None if windows is None else {mode: _as(Window, window) for mode, window in windows.items()},
        rests={mode: _as(Rest, rest) for mode, rest in known.rests.items()},
        health=known.health,
        strikes=tuple(known.strikes),
        use_count=known.use_count,
        fail_count=known.fail_count,
        last_used_at=known.last_used_at,
        last_error=known.last_error[:_LONGEST_WORDS],
        last_error_at=known.last_error_at,
        created_at=known.created_at,
        user_id=known.user_id or None,
    )


def _as(kind: Any, value: msgspec.Struct) -> Any:
    return kind(**msgspec.structs.asdict(value))


def _member(error: msgspec.ValidationError) -> str:
    """Which member is wrong. The error itself is not repeated: it may quote a value."""
    found = re.search(r"`\$\.(\w+)|required field `(\w+)`", str(error))
    return "" if found is None else found[1] or found[2]
