"""The composition root: from settings to a running gateway, and back down in reverse order.

The only file that knows every part.
"""

import asyncio
import gc
import random
import signal
import socket
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import cast

import msgspec
import uvloop
from starlette.routing import BaseRoute

from grok2api import __version__, options
from grok2api.accounts.model import Account
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.sync import Sync
from grok2api.administration import Administered, administration
from grok2api.banner import lines, reachable
from grok2api.canonical.problem import Kind, Problem
from grok2api.catalog import Surface, Tier
from grok2api.cli.common import tell
from grok2api.config.admin_key import ensure_admin_key
from grok2api.config.configured import Configured, Editor
from grok2api.config.live import Live
from grok2api.config.load import Layers
from grok2api.config.settings import Settings
from grok2api.config.table import secret_values
from grok2api.coordinating import coordinator_for
from grok2api.coordination.base import Coordinator
from grok2api.demo import demonstration
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.dialects.openai_chat import CHAT
from grok2api.dialects.openai_responses import RESPONSES
from grok2api.gateway.exchange import Gateway
from grok2api.gateway.tokens import count
from grok2api.gateway.watch import Watch
from grok2api.observe.logging import set_up
from grok2api.observe.secrets import secrets
from grok2api.place import Line, Place, Serves
from grok2api.spreading import ConfigSpreader
from grok2api.storage.accounts import AccountStore
from grok2api.storage.following import Following
from grok2api.storage.opening import open_store
from grok2api.storage.write_behind import WriteBehind
from grok2api.transport.egress import Routes, TransportOptions
from grok2api.transport.switched import Rows, SwitchedHttp, SwitchedSockets
from grok2api.transport.tasks import spawn
from grok2api.upstreams.console.adapter import Console
from grok2api.upstreams.grok_web.account_settings import AccountSettings
from grok2api.upstreams.grok_web.adapter import GrokWeb
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
#: Objects made before the next collection of the youngest generation: collections show in the tail of latency.
_YOUNG = 50_000

#: Seconds between two looks at the configuration file.
_LOOK_SEC = 2.0

