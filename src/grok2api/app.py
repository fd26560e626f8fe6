"""The composition root: from settings to a running gateway, and back down in reverse order.

The only file that knows every part.
"""

import asyncio
import gc
import random
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from grok2api import __version__, options
from grok2api.accounts.asking import Asking, QuotaSource
from grok2api.accounts.lifecycle import Effect, Persist
from grok2api.accounts.model import Account
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.refresh import Refresher
from grok2api.accounts.rounds import TIERS, Rounds
from grok2api.accounts.sync import Sync
from grok2api.banner import lines, reachable
from grok2api.catalog import WEB_MODES, Surface
from grok2api.config.admin_key import ensure_admin_key
from grok2api.config.live import Live
from grok2api.config.settings import Settings
from grok2api.demo import demonstration
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.dialects.openai_chat import CHAT
from grok2api.dialects.openai_responses import RESPONSES
from grok2api.gateway.exchange import Gateway
from grok2api.gateway.tokens import count
from grok2api.gateway.watch import Watch
from grok2api.jobs import Job, JobRunner
from grok2api.observe.counters import Counters
from grok2api.observe.logging import set_up
from grok2api.observe.secrets import secrets
from grok2api.storage.accounts import AccountStore
from grok2api.storage.counters import CounterStore, CounterWriter
from grok2api.storage.errors import StoreError
from grok2api.storage.following import LOOK_SEC, Following
from grok2api.storage.opening import store_for
from grok2api.storage.remembered import Remembered
from grok2api.storage.tiers import Tiers
from grok2api.storage.write_behind import FLUSH_SEC, PATIENCE_SEC, WriteBehind
from grok2api.transport.egress import Routes, TransportOptions
from grok2api.upstreams.base import Http
from grok2api.upstreams.console.adapter import Console
from grok2api.upstreams.console.quota import ConsoleQuota
from grok2api.upstreams.grok_web.adapter import GrokWeb
from grok2api.upstreams.grok_web.quota import GrokWebQuota
from grok2api.upstreams.xai_api.quota import ApiKeyHealth
from grok2api.web.answer import AnswerRoute
from grok2api.web.asgi import Asgi
from grok2api.web.count import CountRoute
from grok2api.web.face import Face
from grok2api.web.journal import Journal
from grok2api.web.options import State, WebOptions
from grok2api.web.routes import SmallRoutes
from grok2api.web.server import serve

#: Credentials registered in one turn of the event loop.
_REGISTERED = 500
#: Seconds between two purges of the store.
PURGE_SEC = 3600.0
#: Objects made before the next collection of the youngest generation: collections show in the tail of latency.
_YOUNG = 50_000


