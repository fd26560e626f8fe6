"""The store as the account verbs use it: opened for one piece of work, and closed whatever happens."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from grok2api.accounts.credentials import mask
from grok2api.accounts.query import Note
from grok2api.cli.common import CommandError, loaded
from grok2api.storage.accounts import AccountStore
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import store_for

T = TypeVar("T")


def with_store(data_dir: Path, config: Path | None, work: Callable[[AccountStore], Awaitable[T]]) -> T:
    """What `work` makes of the store that the settings name. Raises `CommandError` and `SettingsError`."""
    url = loaded(data_dir, config).settings.storage.url
    return asyncio.run(_run(url, data_dir, work))


async def _run(url: str, data_dir: Path, work: Callable[[AccountStore], Awaitable[T]]) -> T:
    try:
        store = await store_for(url, data_dir, os.environ)
        try:
            return await work(store)
        finally:
            await store.close()
    except StoreError as error:
        raise CommandError(str(error)) from None


def note(action: str, detail: str = "") -> Note:
    """What the audit is told of a change that is made here."""
    return Note(action=action, actor="cli", at=time.time(), detail=detail)


async def resolved(store: AccountStore, references: Sequence[str]) -> list[str]:
    """The ids that these ids and credentials mean. Raises `CommandError` when one means nothing."""
    found = await store.find(references)
    unknown = [reference for reference in references if reference not in found]
    if unknown:
        shown = ", ".join(ref if ref.startswith("acc_") else mask(ref) for ref in unknown[:3])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise CommandError(f"no account is {shown}{more}; `grok2api accounts list` shows them. Nothing was changed.")
    return list(dict.fromkeys(found[reference] for reference in references))
