"""How accounts look on the command line: a table on a terminal, tab-separated lines in a pipe, JSON on request.

Credentials are masked everywhere here.
"""

import datetime as dt
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from grok2api.accounts.credentials import mask
from grok2api.accounts.explain import spell
from grok2api.accounts.model import WHOLE, Account, Rest, State
from grok2api.catalog import TIER_MODES

RESTING = "resting"

_COLUMNS = ("id", "token", "tier", "status", "windows", "rests", "tags", "used")
_WHOLE_COLUMNS = frozenset({"id", "tier"})


def status(account: Account) -> str:
    """The state, or `resting` when an active account can serve no mode now."""
    if account.state is State.ACTIVE and account.rests:
        modes = TIER_MODES[account.tier]
        if WHOLE in account.rests or all(mode in account.rests for mode in modes):
            return RESTING
    return account.state.value


def as_json(account: Account) -> dict[str, Any]:
    """The account for programs: everything but the credential, times in epoch seconds."""
    fields = msgspec.structs.asdict(account)
    del fields["secret"], fields["revision"]
    shown = {
        "id": account.id,
        "token": mask(account.secret),
        "status": status(account),
        **fields,
        "tier_known": account.tier_known,
    }
    plain: dict[str, Any] = msgspec.to_builtins(shown)
    return plain


def show_list(accounts: Sequence[Account], now: float) -> None:
    """Print the accounts, one a line."""
    rows = [_cells(account, now) for account in accounts]
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    table = Table()
    for name in _COLUMNS:
        table.add_column(name, no_wrap=name in _WHOLE_COLUMNS)
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def show_one(account: Account, now: float) -> None:
    """Print everything about one account."""
    cells = dict(zip(_COLUMNS, _cells(account, now), strict=True))
    lines = (
        *((name, cells[name]) for name in ("id", "token", "tier", "status")),
        ("reason", account.state_reason),
        ("kind", account.kind.value),
        ("tags", cells["tags"]),
        *((f"window {mode}", _window(account, mode, now)) for mode in sorted(account.windows)),
        *((f"rest {_scope(key)}", _rest(rest, now)) for key, rest in sorted(account.rests.items())),
        ("health", f"{account.health:.2f}"),
        ("strikes", str(len(account.strikes))),
        ("used", f"{account.use_count} times, {account.fail_count} failures"),
        ("last used", _moment(account.last_used_at)),
        ("last error", account.last_error),
        ("added", _moment(account.created_at)),
    )
    for name, value in lines:
        if value:
            print(f"{name:16} {printable(value)}")


def _cells(account: Account, now: float) -> tuple[str, ...]:
    state = status(account)
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


def _moment(time: float | None) -> str:
    if time is None:
        return "never"
    return dt.datetime.fromtimestamp(time, dt.UTC).isoformat(sep=" ", timespec="seconds")
