"""`grok2api accounts list`, `show` and `tags`: what is in the store, asked page by page.

A terminal gets fifty accounts unless more are asked for; a pipe gets all, with some of them in memory.
"""

import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

import msgspec
import typer

from grok2api import options
from grok2api.accounts.explain import explain
from grok2api.accounts.lanes import Slot
from grok2api.accounts.model import Account, current
from grok2api.accounts.query import Filter, Order, Page, SortKey
from grok2api.cli.accounts_chosen import OfPool, OfStatus, WithTag, WithText
from grok2api.cli.accounts_store import resolved, with_store
from grok2api.cli.accounts_view import as_json as account_json
from grok2api.cli.accounts_view import printable, show_one, show_rows, show_table
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, CommandError, ConfigFile, DataDir, loaded, say
from grok2api.storage.accounts import AccountStore

#: Accounts on a terminal unless the caller says how many.
_SCREEN = 50
#: Accounts in one question.
_PAGE = 1000


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a list. limit: None is all of it."""

    which: Filter
    order: Order
    offset: int
    limit: int | None


def list_(
    pool: OfPool = None,
    only: OfStatus = None,
    tag: WithTag = None,
    text: WithText = "",
    sort: Annotated[SortKey, typer.Option("--sort", help="By what; ties go by age.")] = SortKey.CREATED,
    desc: Annotated[bool, typer.Option("--desc", help="The other way round.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=0, help="At most so many.", show_default="50 on a terminal, else all"),
    ] = None,
    offset: Annotated[int, typer.Option("--offset", min=0, help="Leave out so many first.")] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The accounts: windows, rests, and why one is not usable."""
    screen = sys.stdout.isatty() and not as_json
    wanted = Wanted(
        which=Filter(pool=pool, status=only, tag=tag, text=text),
        order=Order(sort, desc),
        offset=offset,
        limit=_SCREEN if limit is None and screen else limit,
    )

    async def work(store: AccountStore) -> None:
        now = time.time()
        if screen:
            page = await store.page(wanted.which, wanted.order, offset, wanted.limit or 0, now)
            _show(page, offset, now)
        else:
            await _print(_listed(store, wanted, now), now, as_json=as_json)

    with_store(data_dir, config, work)


async def _listed(store: AccountStore, wanted: Wanted, now: float) -> AsyncIterator[Account]:
    """The accounts of the list, a page in memory at a time."""
    if wanted.limit is None and not wanted.offset and wanted.order == Order():
        async with aclosing(store.iterate(wanted.which, now)) as accounts:  # type: ignore[type-var]
            async for account in accounts:
                yield account
        return
    offset, left = wanted.offset, wanted.limit
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        page = await store.page(wanted.which, wanted.order, offset, size, now)
        for account in page.accounts:
            yield account
        offset, left = offset + size, None if left is None else left - size
        if offset >= page.total:
            return


def _show(page: Page, offset: int, now: float) -> None:
    left_out = show_table([current(account, now) for account in page.accounts], now)
    first, last = offset + 1, offset + len(page.accounts)
    span = f"showing {first}-{last} of {page.total}" if page.accounts else f"none of {page.total}"
    if last < page.total and page.accounts:
        span += f"; --offset {last} shows the next"
    if left_out:
        span += f"; not shown for want of room: {', '.join(left_out)} (a wider terminal, or --json)"
    say(span)


async def _print(accounts: AsyncIterator[Account], now: float, *, as_json: bool) -> None:
    """Lines for programs; JSON is one array, written as it is read."""
    before = "["
    async for account in accounts:
        account = current(account, now)
        if as_json:
            print(f"{before}\n{json.dumps(account_json(account, now))}", end="")
            before = ","
        else:
            show_rows([account], now)
    if as_json:
        print("[]" if before == "[" else "\n]")


def show(
    reference: Annotated[str, typer.Argument(metavar="ID|TOKEN", help="Id of the account, or its credential.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Everything about one account, and for each mode whether it can serve now and why not."""

    async def find(store: AccountStore) -> Account:
        found = await store.get(await resolved(store, [reference]))
        if not found:
            raise CommandError("the account was removed just now")
        return found[0]

    now = time.time()
    account = current(with_store(data_dir, config, find), now)
    told = explain(Slot(account), now, options.pool(loaded(data_dir, config).settings))
    if as_json:
        print(json.dumps({**account_json(account, now), "modes": msgspec.to_builtins(told.modes)}, indent=2))
    else:
        show_one(account, told.modes, now)


def tags(data_dir: DataDir = DEFAULT_DATA_DIR, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every tag, and how many accounts have it."""
    found = with_store(data_dir, config, AccountStore.tags)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for tag, count in found.items():
        print(f"{count}\t{printable(tag)}")
