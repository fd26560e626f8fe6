"""`grok2api accounts enable`, `disable` and `remove`: one change, for accounts that are named or fit a filter."""

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from grok2api.accounts.lifecycle import disabled, enabled
from grok2api.cli.accounts_chosen import (
    Chosen,
    DryRun,
    Everyone,
    OfPool,
    OfStatus,
    References,
    WithTag,
    WithText,
    Yes,
    agreed,
    chosen,
    idents,
)
from grok2api.cli.accounts_store import note, with_store
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, ConfigFile, DataDir
from grok2api.storage.accounts import AccountStore

#: Does it to accounts by their ids; how many there were, and the number of the change.
Work = Callable[[AccountStore, Sequence[str]], Awaitable[tuple[int, int | None]]]


class How(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller wants beside the change itself. done: what the accounts are then, in one word."""

    done: str
    data_dir: Path
    config: Path | None
    rehearsed: bool
    yes: bool
    as_json: bool


def enable(
    references: References = None,
    pool: OfPool = None,
    only: OfStatus = None,
    tag: WithTag = None,
    text: WithText = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Let accounts work again: failures, rests and expiry are forgotten."""

    async def work(store: AccountStore, ids: Sequence[str]) -> tuple[int, int | None]:
        changed = await store.change(ids, enabled, note("enable"))
        return len(changed.accounts), changed.change_id

    how = How(done="enabled", data_dir=data_dir, config=config, rehearsed=dry_run, yes=yes, as_json=as_json)
    _change(chosen(references, pool, only, tag, text, everyone), work, how)


def disable(
    references: References = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who ask later.")] = "by the operator",
    pool: OfPool = None,
    only: OfStatus = None,
    tag: WithTag = None,
    text: WithText = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Take accounts out until they are enabled again. What they are answering now goes on."""

    async def work(store: AccountStore, ids: Sequence[str]) -> tuple[int, int | None]:
        changed = await store.change(ids, lambda account: disabled(account, reason), note("disable", reason))
        return len(changed.accounts), changed.change_id

    how = How(done="disabled", data_dir=data_dir, config=config, rehearsed=dry_run, yes=yes, as_json=as_json)
    _change(chosen(references, pool, only, tag, text, everyone), work, how)


def remove(
    references: References = None,
    pool: OfPool = None,
    only: OfStatus = None,
    tag: WithTag = None,
    text: WithText = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Delete accounts, with everything known about them. For a day `undo` brings them back."""

    async def work(store: AccountStore, ids: Sequence[str]) -> tuple[int, int | None]:
        removed = await store.remove(ids, note("remove"))
        return removed.count, removed.change_id

    how = How(done="removed", data_dir=data_dir, config=config, rehearsed=dry_run, yes=yes, as_json=as_json)
    _change(chosen(references, pool, only, tag, text, everyone), work, how)


def _change(which: Chosen, work: Work, how: How) -> None:
    async def run(store: AccountStore) -> tuple[int, int | None]:
        ids = await idents(store, which)
        if how.rehearsed:
            return len(ids), None
        agreed(len(ids), how.done, yes=how.yes)
        return await work(store, ids)

    count, change_id = with_store(how.data_dir, how.config, run)
    if how.as_json:
        shown: dict[str, Any] = {how.done: count, "dry_run": how.rehearsed, "change_id": change_id}
        print(json.dumps(shown))
        return
    again = f"; `grok2api accounts undo {change_id}` takes it back" if change_id is not None else ""
    print(f"{count} {'would be ' if how.rehearsed else ''}{how.done}{again}")
