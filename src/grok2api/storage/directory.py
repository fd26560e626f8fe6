"""The store as an import sees it."""

from collections.abc import Mapping, Sequence

from grok2api.accounts.importing.entries import Entry
from grok2api.accounts.importing.planning import Known, updated
from grok2api.accounts.model import Account
from grok2api.accounts.query import Note
from grok2api.storage.accounts import AccountStore


class StoreDirectory:
    """Looks up and writes accounts for `accounts.taking`. `details`: tiers and tags are wanted, for updates."""

    def __init__(self, store: AccountStore, note: Note | None = None, *, details: bool = False) -> None:
        self._store = store
        self._note = note
        self._details = details

    async def known(self, secrets: Sequence[str]) -> Mapping[str, Known]:
        """What is here under these credentials. Raises `StoreError`."""
        found = await self._store.find(secrets)
        details: dict[str, Known] = {}
        if self._details:
            accounts = await self._store.get(found.values())
            details = {account.id: Known(account.id, account.tier, account.tags) for account in accounts}
        return {secret: details.get(ident, Known(ident)) for secret, ident in found.items()}

    async def add(self, fresh: Sequence[Account]) -> Mapping[str, str]:
        """Store these; the ids of those that are stored now, by credential. Raises `StoreError`."""
        return {account.secret: account.id for account in (await self._store.add(fresh, self._note)).added}

    async def update(self, entries: Mapping[str, Entry]) -> None:
        """Give accounts, by id, what these entries say. Raises `StoreError`."""
        await self._store.change(list(entries), lambda one: updated(one, entries[one.id]), self._note)
