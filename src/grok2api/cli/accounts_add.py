"""`grok2api accounts add` and `import`: credentials into the store, each once."""

import sys
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

from grok2api.accounts.importing import Entry, Form, Reading, entry, parse
from grok2api.accounts.importing.planning import OnExisting
from grok2api.cli.accounts_taken import Shown, take_in
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, CommandError, ConfigFile, DataDir
from grok2api.intake.errors import SourceError
from grok2api.intake.sources import entries as entries_of


class Pool(StrEnum):
    """Where new accounts go."""

    AUTO = "auto"
    BASIC = "basic"
    SUPER = "super"
    HEAVY = "heavy"
    API = "api"


PoolOption = Annotated[Pool, typer.Option("--pool", help="Tier of the account; auto tells by the credential.")]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="A word to find the account by; repeatable.")]


def add(
    credentials: Annotated[
        list[str], typer.Argument(help="Session tokens or official keys; - reads lines from stdin.")
    ],
    pool: PoolOption = Pool.AUTO,
    tag: TagOption = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Add accounts. One that is here already, however it is spelled, is left as it is."""
    tags = tuple(tag or ())
    found: list[Entry] = []
    for number, text in enumerate(credentials, 1):
        if text == "-":
            found += parse(sys.stdin.read(), pool, tags, time.time())
        else:
            found.append(entry(f"credential {number}", text, pool, tags))
    take_in(found, data_dir, config, Shown(as_json=as_json, verbose=True))


def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file of any known form, an SQLite database, redis://…, mysql://…, postgresql://…; - is stdin.",
        ),
    ],
    pool: PoolOption = Pool.AUTO,
    tag: TagOption = None,
    form: Annotated[Form, typer.Option("--format", help="How the file is written; auto tells by its content.")] = (
        Form.AUTO
    ),
    on_existing: Annotated[
        OnExisting, typer.Option("--on-existing", help="update adds tags and moves pools of accounts that are here.")
    ] = OnExisting.SKIP,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="A line for each entry.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Add the accounts of a file, or of another program's store. Doing it twice is the same as doing it once."""
    found = _entries(source, Reading(pool=pool, tags=tuple(tag or ()), now=time.time()), form)
    shown = Shown(as_json=as_json, verbose=verbose, rehearsed=dry_run)
    try:
        take_in(found, data_dir, config, shown, on_existing)
    except SourceError as error:
        raise CommandError(str(error)) from None


def _entries(source: str, reading: Reading, form: Form) -> Iterable[Entry]:
    try:
        return entries_of(source, reading, form)
    except SourceError as error:
        raise CommandError(str(error)) from None
