"""`grok2api accounts export`: the accounts as a file that `import` reads, or one that only people read."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from grok2api.accounts.exporting import Form, written
from grok2api.accounts.model import Account
from grok2api.cli.accounts_store import with_store
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, CommandError, ConfigFile, DataDir, say
from grok2api.cli.progress import progress
from grok2api.storage.accounts import AccountStore


def export(
    secrets: Annotated[bool, typer.Option("--secrets", help="Print credentials whole. Keep the output safe.")] = False,
    form: Annotated[
        Form | None, typer.Option("--format", help="text is credentials only; the others keep everything.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write to this file, readable for you alone.", show_default=False)
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Credentials one a line, or everything as CSV, JSON or JSON lines; masked unless --secrets is given."""
    chosen = form or (Form.JSON if as_json else Form.TEXT)
    if as_json and chosen is not Form.JSON:
        raise CommandError("--json means --format json; leave one of them out", 2)
    accounts = with_store(data_dir, config, AccountStore.load)
    with _opened(output) as file, progress("exporting", len(accounts)) as advance:
        for piece in written(_counted(accounts, advance), chosen, secrets=secrets):
            file.write(piece)
    if output is not None:
        say(f"{len(accounts)} accounts are in {output}")
    if not secrets and accounts:
        say("credentials are masked; --secrets prints them whole")


def _counted(accounts: Iterable[Account], advance: Callable[[int], None]) -> Iterator[Account]:
    for account in accounts:
        yield account
        advance(1)


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """The standard output; or a file that appears, whole and private, when all is written. Raises `CommandError`."""
    if output is None:
        yield sys.stdout
        return
    fresh = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
        fresh.replace(output)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}") from None
    finally:
        fresh.unlink(missing_ok=True)