#: Clients by the settings that choose them.
HTTP_CLIENTS: Rows = {
    "direct": ("grok2api.transport.lean", "LeanHttp"),
    "proxied": ("grok2api.transport.http", "AioHttp"),
}
SOCKET_CLIENTS: Rows = {
    "rest": ("grok2api.transport.absent", "NoSockets"),
    "ws": ("grok2api.transport.websocket", "AioSockets"),
}


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway whose parts are running: its HTTP face, and what its owner may want to look at."""

    face: Face
    state: State
    pool: AccountPool
    gateway: Gateway
    live: Live
    configured: Configured
    coordinator: Coordinator


#: For ids and for choosing accounts; seeded by the system. Nothing that it makes opens anything.
_RNG = random.Random()  # noqa: S311


def new_id(prefix: str) -> str:
    """A fresh id: the prefix and 96 random bits."""
    return f"{prefix}{_RNG.getrandbits(96):024x}"


def _uuid() -> str:
    return str(uuid.UUID(int=_RNG.getrandbits(128), version=4))


@asynccontextmanager
async def running(
    layers: Layers,
    place: Place = Place(),  # noqa: B008 - frozen
    *,
    now: Callable[[], float] = time.time,
    rng: random.Random | None = None,
) -> AsyncIterator[App]:
    """All parts, started; stopped in reverse when the context ends. Raises `SettingsError` and `StoreError`."""
    async with AsyncExitStack() as stack:
        configured = _configured(layers)
        live = configured.live
        database, vault = await open_store(live.current.storage.url, layers.data_dir)
        stack.push_async_callback(database.close)
        store = AccountStore(database, vault)
        coordinator = await coordinator_for(stack, live.current, database, place, new_id, now)
        accounts = await _accounts(stack, live, store, coordinator, now, rng or _RNG)
        http, sockets = await _clients(stack, live)
        watch = Watch(now, Routes(lambda: options.transport(live.current).egress))
        gateway = Gateway(
            accounts.pool,
            {
                Surface.WEB_CHAT: GrokWeb(http, sockets, lambda: options.grok_web(live.current), now, _uuid),
                Surface.CONSOLE_CHAT: Console(http, lambda: options.console(live.current), now, _uuid),
            },
            options.kept(options.gateway, lambda: live.current),
            count,
            new_id,
            watch,
        )
        state = State()
        administered = Administered(
            store=accounts.store,
            pool=accounts.pool,
            writer=accounts.writer,
            following=accounts.following,
            sync=accounts.sync.sync,
            revision=lambda: accounts.sync.revision,
            switch=AccountSettings(http, lambda: options.grok_web(live.current), _uuid),
            refresher=_NoQuotas(),
            watch=watch,
            jobs=tuple,
            spread=ConfigSpreader(configured, coordinator, vault).tell,
            coordinator=coordinator,
        )
        admin = administration(stack, configured, layers.data_dir, state, administered, now, _RNG)
        face = _face(gateway, live, state, lambda: accounts.following.trouble, admin)
        watching = spawn(_watch(configured), "configuration")
        stack.callback(watching.cancel)
        await stack.enter_async_context(coordinator.running(accounts.pool))
        yield App(
            face=face,
            state=state,
            pool=accounts.pool,
            gateway=gateway,
            live=live,
            configured=configured,
            coordinator=coordinator,
        )


class _NotAsked(msgspec.Struct, frozen=True):
    """What a look at an account brings while nobody asks for quotas."""

    account_id: str
    modes: tuple[str, ...] = ()
    after: Tier | None = None
    problem: Problem | None = Problem(kind=Kind.UNAVAILABLE, message="Quotas cannot be asked for in this version.")


class _NoQuotas:
    """Stands where quotas will be asked for."""

    async def refresh(
        self, ids: Iterable[str], modes: Collection[str] | None = None, at_once: int | None = None
    ) -> AsyncGenerator[_NotAsked, None]:
        """Nothing is asked."""
        for ident in ids:
            yield _NotAsked(ident)


class _Accounts(msgspec.Struct, frozen=True):
    """The store, the pool that is filled from it, and what keeps both abreast."""

    store: AccountStore
    pool: AccountPool
    writer: WriteBehind
    sync: Sync
    following: Following


class _Masked:
    """The store as the pool reads it: a credential is kept out of the log from the moment it is known."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    async def revision(self) -> int:
        return await self._store.revision()

    async def ids(self) -> set[str]:
        return await self._store.ids()

    async def load(self, since: int = -1) -> list[Account]:
        accounts = await self._store.load(since)
        for start in range(0, len(accounts), _REGISTERED):
            secrets.register(*(account.secret for account in accounts[start : start + _REGISTERED]))
            await asyncio.sleep(0)
        return accounts


def _configured(layers: Layers) -> Configured:
    """The settings in force, and what changes them. Secrets are kept out of the log from the moment they are known."""
    loaded = layers.survey()
    live = Live(loaded.settings)
    _keep_secrets(loaded.settings)
    live.subscribe(_keep_secrets)
    return Configured(live, layers, loaded, _editor)


def _keep_secrets(settings: Settings) -> None:
    for value in secret_values(settings):
        secrets.register_cookies(value)


def _editor() -> Editor:
    """The writer of TOML; an idle gateway does not carry it."""
    return cast("Editor", import_module("grok2api.config.edit"))


async def _watch(configured: Configured) -> None:
    """Take over what is changed in the configuration file, for ever."""
    while True:
        await asyncio.sleep(_LOOK_SEC)
        await configured.look()


async def _clients(stack: AsyncExitStack, live: Live) -> tuple[SwitchedHttp, SwitchedSockets]:
    """The ways out; which are used, and how, is up to the settings at each call."""

    def chosen() -> TransportOptions:
        return options.transport(live.current)

    http = SwitchedHttp(HTTP_CLIENTS, lambda: options.way_out(live.current), chosen)
    sockets = SwitchedSockets(SOCKET_CLIENTS, lambda: live.current.upstream.web.transport, chosen)
    for client in (http, sockets):
        await client.start()
        stack.push_async_callback(client.close)
    return http, sockets