#: Clients by the settings that choose them at the start. aiohttp is a fifth of a start and of an idle gateway's memory,
#: and most installations need it neither for a proxy nor for WebSockets.
HTTP_CLIENTS: Mapping[str, tuple[str, str]] = {
    "direct": ("grok2api.transport.lean", "LeanHttp"),
    "proxied": ("grok2api.transport.http", "AioHttp"),
}
SOCKET_CLIENTS: Mapping[str, tuple[str, str]] = {
    "rest": ("grok2api.transport.absent", "NoSockets"),
    "ws": ("grok2api.transport.websocket", "AioSockets"),
}


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway whose parts are running: its HTTP face, and what its owner may want to look at."""

    face: Face
    state: State
    store: AccountStore
    pool: AccountPool
    following: Following
    counters: Counters
    refresher: Refresher
    jobs: JobRunner
    gateway: Gateway
    live: Live


class _Accounts(msgspec.Struct, frozen=True):
    """The pool, and what keeps it abreast of the store and of the upstreams."""

    pool: AccountPool
    writer: WriteBehind
    following: Following
    counters: Counters
    refresher: Refresher
    rounds: Rounds


#: For ids and for choosing accounts; seeded by the system. Nothing that it makes opens anything.
_RNG = random.Random()  # noqa: S311


def new_id(prefix: str) -> str:
    """A fresh id: the prefix and 96 random bits."""
    return f"{prefix}{_RNG.getrandbits(96):024x}"


def _uuid() -> str:
    return str(uuid.UUID(int=_RNG.getrandbits(128), version=4))


@asynccontextmanager
async def running(
    settings: Settings, data_dir: Path, *, now: Callable[[], float] = time.time, rng: random.Random | None = None
) -> AsyncIterator[App]:
    """All parts, started; stopped in reverse when the context ends. Raises `StoreError`."""
    rng = rng or _RNG
    async with AsyncExitStack() as stack:
        live = Live(settings)
        store = await store_for(settings.storage.url, data_dir)
        stack.push_async_callback(store.close)
        way = "direct" if settings.proxy.egress.mode == "direct" else "proxied"
        http = _client(HTTP_CLIENTS, way, lambda: options.transport(live.current))
        sockets = _client(SOCKET_CLIENTS, settings.upstream.web.transport, lambda: options.transport(live.current))
        for client in (http, sockets):
            await client.start()
            stack.push_async_callback(client.close)
        grok_web = GrokWeb(http, sockets, lambda: options.grok_web(live.current), now, _uuid)
        console = Console(http, lambda: options.console(live.current), now, _uuid)
        memory = Remembered(store.database, now)
        accounts = await _accounts(stack, live, store, _sources(http, console, live), memory, now, rng)
        jobs = JobRunner(_jobs(accounts, store, live, now), now, rng, memory)
        await stack.enter_async_context(jobs.running())
        gateway = Gateway(
            accounts.pool,
            {Surface.WEB_CHAT: grok_web, Surface.CONSOLE_CHAT: console},
            options.kept(options.gateway, lambda: live.current),
            count,
            new_id,
            Watch(now, Routes(lambda: options.transport(live.current).egress)),
        )
        state = State()
        face = _face(gateway, live, state, accounts)
        yield App(
            face=face,
            state=state,
            store=store,
            pool=accounts.pool,
            following=accounts.following,
            counters=accounts.counters,
            refresher=accounts.refresher,
            jobs=jobs,
            gateway=gateway,
            live=live,
        )


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


def _client(choices: Mapping[str, tuple[str, str]], choice: str, chosen: Callable[[], TransportOptions]) -> Any:
    """The client of a row; its module is loaded only when the settings choose it."""
    module, kind = choices[choice]
    return getattr(import_module(module), kind)(chosen)


def _sources(http: Http, console: Console, live: Live) -> dict[str, QuotaSource]:
    """Who tells the quota of each mode."""
    web = GrokWebQuota(http, lambda: options.grok_web(live.current), _uuid)
    return {
        **dict.fromkeys(WEB_MODES, web),
        "console": ConsoleQuota(http, console.access, lambda: options.console(live.current)),
        "api": ApiKeyHealth(http, lambda: options.api(live.current)),
    }


async def _accounts(
    stack: AsyncExitStack,
    live: Live,
    store: AccountStore,
    sources: Mapping[str, QuotaSource],
    memory: Remembered,
    now: Callable[[], float],
    rng: random.Random,
) -> _Accounts:
    """The pool, filled from the store, and the parts around it; those that work in the background are begun."""
    source = _Masked(store)
    revision = await source.revision()
    writer = WriteBehind(store, lambda ident: pool.get(ident))  # noqa: PLW0108 - the pool is made below

    def sink(effects: Collection[Effect]) -> None:
        writer.mark(effect.account_id for effect in effects if isinstance(effect, Persist))
        refresher.take(effects)

    def joined(accounts: Iterable[Account]) -> None:
        for account in accounts:
            rounds.join(account)

    refresh = options.kept(options.refresh, lambda: live.current)
    pool = AccountPool(await source.load(), options.kept(options.pool, lambda: live.current), now, rng, sink)
    asking = Asking(sources, lambda: refresh().concurrency, now)
    refresher = Refresher(pool, asking, Tiers(store), refresh, now, rng)
    rounds = Rounds(pool, refresher, refresh, now, rng, memory)
    following = Following(Sync(source, pool, writer.mark, revision, joined).sync, writer, now)
    totals = CounterStore(store.database)
    counters = Counters(await totals.load(), writer.woken.set)
    writer.also(CounterWriter(counters, totals))
    stack.push_async_callback(_closing, writer)
    await stack.enter_async_context(refresher.running())
    await stack.enter_async_context(rounds.running(pool.list()))
    return _Accounts(pool, writer, following, counters, refresher, rounds)


async def _closing(writer: WriteBehind) -> None:
    """Write what is left; a store that is away has kept its patience until here."""
    with suppress(StoreError):
        await writer.close()


def _jobs(accounts: _Accounts, store: AccountStore, live: Live, now: Callable[[], float]) -> tuple[Job, ...]:
    """All periodic work."""
    rounds, writer = accounts.rounds, accounts.writer
    refresh = options.kept(options.refresh, lambda: live.current)

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
            name="store-purge",
            help="Drops accounts that were removed a day ago, and what can no longer be undone.",
            every=lambda: PURGE_SEC,
            work=lambda: store.purge(now()),
            jitter=0.1,
            remembered=True,
        ),
        *(
            Job(
                name=f"quota-{tier}",
                help=f"Has those {tier} accounts asked about that are due; each is once in its interval.",
                every=partial(rounds.every, tier),
                work=partial(rounds.turn, tier),
                enabled=lambda: refresh().asks,
            )
            for tier in TIERS
        ),
        Job(
            name="quota-on-demand",
            help="Has all accounts asked about that are spent or rest, when nobody could be chosen.",
            every=lambda: refresh().on_demand_sec,
            work=rounds.sweep,
            wake=accounts.refresher.exhausted,
            enabled=lambda: refresh().asks,
        ),
    )


def _face(gateway: Gateway, live: Live, state: State, accounts: _Accounts) -> Face:
    journal = Journal(accounts.counters.bump)

    def trouble() -> str:
        return accounts.following.trouble

    def web() -> WebOptions:
        return options.face(live.current)

    hot: dict[str, Asgi] = {
        "/v1/chat/completions": AnswerRoute(CHAT, gateway, web, state, journal, new_id),
        "/v1/responses": AnswerRoute(RESPONSES, gateway, web, state, journal, new_id),
        "/v1/messages": AnswerRoute(MESSAGES, gateway, web, state, journal, new_id),
        "/v1/messages/count_tokens": CountRoute(gateway, web, new_id),
    }
    return Face(hot, SmallRoutes(gateway, web, state, trouble, __version__).table(), new_id)


def run(settings: Settings, data_dir: Path, listener: socket.socket, *, demo: bool = False) -> int:
    """Serve on `listener` until a signal; the exit code. Raises `StoreError` before anything is served."""
    set_up(settings.logging.level, settings.logging.format)
    return uvloop.run(_run(settings, data_dir, listener, demo=demo))


async def _run(settings: Settings, data_dir: Path, listener: socket.socket, *, demo: bool) -> int:
    async with AsyncExitStack() as stack:
        notes: list[str] = []
        address = reachable(settings.server.host, listener.getsockname()[1])
        if demo:
            settings, notes = await stack.enter_async_context(demonstration(settings, data_dir, address))
        key, made = ensure_admin_key(settings, data_dir)
        app = await stack.enter_async_context(running(settings, data_dir))
        banner = [*lines(settings, address, key if made else None, _counts(app.pool)), *notes]
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG, 50, 100)
        await serve(app.face, listener, app.state, lambda: app.live.current.server.drain_sec, lambda: _tell(banner))
    return 0


def _counts(pool: AccountPool) -> list[tuple[int, str]]:
    census = pool.census()
    return [
        (census.active, "active"),
        (census.resting, "of them resting in some mode"),
        (census.suspect, "suspect"),
        (census.expired, "expired"),
        (census.disabled, "disabled"),
    ]


def _tell(banner: Iterable[str]) -> None:
    """To the operator's terminal, not to the log: it may hold a key that is shown once."""
    for line in banner:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
