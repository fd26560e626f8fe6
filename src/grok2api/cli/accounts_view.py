"""How accounts look on the command line: a table on a terminal, tab-separated lines in a pipe, JSON on request.

Credentials are masked everywhere here. A table has the columns that fit: what is left out is told.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from grok2api.accounts.credentials import mask
from grok2api.accounts.explain import ModeExplanation, spell
from grok2api.accounts.model import WHOLE, Account, Rest
from grok2api.accounts.query import status

_COLUMNS = ("id", "token", "tier", "status", "windows", "rests", "tags", "used")
#: The columns, the most telling first, and how narrow each may be made.
_LEAST: Mapping[str, int] = {
    "id": 20,
    "tier": 5,
    "status": 12,
    "windows": 16,
    "tags": 8,
    "used": 4,
    "rests": 16,
    "token": 19,
}
#: Columns that are never cut.
_WHOLE_COLUMNS = frozenset({"id", "tier", "used"})
_BETWEEN = 2


def as_json(account: Account, now: float) -> dict[str, Any]:
    """The account for programs: everything but the credential, times in epoch seconds."""
    fields = msgspec.structs.asdict(account)
    del fields["secret"], fields["revision"]
    shown = {
        "id": account.id,
        "token": mask(account.secret),
        "status": status(account, now),
        **fields,
        "tier_known": account.tier_known,
    }
    plain: dict[str, Any] = msgspec.to_builtins(shown)
    return plain


def show_rows(accounts: Iterable[Account], now: float) -> None:
    """Print the accounts, one a line, with a tab between two columns."""
    for account in accounts:
        print("\t".join(_cells(account, now)))


def show_table(accounts: Sequence[Account], now: float) -> tuple[str, ...]:
    """Print the accounts as a table that is no wider than the terminal; the columns that had no room."""
    console = Console(markup=False, highlight=False)
    rows = [dict(zip(_COLUMNS, _cells(account, now), strict=True)) for account in accounts]
    widths = fitting(rows, console.width)
    table = Table(box=None, padding=(0, _BETWEEN, 0, 0), pad_edge=False)
    for name, width in widths.items():
        table.add_column(name, width=width, no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*(row[name] for name in widths))
    console.print(table)
    return tuple(name for name in _COLUMNS if name not in widths and any(row[name] for row in rows))


def fitting(rows: Sequence[Mapping[str, str]], width: int) -> dict[str, int]:
    """The columns that fit into `width`, in their order, and how wide each is; one that is empty everywhere is none.

    A column gets what says something first; what is left over goes to those that would be cut.
    """
    longest = {name: max((len(name), *(len(row[name]) for row in rows))) for name in _LEAST}
    widths: dict[str, int] = {}
    for name, least in _LEAST.items():
        needed = longest[name] if name in _WHOLE_COLUMNS else min(longest[name], max(least, len(name)))
        if any(row[name] for row in rows) and needed + _BETWEEN <= width:
            widths[name] = needed
            width -= needed + _BETWEEN
    for name in widths:
        more = min(longest[name] - widths[name], width)
        widths[name] += more
        width -= more
    return {name: widths[name] for name in _COLUMNS if name in widths}


def show_one(account: Account, modes: Iterable[ModeExplanation], now: float) -> None:
    """Print everything about one account."""
    cells = dict(zip(_COLUMNS, _cells(account, now), strict=True))
    lines = (
        *((name, cells[name]) for name in ("id", "token", "tier", "status")),
        ("reason", account.state_reason),
        ("kind", account.kind.value),
        ("tags", cells["tags"]),
        *((f"mode {told.mode}", told.words) for told in modes),
        *((f"window {mode}", _window(account, mode, now)) for mode in sorted(account.windows)),
        *((f"rest {_scope(key)}", _rest(rest, now)) for key, rest in sorted(account.rests.items())),
        ("health", f"{account.health:.2f}"),
        ("strikes", str(len(account.strikes))),
        ("used", f"{account.use_count} times, {account.fail_count} failures"),
        ("last used", moment(account.last_used_at)),
        ("last error", account.last_error),
        ("added", moment(account.created_at)),
    )
    for name, value in lines:
        if value:
            print(f"{name:16} {printable(value)}")


def _cells(account: Account, now: float) -> tuple[str, ...]:
    state = status(account, now).value
    cells = (
        account.id,
        mask(account.secret),
        account.tier.value,
        f"{state}: {account.state_reason}" if account.state_reason else state,
        " ".join(f"{mode}={window.remaining}/{window.total}" for mode, window in sorted(account.windows.items())),
        _rests(account.rests.items(), now),
        ",".join(account.tags),
        str(account.use_count),
    )
    return tuple(printable(cell) for cell in cells)


def printable(text: str) -> str:
    """`text` without what a terminal would obey: tags and reasons come from files and from upstreams."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _rests(rests: Iterable[tuple[str, Rest]], now: float) -> str:
    return "; ".join(f"{_scope(key)} {_rest(rest, now)}" for key, rest in sorted(rests))


def _rest(rest: Rest, now: float) -> str:
    return f"for {spell(rest.until - now)} ({rest.reason})"


def _window(account: Account, mode: str, now: float) -> str:
    window = account.windows[mode]
    again = f", again in {spell(window.resets_at - now)}" if window.resets_at is not None else ""
    return f"{window.remaining} of {window.total} in {spell(window.window_sec)}{again} ({window.source})"


def _scope(key: str) -> str:
    return "everything" if key == WHOLE else key


def moment(time: float | None) -> str:
    """A time for people, in UTC."""
    if time is None:
        return "never"
    return dt.datetime.fromtimestamp(time, dt.UTC).isoformat(sep=" ", timespec="seconds")
