"""`grok2api accounts edit`: another credential, pool or tags for one account; everything else stays."""

import json
import sys
import time
from typing import Annotated

import msgspec
import typer

from grok2api.accounts.credentials import CredentialError, clean, kind_of
from grok2api.accounts.editing import fits, recredentialed, retagged
from grok2api.accounts.model import Account, moved
from grok2api.catalog import Tier
from grok2api.cli.accounts_store import note, resolved, with_store
from grok2api.cli.accounts_view import as_json as account_json
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, CommandError, ConfigFile, DataDir
from grok2api.storage.accounts import AccountStore, Changed

#: What stands for the standard input.
_STDIN = ("-",)


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be changed; what is empty stays as it is. `secret` is clean."""

    secret: str = ""
    pool: Tier | None = None
    tags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Edit()"

    def of(self, account: Account) -> Account:
        """The account after it. Raises `CommandError` when a pool is not for its credential."""
        kind = kind_of(self.secret) if self.secret else account.kind
        if self.pool is not None and not fits(kind, self.pool):
            raise CommandError("an official key (xai-…) belongs to the pool api, and nothing else does", 2)
        if self.secret:
            account = recredentialed(account, self.secret)
        if self.pool is not None:
            account = moved(account, self.pool)
        return retagged(account, self.tags, self.without)


def edit(
    reference: Annotated[str, typer.Argument(metavar="ID|TOKEN", help="Id of the account, or its credential.")],
    token: Annotated[
        str | None, typer.Option("--token", metavar="-", help="- reads another credential from stdin.")
    ] = None,
    pool: Annotated[Tier | None, typer.Option("--pool", help="Move it there.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Put this tag on; repeatable.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", help="Take this tag off; repeatable.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Give an account another credential, pool or tags. Counters stay; a fresh credential ends expiry."""
    wanted = Edit(secret=_secret(token), pool=pool, tags=tuple(tag or ()), without=tuple(untag or ()))
    if wanted == Edit():
        raise CommandError("nothing to change: give --token -, --pool, --tag or --untag", 2)

    async def work(store: AccountStore) -> Changed:
        return await store.change(await resolved(store, [reference]), wanted.of, note("edit"))

    changed = with_store(data_dir, config, work)
    account = changed.accounts[0]
    if as_json:
        print(json.dumps({**account_json(account, time.time()), "change_id": changed.change_id}, indent=2))
    else:
        print(f"{account.id} is changed; `grok2api accounts undo {changed.change_id}` takes it back")


def _secret(token: str | None) -> str:
    """The credential on the standard input. Never an argument: everybody can read those. Raises `CommandError`."""
    if not token:
        return ""
    if token not in _STDIN:
        raise CommandError("--token takes only -: the credential is read from the standard input", 2)
    lines = [line for line in sys.stdin.read().splitlines() if line.strip()]
    if len(lines) != 1:
        raise CommandError(f"one credential is wanted on the standard input, in one line; there are {len(lines)}", 2)
    try:
        return clean(lines[0])
    except CredentialError as error:
        raise CommandError(str(error), 2) from None
