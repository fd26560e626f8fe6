"""What the verbs share that ask upstreams about many accounts: the way out, and a result for each account."""

import json
import random
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
import typer

from grok2api.accounts.model import Account
from grok2api.cli.accounts_view import printable
from grok2api.config.settings import Settings
from grok2api.config.table import secret_values
from grok2api.observe.logging import set_up
from grok2api.observe.secrets import secrets
from grok2api.reach import Reach, reaching

#: For choosing accounts and for ids; nothing that it makes opens anything.
RNG = random.Random()  # noqa: S311

Concurrency = Annotated[
    int | None,
    typer.Option("--concurrency", min=1, max=1000, help="Accounts at the same time.", show_default="batch.*"),
]


def new_uuid() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


@asynccontextmanager
async def upstreams(settings: Settings, accounts: Iterable[Account] = ()) -> AsyncIterator[Reach]:
    """The way out. Only errors are logged meanwhile: each account has its result; and none of their credentials."""
    set_up("ERROR", settings.logging.format)
    for value in secret_values(settings):
        secrets.register_cookies(value)
    secrets.register(*(account.secret for account in accounts))
    async with reaching(settings, time.time, new_uuid) as reach:
        yield reach


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one account. `done` is a line for people, `fields` are for programs; `error` is empty when good."""

    id: str
    done: str = ""
    fields: dict[str, Any] = {}
    error: str = ""


class Told:
    """Prints results as they come, or keeps them for one piece of JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._kept: list[dict[str, Any]] = []
        self._good = 0
        self._bad = 0

    def one(self, result: Result) -> None:
        """The result of one account."""
        if result.error:
            self._bad += 1
        else:
            self._good += 1
        if self._as_json:
            self._kept.append({"id": result.id, "ok": not result.error, **result.fields, "error": result.error})
        else:
            print("\t".join((result.id, "failed" if result.error else "ok", printable(result.error or result.done))))

    def end(self, done: str) -> None:
        """The totals. Raises `Exit` when something failed."""
        if self._as_json:
            print(json.dumps({"ok": self._good, "failed": self._bad, "results": self._kept}, indent=2))
        else:
            print(f"{self._good} {done}, {self._bad} failed")
        if self._bad:
            raise typer.Exit(1)