async def _accounts(
    stack: AsyncExitStack,
    live: Live,
    store: AccountStore,
    coordinator: Coordinator,
    now: Callable[[], float],
    rng: random.Random,
) -> _Accounts:
    """The pool, filled from the store and kept abreast of it and of the other workers."""
    source = _Masked(store)
    revision = await source.revision()
    writer = WriteBehind(store, lambda ident: pool.get(ident))  # noqa: PLW0108 - the pool is made below
    kept = options.kept(options.pool, lambda: live.current)
    pool = AccountPool(await source.load(), kept, now, rng, writer.take, coordinator.sharing)
    sync = Sync(source, pool, writer.mark, revision)
    following = Following(writer, sync.sync)
    await stack.enter_async_context(following.running())
    return _Accounts(store, pool, writer, sync, following)


def _face(gateway: Gateway, live: Live, state: State, trouble: Callable[[], str], admin: Sequence[BaseRoute]) -> Face:
    journal = Journal()

    def web() -> WebOptions:
        return options.face(live.current)

    hot: dict[str, Asgi] = {
        "/v1/chat/completions": AnswerRoute(CHAT, gateway, web, state, journal, new_id),
        "/v1/responses": AnswerRoute(RESPONSES, gateway, web, state, journal, new_id),
        "/v1/messages": AnswerRoute(MESSAGES, gateway, web, state, journal, new_id),
        "/v1/messages/count_tokens": CountRoute(gateway, web, new_id),
    }
    return Face(hot, [*SmallRoutes(gateway, web, state, trouble, __version__).table(), *admin], new_id)


def run(layers: Layers, listener: socket.socket, *, demo: bool = False) -> int:
    """Serve on `listener` until a signal; the exit code. Raises what `running` raises before anything is served."""
    return uvloop.run(_run(layers, listener, demo=demo))


def work(layers: Layers, listener: socket.socket, place: Place) -> int:
    """Serve on `listener` as one of several workers, until a signal or the end of the supervisor; the exit code."""
    return uvloop.run(_work(layers, listener, place))


async def _work(layers: Layers, listener: socket.socket, place: Place) -> int:
    line = Line(place)
    _log_as_told(layers.survey().settings)
    async with running(layers, place) as app:
        app.live.subscribe(_log_as_told)

        def started() -> None:
            line.watch(lambda: signal.raise_signal(signal.SIGTERM))
            line.say(Serves(_counts(app.pool)))

        await _serve(app, listener, started)
    return 0


async def _run(layers: Layers, listener: socket.socket, *, demo: bool) -> int:
    async with AsyncExitStack() as stack:
        notes: list[str] = []
        settings = layers.survey().settings
        _log_as_told(settings)
        address = reachable(settings.server.host, listener.getsockname()[1])
        if demo:
            shown = demonstration(settings, layers.data_dir, address)
            overrides, notes = await stack.enter_async_context(shown)
            layers = layers.overridden(overrides)
        key, made = ensure_admin_key(settings, layers.data_dir)
        app = await stack.enter_async_context(running(layers))
        app.live.subscribe(_log_as_told)
        banner = [*lines(app.live.current, address, key if made else None, _counts(app.pool)), *notes]
        await _serve(app, listener, lambda: tell(banner))
    return 0


async def _serve(app: App, listener: socket.socket, started: Callable[[], None]) -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 50, 100)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, lambda: spawn(app.configured.look(), "configuration-look"))
    await serve(app.face, listener, app.state, lambda: app.live.current.server.drain_sec, started)


def _log_as_told(settings: Settings) -> None:
    set_up(settings.logging.level, settings.logging.format)


def _counts(pool: AccountPool) -> list[tuple[int, str]]:
    census = pool.census()
    return [
        (census.active, "active"),
        (census.resting, "of them resting in some mode"),
        (census.suspect, "suspect"),
        (census.expired, "expired"),
        (census.disabled, "disabled"),
    ]
