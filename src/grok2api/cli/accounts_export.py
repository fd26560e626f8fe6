"""`grok2api accounts export`: the accounts as a file that `import` reads, or one that only people read."""

import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import msgspec
import typer

from grok2api.accounts.exporting import Form, writer
from grok2api.accounts.model import Account
from grok2api.accounts.query import Filter
from grok2api.catalog import Tier
from grok2api.cli.accounts_chosen import OfPool, OfStatus, WithTag, WithText
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
    pool: OfPool = None,
    only: OfStatus = None,
    tag: WithTag = None,
    text: WithText = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Credentials one a line, or everything as CSV, JSON or JSON lines; masked unless --secrets is given."""
    chosen = form or (Form.JSON if as_json else Form.TEXT)
    if as_json and chosen is not Form.JSON:
        raise CommandError("--json means --format json; leave one of them out", 2)
    which = Filter(pool=pool, status=only, tag=tag, text=text)

    async def work(store: AccountStore) -> int:
        now = time.time()
        pieces = writer(chosen, secrets=secrets)
        count = 0
        with _opened(output) as file, progress("exporting", await store.count(which, now)) as advance:
            file.write(pieces.begin())
            async for account in _in_order(store, which, chosen, now):
                file.writelines(pieces.some([account]))
                count += 1
                advance(1)
            file.write(pieces.end())
        return count

    count = with_store(data_dir, config, work)
    if output is not None:
        say(f"{count} accounts are in {output}")
    if not secrets and count:
        say("credentials are masked; --secrets prints them whole")


async def _in_order(store: AccountStore, which: Filter, form: Form, now: float) -> AsyncIterator[Account]:
    """The accounts as the form wants them: by age, and in JSON by pool first. Some of them are in memory."""
    parts = [which]
    if form is Form.JSON and which.pool is None:
        parts = [msgspec.structs.replace(which, pool=tier) for tier in Tier]
    for part in parts:
        async for account in store.iterate(part, now):
            yield account


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
