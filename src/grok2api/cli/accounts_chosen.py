"""Which accounts a verb is for: those that are named, those that fit a filter, or all of them."""

import sys
import time
from collections.abc import Iterable
from typing import Annotated

import msgspec
import typer

from grok2api.accounts.query import Filter, Status
from grok2api.catalog import Tier
from grok2api.cli.accounts_store import resolved
from grok2api.cli.common import CommandError
from grok2api.storage.accounts import AccountStore

References = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID|TOKEN…]", help="Ids of accounts, or their credentials.", show_default=False),
]
OfPool = Annotated[Tier | None, typer.Option("--pool", help="Only this pool.")]
OfStatus = Annotated[Status | None, typer.Option("--status", help="Only accounts in this state now.")]
WithTag = Annotated[str | None, typer.Option("--tag", help="Only those with this tag.")]
WithText = Annotated[
    str, typer.Option("--text", help="Only those with these words in id, user, tags, reason or error.")
]
Everyone = Annotated[bool, typer.Option("--all", help="All accounts, when none are named and no filter is given.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many accounts are meant and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask, however many they are.")]

#: More accounts than these are not changed before somebody said yes.
_MANY = 10


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller gave to say which accounts are meant."""

    references: tuple[str, ...] = ()
    which: Filter = Filter()
    everyone: bool = False

    @property
    def filtered(self) -> bool:
        return self.which != Filter()


def chosen(
    references: Iterable[str] | None,
    pool: Tier | None,
    status: Status | None,
    tag: str | None,
    text: str,
    everyone: bool,
) -> Chosen:
    """What was given, if it makes sense. Raises `CommandError`."""
    found = Chosen(
        references=tuple(references or ()),
        which=Filter(pool=pool, status=status, tag=tag, text=text),
        everyone=everyone,
    )
    if found.references and (found.filtered or everyone):
        raise CommandError("name accounts, or choose them by a filter or --all; not both", 2)
    if not (found.references or found.filtered or everyone):
        raise CommandError("say which accounts: their ids, a filter (--pool, --status, --tag, --text), or --all", 2)
    return found


async def idents(store: AccountStore, which: Chosen) -> list[str]:
    """The ids of the accounts that are meant. Raises `CommandError` when one that is named is not here."""
    if which.references:
        return await resolved(store, which.references)
    return await store.match(which.which, time.time())


def agreed(count: int, what: str, *, yes: bool) -> None:
    """Go on only if `count` accounts may be changed: few, or somebody says so. Raises `CommandError`."""
    if count <= _MANY or yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(f"{count} accounts would be {what}; say --yes to do it. Nothing was changed.")
    if not typer.confirm(f"{count} accounts will be {what}. Go on?", err=True):
        raise CommandError("nothing was changed")
