"""What keeps the accounts: store, pool, the questions about quotas, and all periodic work.

Put together here from the running gateway's settings and clients; `app` holds the result.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial

import msgspec

from grok2api import options
from grok2api.accounts.asking import Asking, QuotaSource
from grok2api.accounts.lifecycle import Effect
from grok2api.accounts.model import Account
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.refresh import Refresher, RefreshOptions
from grok2api.accounts.rounds import TIERS, Rounds
from grok2api.accounts.sync import Sync
from grok2api.config.live import Live
from grok2api.coordination.base import Coordinator
from grok2api.jobs import Job, Remembered
from grok2api.observe.counters import Counters
from grok2api.observe.secrets import secrets
from grok2api.storage.accounts import AccountStore
from grok2api.storage.counters import CounterStore, CounterWriter
from grok2api.storage.engine import Database
from grok2api.storage.errors import StoreError
from grok2api.storage.following import LOOK_SEC, Following
from grok2api.storage.tiers import Tiers
from grok2api.storage.write_behind import FLUSH_SEC, PATIENCE_SEC, WriteBehind

#: Credentials registered in one turn of the event loop.
_REGISTERED = 500
#: Seconds between two looks at the configuration file.
_CONFIGURATION_SEC = 2.0
#: How old the totals of other processes may be.
_TOTALS_SEC = 5.0
#: The message that says that nobody could be chosen in some worker.
_EXHAUSTED = "exhausted"
#: Seconds between two purges of the store.
PURGE_SEC = 3600.0


class Accounts(msgspec.Struct, frozen=True):
    """The store, the pool, and what keeps both abreast of each other and of the upstreams."""

    store: AccountStore
    pool: AccountPool
    writer: WriteBehind
    sync: Sync
    following: Following
    refresher: Refresher
    rounds: Rounds


class _Masked:
    """The store as the pool reads it: a credential is kept out of the log from the moment it is known."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    async def revision(self) -> int:
        return await self._store.revision()

    async def removed(self, since: int) -> list[str] | None:
        return await self._store.removed(since)

    async def ids(self) -> set[str]:
        return await self._store.ids()

    async def load(self, since: int = -1) -> list[Account]:
        accounts = await self._store.load(since)
        for start in range(0, len(accounts), _REGISTERED):
            secrets.register(*(account.secret for account in accounts[start : start + _REGISTERED]))
            await asyncio.sleep(0)
        return accounts


async def kept(
    stack: AsyncExitStack,
    live: Live,
    store: AccountStore,
    coordinator: Coordinator,
    sources: Mapping[str, QuotaSource],
    memory: Remembered,
    now: Callable[[], float],
    rng: random.Random,
) -> Accounts:
    """The pool, filled from the store, and the parts around it; those that work in the background are begun."""
    source = _Masked(store)
    revision = await source.revision()
    writer = WriteBehind(store, lambda ident: pool.get(ident))  # noqa: PLW0108 - the pool is made below

    def sink(effects: Collection[Effect]) -> None:
        writer.take(effects)
        refresher.take(effects)

    def joined(accounts: Iterable[Account]) -> None:
        for account in accounts:
            rounds.join(account)

    async def exhausted(_: bytes) -> None:
        if coordinator.leads:
            refresher.exhausted.set()

    refresh = options.kept(options.refresh, lambda: live.current)
    chosen = options.kept(options.pool, lambda: live.current)
    pool = AccountPool(await source.load(), chosen, now, rng, sink, coordinator.sharing)
    locks = coordinator.locks if coordinator.sharing is not None else None
    asking = Asking(sources, lambda: refresh().concurrency, now, locks)
    refresher = Refresher(pool, asking, Tiers(store, now), refresh, now, rng)
    rounds = Rounds(pool, refresher, refresh, now, rng, memory, lambda: coordinator.leads)
    coordinator.when_leading(rounds.take_over)
    coordinator.handle({_EXHAUSTED: exhausted})
    sync = Sync(source, pool, writer.mark, revision, joined)
    stack.push_async_callback(_closing, writer)
    await stack.enter_async_context(refresher.running())
    await stack.enter_async_context(rounds.running(pool.list()))
    return Accounts(store, pool, writer, sync, Following(sync.sync, writer, now), refresher, rounds)


async def counted(database: Database, writer: WriteBehind) -> tuple[Counters, CounterWriter]:
    """The totals of the store, and from now on what is added to them is written behind."""
    store = CounterStore(database)
    counters = Counters(await store.load(), writer.woken.set)
    totals = CounterWriter(counters, store)
    writer.also(totals)
    return counters, totals


async def _closing(writer: WriteBehind) -> None:
    """Write what is left; a store that is away has kept its patience until here."""
    with suppress(StoreError):
        await writer.close()


def jobs(
    accounts: Accounts,
    live: Live,
    coordinator: Coordinator,
    totals: CounterWriter,
    look_at_configuration: Callable[[], Awaitable[object]],
    now: Callable[[], float],
) -> tuple[Job, ...]:
    """All periodic work. What is done once for all workers is done by the one that leads."""
    configuration = Job(
        name="configuration",
        help="Takes over what was changed in the configuration file.",
        every=lambda: _CONFIGURATION_SEC,
        work=look_at_configuration,
    )
    return (
        configuration,
        *_store_jobs(accounts, coordinator, totals, now),
        *_quota_jobs(accounts, options.kept(options.refresh, lambda: live.current), coordinator),
    )


def _store_jobs(
    accounts: Accounts, coordinator: Coordinator, totals: CounterWriter, now: Callable[[], float]
) -> tuple[Job, ...]:
    writer = accounts.writer
    return (
        Job(
            name="store-sync",
            help="Takes over what other processes changed in the store.",
            every=lambda: LOOK_SEC,
            work=accounts.following.look,
        ),
        Job(
            name="store-write",
            help="Writes what serving changed, in batches.",
            every=lambda: FLUSH_SEC,
            work=writer.flush,
            wake=writer.woken,
            patience=PATIENCE_SEC,
        ),
        Job(
            name="totals",
            help="Takes over what other processes have counted.",
            every=lambda: _TOTALS_SEC,
            work=totals.read,
            enabled=lambda: coordinator.sharing is not None,
        ),
        Job(
            name="store-purge",
            help="Drops accounts that were removed a day ago, and what can no longer be undone.",
            every=lambda: PURGE_SEC,
            work=lambda: accounts.store.purge(now()),
            jitter=0.1,
            remembered=True,
            enabled=lambda: coordinator.leads,
        ),
    )


def _quota_jobs(accounts: Accounts, refresh: Callable[[], RefreshOptions], coordinator: Coordinator) -> tuple[Job, ...]:
    rounds = accounts.rounds

    async def sweep() -> None:
        if coordinator.leads:
            await rounds.sweep()
        else:
            await coordinator.tell(_EXHAUSTED)

    return (
        *(
            Job(
                name=f"quota-{tier}",
                help=f"Has those {tier} accounts asked about that are due; each is once in its interval.",
                every=partial(rounds.every, tier),
                work=partial(rounds.turn, tier),
                enabled=lambda: refresh().asks and coordinator.leads,
            )
            for tier in TIERS
        ),
        Job(
            name="quota-on-demand",
            help="Has all accounts asked about that are spent or rest, when nobody could be chosen.",
            every=lambda: refresh().on_demand_sec,
            work=sweep,
            wake=accounts.refresher.exhausted,
            enabled=lambda: refresh().asks,
        ),
    )
