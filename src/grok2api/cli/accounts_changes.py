"""`grok2api accounts changes` and `undo`: what was administered, by whom, and how to take it back."""

import json
import time
from typing import Annotated, Any

import msgspec
import typer

from grok2api.cli.accounts_store import note, with_store
from grok2api.cli.accounts_view import moment, printable
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, ConfigFile, DataDir
from grok2api.storage.accounts import Change


def changes(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")] = 20,
    before: Annotated[
        int | None, typer.Option("--before", min=1, help="Only changes with smaller numbers.", show_default=False)
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What was changed by hand, here and in the admin API, the newest first. Each can be undone for a day."""
    found = with_store(data_dir, config, lambda store: store.changes(limit, before))
    now = time.time()
    if as_json:
        print(json.dumps([_as_json(change, now) for change in found], indent=2))
        return
    for change in found:
        print("\t".join(_cells(change, now)))


def _as_json(change: Change, now: float) -> dict[str, Any]:
    return {**msgspec.to_builtins(change), "undoable": change.can_be_undone(now)}


def _cells(change: Change, now: float) -> tuple[str, ...]:
    state = "undone" if change.undone_at is not None else "can be undone" if change.can_be_undone(now) else "stands"
    cells = (str(change.id), moment(change.at), change.actor, change.action, str(change.count), state, change.detail)
    return tuple(printable(cell) for cell in cells)


def undo(
    change: Annotated[int, typer.Argument(metavar="CHANGE", help="Number of the change; `changes` lists them.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Put the accounts of a change back to what they were, as far as it touched them. Once, and for a day."""
    done = with_store(data_dir, config, lambda store: store.undo(change, note("undo", f"of change {change}")))
    if as_json:
        print(json.dumps({"restored": done.count, "skipped": list(done.skipped)}))
        return
    print(f"{done.count} put back")
    for ident in done.skipped:
        print(f"{ident} is left: it was removed, or its credential is another account's now")
