"""`grok2api accounts add` and `import`: credentials into the store, each once."""

import json
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from typing import Annotated

import typer

from grok2api.accounts.credentials import mask
from grok2api.accounts.importing import AUTO, Entry, entry, parse
from grok2api.accounts.model import Account
from grok2api.catalog import Tier
from grok2api.cli.accounts_store import note, with_store
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, CommandError, ConfigFile, DataDir, say
from grok2api.storage.accounts import AccountStore, Added


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
    entries: list[Entry] = []
    for number, text in enumerate(credentials, 1):
        if text == "-":
            entries += parse(sys.stdin.read(), pool, tags)
        else:
            entries.append(entry(f"credential {number}", text, pool, tags))
    _take(entries, pool, data_dir, config, as_json=as_json)


def import_(
    file: Annotated[Path, typer.Argument(help="Plain lines, JSON lines, or JSON by pool; - is stdin.")],
    pool: PoolOption = Pool.AUTO,
    tag: TagOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Add the accounts of a file. Doing it twice is the same as doing it once."""
    entries = parse(_text(file), pool, tuple(tag or ()))
    if dry_run:
        _rehearse(entries, data_dir, config, as_json=as_json)
    else:
        _take(entries, pool, data_dir, config, as_json=as_json)


def _text(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not a text file in UTF-8") from None


def _good(entries: Sequence[Entry]) -> list[Entry]:
    """The entries that are credentials; the others are named. Raises `CommandError` when none is left."""
    if not entries:
        raise CommandError("no credential was given", exit_code=2)
    good = [item for item in entries if not item.error]
    for item in entries:
        if item.error:
            say(f"{item.where}: {item.error}")
    if not good:
        raise CommandError("nothing was added: none of these is a credential", exit_code=2)
    return good


def _fresh(entries: Sequence[Entry]) -> list[Account]:
    # Accounts are listed by age: a microsecond each keeps them in the order they were given.
    now = time.time()
    return [item.account(f"acc_{token_hex(8)}", now + 1e-6 * place) for place, item in enumerate(entries)]


def _take(entries: Sequence[Entry], pool: str, data_dir: Path, config: Path | None, *, as_json: bool) -> None:
    good = _good(entries)

    async def store_all(store: AccountStore) -> Added:
        return await store.add(_fresh(good), note("add"))

    done = with_store(data_dir, config, store_all)
    _report(done, len(entries) - len(good), as_json=as_json)
    if pool == AUTO and any(account.tier is Tier.BASIC for account in done.added):
        say("sessions count as basic until grok.com has told their first quota")
    if len(good) < len(entries):
        raise typer.Exit(1)


def _report(done: Added, bad: int, *, as_json: bool) -> None:
    rows = [{"id": account.id, "token": mask(account.secret), "tier": account.tier.value} for account in done.added]
    if as_json:
        print(json.dumps({"added": rows, "skipped": list(done.known), "invalid": bad}, indent=2))
        return
    for row in rows:
        print(f"{row['id']}\t{row['token']}\t{row['tier']}")
    _summary(len(rows), len(done.known), bad, "added")


def _rehearse(entries: Sequence[Entry], data_dir: Path, config: Path | None, *, as_json: bool) -> None:
    good = _good(entries)
    secrets = list(dict.fromkeys(item.secret for item in good))

    async def count_known(store: AccountStore) -> int:
        return len(await store.find(secrets))

    known = with_store(data_dir, config, count_known)
    fresh, twice, bad = len(secrets) - known, len(good) - len(secrets), len(entries) - len(good)
    if as_json:
        print(json.dumps({"would_add": fresh, "skipped": known + twice, "invalid": bad}))
    else:
        _summary(fresh, known + twice, bad, "would be added")


def _summary(added: int, known: int, bad: int, verb: str) -> None:
    invalid = f", {bad} invalid" if bad else ""
    print(f"{added} {verb}, {known} skipped: here already{invalid}")
