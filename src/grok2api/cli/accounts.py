"""`grok2api accounts`: see and change the accounts of the pool. A running server takes changes over by itself."""

import json
import time
from typing import Annotated

import typer

from grok2api.accounts.lifecycle import disabled, enabled
from grok2api.accounts.model import Account, current
from grok2api.catalog import Tier
from grok2api.cli.accounts_add import add, import_
from grok2api.cli.accounts_export import export
from grok2api.cli.accounts_key import rotate_key
from grok2api.cli.accounts_store import note, resolved, with_store
from grok2api.cli.accounts_view import as_json as account_json
from grok2api.cli.accounts_view import show_list, show_one, status
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, ConfigFile, DataDir
from grok2api.storage.accounts import AccountStore

app = typer.Typer(no_args_is_help=True, help="Add, list, show, import, export, enable, disable and remove accounts.")
app.command("add")(add)
app.command("import")(import_)
app.command("export")(export)
app.command("rotate-key")(rotate_key)

References = Annotated[list[str], typer.Argument(metavar="ID|TOKEN…", help="Ids of accounts, or their credentials.")]


def _everyone(accounts: list[Account]) -> list[Account]:
    now = time.time()
    return [current(account, now) for account in accounts]


@app.command("list")
def list_(
    pool: Annotated[Tier | None, typer.Option("--pool", help="Only this tier.")] = None,
    only: Annotated[
        str | None, typer.Option("--status", help="Only active, resting, suspect, expired or disabled ones.")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only those with this tag.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The accounts: windows, rests, and why one is not usable."""
    accounts = [
        account
        for account in _everyone(with_store(data_dir, config, AccountStore.load))
        if (pool is None or account.tier is pool)
        and (only is None or status(account) == only)
        and (tag is None or tag in account.tags)
    ]
    if as_json:
        print(json.dumps([account_json(account) for account in accounts], indent=2))
    else:
        show_list(accounts, time.time())


@app.command()
def show(
    reference: Annotated[str, typer.Argument(metavar="ID|TOKEN", help="Id of the account, or its credential.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Everything about one account."""

    async def find(store: AccountStore) -> Account:
        (ident,) = await resolved(store, [reference])
        return next(account for account in await store.load() if account.id == ident)

    account = current(with_store(data_dir, config, find), time.time())
    if as_json:
        print(json.dumps(account_json(account), indent=2))
    else:
        show_one(account, time.time())


@app.command()
def enable(references: References, data_dir: DataDir = DEFAULT_DATA_DIR, config: ConfigFile = None) -> None:
    """Let accounts work again: failures, rests and expiry are forgotten."""

    async def change(store: AccountStore) -> int:
        changed = await store.change(await resolved(store, references), enabled, note("enable"))
        return len(changed.accounts)

    print(f"{with_store(data_dir, config, change)} enabled")


@app.command()
def disable(
    references: References,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who ask later.")] = "by the operator",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
) -> None:
    """Take accounts out until they are enabled again. What they are answering now goes on."""

    async def change(store: AccountStore) -> int:
        ids = await resolved(store, references)
        changed = await store.change(ids, lambda account: disabled(account, reason), note("disable", reason))
        return len(changed.accounts)

    print(f"{with_store(data_dir, config, change)} disabled")


@app.command()
def remove(references: References, data_dir: DataDir = DEFAULT_DATA_DIR, config: ConfigFile = None) -> None:
    """Delete accounts, with everything known about them."""

    async def change(store: AccountStore) -> int:
        return (await store.remove(await resolved(store, references), note("remove"))).count

    print(f"{with_store(data_dir, config, change)} removed")
