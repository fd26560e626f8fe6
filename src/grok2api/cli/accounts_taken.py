"""Entries into the store from the command line: batch by batch, and what came of it for people or for programs."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec
import typer

from grok2api.accounts.importing import Entry
from grok2api.accounts.importing.planning import OnExisting, Planner, Row, Verdict
from grok2api.accounts.taking import take
from grok2api.cli.accounts_store import note, with_store
from grok2api.cli.accounts_view import printable
from grok2api.cli.common import CommandError, say
from grok2api.cli.progress import progress
from grok2api.storage.accounts import AccountStore
from grok2api.storage.directory import StoreDirectory

#: Errors that are told one by one; the others are counted, unless every line is wanted.
_TOLD = 20


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed: JSON, or a line for each entry, or totals only. `rehearsed`: nothing is written."""

    as_json: bool = False
    verbose: bool = False
    rehearsed: bool = False


def take_in(
    entries: Iterable[Entry],
    data_dir: Path,
    config: Path | None,
    shown: Shown,
    on_existing: OnExisting = OnExisting.SKIP,
) -> None:
    """Take the entries in, or rehearse it, and say what came of it. Raises `CommandError` and what a source raises."""
    told = _Told(shown)

    async def work(store: AccountStore) -> None:
        directory = StoreDirectory(store, note("import"), details=on_existing is OnExisting.UPDATE)
        batches = take(entries, directory, Planner(on_existing), _new_id, time.time(), rehearse=shown.rehearsed)
        with progress("reading" if shown.rehearsed else "importing") as advance:
            async for rows in batches:
                told.rows(rows)
                advance(len(rows))

    with_store(data_dir, config, work)
    told.end()


def _new_id() -> str:
    return f"acc_{token_hex(8)}"


class _Told:
    """Counts rows, and prints those that are wanted as they come."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._counts: Counter[Verdict] = Counter()
        self._kept: list[dict[str, Any]] = []
        self._guessed = False

    def rows(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._counts[row.verdict] += 1
            self._guessed = self._guessed or (row.verdict is Verdict.ADD and row.tier is None)
            if row.verdict is Verdict.INVALID:
                self._complain(row)
            if self._shown.as_json:
                self._kept.append(_as_json(row))
            elif self._shown.verbose and row.verdict is not Verdict.INVALID:
                print("\t".join(_cells(row)))

    def _complain(self, row: Row) -> None:
        if self._shown.verbose or self._counts[Verdict.INVALID] <= _TOLD:
            say(f"{row.where}: {row.reason}")

    def end(self) -> None:
        """Print the totals. Raises `CommandError` when there was nothing to add, `Exit` when something was wrong."""
        counts = self._counts
        bad = counts[Verdict.INVALID]
        if bad > _TOLD and not self._shown.verbose:
            say(f"{bad - _TOLD} more entries are not usable; --verbose names them all")
        if not counts:
            raise CommandError("no credential was given", exit_code=2)
        if bad == counts.total():
            raise CommandError("nothing was added: none of these is a credential", exit_code=2)
        if self._shown.as_json:
            totals = {verdict.value: counts[verdict] for verdict in Verdict}
            print(json.dumps({"dry_run": self._shown.rehearsed, "totals": totals, "rows": self._kept}, indent=2))
        else:
            print(_summary(counts, rehearsed=self._shown.rehearsed))
        if self._guessed and not self._shown.rehearsed:
            say("sessions count as basic until a running gateway, or `grok2api accounts refresh`, has asked grok.com")
        if bad:
            raise typer.Exit(1)


def _summary(counts: Counter[Verdict], *, rehearsed: bool) -> str:
    would = "would be " if rehearsed else ""
    here = counts[Verdict.SAME] + counts[Verdict.DUPLICATE]
    parts = [f"{counts[Verdict.ADD]} {would}added"]
    for verdict, words in ((Verdict.RESTORE, f"{would}restored"), (Verdict.UPDATE, f"{would}updated")):
        if counts[verdict]:
            parts.append(f"{counts[verdict]} {words}")
    parts.append(f"{here} skipped: here already")
    if counts[Verdict.GONE]:
        parts.append(f"{counts[Verdict.GONE]} skipped: deleted there")
    if counts[Verdict.INVALID]:
        parts.append(f"{counts[Verdict.INVALID]} invalid")
    return ", ".join(parts)


def _cells(row: Row) -> tuple[str, ...]:
    tier = row.tier.value if row.tier is not None else "auto"
    more = "; ".join(row.changes) or row.reason
    cells = (row.account_id or "-", row.token, tier, row.verdict.value, ",".join(row.tags), more)
    return tuple(printable(cell) for cell in cells)


def _as_json(row: Row) -> dict[str, Any]:
    """The row for programs; what it does not have is left out."""
    known = {
        "where": row.where,
        "verdict": row.verdict.value,
        "id": row.account_id,
        "token": row.token,
        "pool": row.tier.value if row.tier is not None else "",
        "tags": list(row.tags),
        "changes": list(row.changes),
        "reason": row.reason,
    }
    return {name: value for name, value in known.items() if value}
