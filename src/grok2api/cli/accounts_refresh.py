"""`grok2api accounts refresh`: ask the upstreams what accounts have left, from the command line itself.

The same code asks and judges as in the gateway; it works on a pool of the accounts that are meant. What it brings is
written as serving writes it. A new tier, and a state that changed, are written so that running servers take them over.
"""

import time
from collections.abc import Collection, Sequence
from contextlib import aclosing

import msgspec

from grok2api import options
from grok2api.accounts.asking import Asking
from grok2api.accounts.lifecycle import Effect, Persist
from grok2api.accounts.model import Account
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.refresh import Refreshed, Refresher
from grok2api.cli.accounts_chosen import Everyone, OfPool, OfStatus, References, WithTag, WithText, chosen, idents
from grok2api.cli.accounts_store import with_store
from grok2api.cli.accounts_upstream import RNG, Concurrency, Result, Told, upstreams
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, ConfigFile, DataDir, loaded
from grok2api.cli.progress import progress
from grok2api.config.settings import Settings
from grok2api.reach import Reach
from grok2api.storage.accounts import AccountStore
from grok2api.storage.tiers import Tiers
from grok2api.storage.write_behind import WriteBehind

#: Results between two writes.
_BATCH = 200


def refresh(
    references: References = None,
    pool: OfPool = None,
    only: OfStatus = None,
    tag: WithTag = None,
    text: WithText = "",
    everyone: Everyone = False,
    concurrency: Concurrency = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Ask the upstreams now: quota, tier, and whether credentials still work. A result for each account."""
    which = chosen(references, pool, only, tag, text, everyone)
    settings = loaded(data_dir, config).settings
    told = Told(as_json=as_json)

    async def work(store: AccountStore) -> None:
        accounts = await store.get(await idents(store, which))
        async with upstreams(settings, accounts) as reach:
            asked = _Asked(store, accounts, reach, settings)
            await _ask(asked, concurrency or settings.batch.refresh_concurrency, told)

    with_store(data_dir, config, work)
    told.end("refreshed")


async def _ask(asked: "_Asked", at_once: int, told: Told) -> None:
    try:
        with progress("asking", len(asked.idents)) as advance:
            async with aclosing(asked.refresher.refresh(asked.idents, at_once=at_once)) as looks:
                async for look in looks:
                    await asked.took(look)
                    told.one(_result(look))
                    advance(1)
    finally:
        await asked.close()


def _result(look: Refreshed) -> Result:
    pool = None if look.after is None else look.after.value
    words = f"{pool}, moved from {look.before.value}" if look.before and look.before is not look.after else f"{pool}"
    return Result(
        id=look.account_id,
        done=f"{words}: {' '.join(look.modes) or 'nothing to ask about'}",
        fields={"pool": pool, "before": None if look.before is None else look.before.value, "modes": list(look.modes)},
        error="" if look.problem is None else look.problem.message,
    )


class _Asked:
    """A pool of the accounts that are asked about, and what writes down what they bring."""

    def __init__(self, store: AccountStore, accounts: Sequence[Account], reach: Reach, settings: Settings) -> None:
        pool_options, refresh_options = options.pool(settings), options.refresh(settings)
        self.idents = [account.id for account in accounts]
        self._store = store
        self._pool = AccountPool(accounts, lambda: pool_options, time.time, RNG, self._sink)
        self._writer = WriteBehind(store, self._pool.get)
        self._asking = Asking(reach.sources, lambda: refresh_options.concurrency, time.time)
        self._known = {account.id: account for account in accounts}
        self._judged: dict[str, Account] = {}
        self.refresher = Refresher(
            self._pool, self._asking, Tiers(store, time.time), lambda: refresh_options, time.time, RNG
        )

    def _sink(self, effects: Collection[Effect]) -> None:
        self._writer.mark(effect.account_id for effect in effects if isinstance(effect, Persist))

    async def took(self, look: Refreshed) -> None:
        """Keep what a look brought. Raises `StoreError`."""
        account = self._pool.get(look.account_id)
        if account is not None and account.state is not self._known[account.id].state:
            self._judged[account.id] = account
        if self._writer.waiting >= _BATCH:
            await self._write()

    async def close(self) -> None:
        """End what is under way and write what is left. Raises `StoreError`."""
        await self._asking.close()
        await self._write()

    async def _write(self) -> None:
        await self._writer.flush()
        judged, self._judged = self._judged, {}
        if judged:
            await self._store.change(list(judged), lambda stored: self._as_judged(stored, judged[stored.id]))

    def _as_judged(self, stored: Account, judged: Account) -> Account:
        """The stored account in the state that the upstream's word means, unless somebody decided meanwhile."""
        known = self._known[stored.id]
        if (stored.state, stored.secret) not in ((known.state, known.secret), (judged.state, known.secret)):
            return stored
        return msgspec.structs.replace(
            stored,
            state=judged.state,
            state_reason=judged.state_reason,
            last_error=judged.last_error,
            last_error_at=judged.last_error_at,
        )
