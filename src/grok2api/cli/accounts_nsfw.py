"""`grok2api accounts nsfw`: the switch for adult content of many accounts, on or off."""

import time
from collections.abc import Callable
from contextlib import aclosing
from enum import StrEnum
from typing import Annotated

import typer

from grok2api import options
from grok2api.accounts.model import Account
from grok2api.accounts.switching import How, Item, Switching
from grok2api.cli.accounts_chosen import (
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
from grok2api.cli.accounts_upstream import Concurrency, Result, Told, new_uuid, upstreams
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, ConfigFile, DataDir, loaded
from grok2api.cli.progress import progress
from grok2api.storage.accounts import AccountStore
from grok2api.upstreams.grok_web.account_settings import AccountSettings

#: Results between two writes of what they change: one change each, which can be undone.
_BATCH = 100


class Turn(StrEnum):
    """Where the switch is turned."""

    ON = "on"
    OFF = "off"


def nsfw(
    turn: Annotated[Turn, typer.Argument(help="Where to turn it.")],
    references: References = None,
    pool: OfPool = None,
    only: OfStatus = None,
    tag: WithTag = None,
    text: WithText = "",
    everyone: Everyone = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    concurrency: Concurrency = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Turn adult content on, which accepts the upstream's terms of service for the accounts, or off. Tags them."""
    which = chosen(references, pool, only, tag, text, everyone)
    settings = loaded(data_dir, config).settings
    told = Told(as_json=as_json)
    at_once = concurrency or settings.batch.nsfw_concurrency

    async def work(store: AccountStore) -> int | None:
        accounts = await store.get(await idents(store, which))
        if dry_run:
            return len(accounts)
        agreed(len(accounts), f"switched {turn}", yes=yes)
        known = {account.id: account for account in accounts}
        async with upstreams(settings, accounts) as reach:
            switch = AccountSettings(reach.http, lambda: options.grok_web(settings), new_uuid)
            written = _Written(store, told.one)
            switching = Switching(switch, known.get, written.change, time.time)
            await _turn(switching, list(known), turn is Turn.ON, at_once, written)
        return None

    count = with_store(data_dir, config, work)
    if count is not None:
        print(f'{{"dry_run": true, "accounts": {count}}}' if as_json else f"{count} would be switched {turn}")
    else:
        told.end(f"switched {turn}")


async def _turn(switching: Switching, ids: list[str], enabled: bool, at_once: int, written: "_Written") -> None:
    try:
        with progress("switching", len(ids)) as advance:
            async with aclosing(switching.many(ids, enabled, at_once)) as items:  # type: ignore[type-var]
                async for item in items:
                    await written.item(item)
                    advance(1)
    finally:
        await written.write()


class _Written:
    """Writes the changes of many accounts together, and tells their results when that is done."""

    def __init__(self, store: AccountStore, tell: Callable[[Result], None]) -> None:
        self._store = store
        self._tell = tell
        self._hows: dict[str, How] = {}
        self._items: list[Item] = []

    async def change(self, ident: str, how: How) -> bool:
        """Have the account changed with the next write."""
        self._hows[ident] = how
        return True

    async def item(self, item: Item) -> None:
        """A result, told after its change is written. Raises `StoreError`."""
        self._items.append(item)
        if len(self._items) >= _BATCH:
            await self.write()

    async def write(self) -> None:
        """Write what waits, and tell. Raises `StoreError`."""
        hows, self._hows = self._hows, {}
        items, self._items = self._items, []
        kept: set[str] = set()
        if hows:

            def how(account: Account) -> Account:
                return hows[account.id](account)

            done = await self._store.change(list(hows), how, note("nsfw"))
            kept = {account.id for account in done.accounts}
        for item in items:
            tagged = item.tagged and item.account_id in kept
            done_words = "tagged" if tagged else "turned, but the account is gone here"
            self._tell(Result(id=item.account_id, done=done_words, fields={"tagged": tagged}, error=item.error))
