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
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import cast

import msgspec
import uvloop
from starlette.routing import BaseRoute

from grok2api import __version__, options
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.refresh import Refresher
from grok2api.administration import Administered, administration
from grok2api.background import background_jobs, background_of
from grok2api.banner import lines, reachable
from grok2api.catalog import Surface
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
from grok2api.dialects.openai_media import EDITS, GENERATIONS
from grok2api.dialects.openai_responses import COMPACTION, INPUT_TOKENS, RESPONSES
from grok2api.gateway.background import Background
from grok2api.gateway.exchange import Gateway
from grok2api.gateway.films import Films
from grok2api.gateway.tokens import count
from grok2api.gateway.watch import Watch
from grok2api.jobs import JobRunner
from grok2api.making import Making, film_jobs, films_of, making
from grok2api.media.store import MediaStore
from grok2api.memory import give_back_large_blocks
from grok2api.observe.counters import Counters
from grok2api.observe.logging import set_up
from grok2api.observe.secrets import secrets
from grok2api.place import Line, Place, Serves
from grok2api.reach import http_client, quota_sources
from grok2api.spreading import ConfigSpreader
from grok2api.storage.accounts import AccountStore
from grok2api.storage.following import Following
from grok2api.storage.opening import open_store
from grok2api.storage.remembered import Remembered
from grok2api.storing import Storing, stored_jobs, stored_routes, storing
from grok2api.transport.egress import Routes, TransportOptions
from grok2api.transport.switched import Rows, SwitchedHttp, SwitchedSockets
from grok2api.transport.tasks import spawn
from grok2api.upkeep import counted, jobs, kept
from grok2api.upstreams.console.adapter import Console
from grok2api.upstreams.grok_web.account_settings import AccountSettings
from grok2api.upstreams.grok_web.adapter import GrokWeb
from grok2api.web.answer import AnswerRoute
from grok2api.web.asgi import Asgi
from grok2api.web.background import BackgroundAnswers
from grok2api.web.count import CountRoute
from grok2api.web.face import Face
from grok2api.web.journal import Journal
from grok2api.web.media_files import MediaRoute
from grok2api.web.once import Once
from grok2api.web.options import State, WebOptions
from grok2api.web.routes import SmallRoutes
from grok2api.web.server import serve
from grok2api.web.videos import VideoRoutes

#: Objects made before the next collection of the youngest generation: collections show in the tail of latency.
_YOUNG = 50_000

#: Clients by the settings that choose them, as the HTTP clients are (`reach`).
SOCKET_CLIENTS: Rows = {
    "rest": ("grok2api.transport.late", "LateSockets"),
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
    configured: Configured
    coordinator: Coordinator
    media: MediaStore
    films: Films
    background: Background
    stored: Storing


#: For ids and for choosing accounts; seeded by the system. Nothing that it makes opens anything.
_RNG = random.Random()  # noqa: S311


def new_id(prefix: str) -> str:
    """A fresh id: the prefix and 96 random bits."""
    return f"{prefix}{_RNG.getrandbits(96):024x}"


def _film_id() -> str:
    return f"video_{_RNG.getrandbits(128):032x}"


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
    rng = rng or _RNG
    async with AsyncExitStack() as stack:
        configured = _configured(layers)
        live = configured.live
        database, vault = await open_store(live.current.storage.url, layers.data_dir)
        stack.push_async_callback(database.close)
        store = AccountStore(database, vault)
        coordinator = await coordinator_for(stack, live.current, database, place, new_id, now)
        http, sockets = await _clients(stack, live)
        console = Console(http, lambda: options.console(live.current), now, _uuid)
        memory = Remembered(store.database)
        sources = quota_sources(http, console.access, lambda: live.current, _uuid)
        accounts = await kept(stack, live, store, coordinator, sources, memory, now, rng)
        counters, totals = await counted(store.database, accounts.writer)
        watch = Watch(now, Routes(lambda: options.transport(live.current).egress))
        made = await making(stack, live, layers.data_dir, http, sockets, accounts.pool, watch, now, _uuid)
        grok_web = options.kept(options.grok_web, lambda: live.current)
        chat = GrokWeb(http, sockets, grok_web, made.users, now, _uuid, made.uploads)
        gateway = _gateway(accounts.pool, chat, console, live, watch, made)
        state = State()
        films = films_of(made, gateway, database, live, layers.data_dir, state, now, new_id("process_"))
        await stack.enter_async_context(films.running())
        stored = storing(database, vault, live, accounts.writer, coordinator)
        background = background_of(gateway, stored.responses, live, coordinator, state, now, new_id("process_"))
        await stack.enter_async_context(background.running())
        periodic = [
            *jobs(accounts, live, coordinator, totals, configured.look, now),
            *film_jobs(films),
            *stored_jobs(stored, live, coordinator, now),
            *background_jobs(background),
        ]
        runner = JobRunner(periodic, now, rng, memory)
        await stack.enter_async_context(runner.running())
        switch = AccountSettings(http, lambda: options.grok_web(live.current), _uuid)
        administered = Administered(
            accounts=accounts,
            switch=switch,
            files=made.files,
            cache=made.media,
            watch=watch,
            jobs=runner.status,
            counters=counters.values,
            spread=ConfigSpreader(configured, coordinator, vault).tell,
            coordinator=coordinator,
        )
        admin = administration(stack, configured, layers.data_dir, state, administered, now, rng)
        journal = Journal(counters.bump)
        face = _face(live, gateway, accounts.following, made, films, background, stored, admin, state, journal, now)
        await stack.enter_async_context(coordinator.running(accounts.pool))
        yield App(
            face=face,
            state=state,
            store=store,
            pool=accounts.pool,
            following=accounts.following,
            counters=counters,
            refresher=accounts.refresher,
            jobs=runner,
            gateway=gateway,
            live=live,
            configured=configured,
            coordinator=coordinator,
            media=made.media,
            films=films,
            background=background,
            stored=stored,
        )


def _gateway(pool: AccountPool, chat: GrokWeb, console: Console, live: Live, watch: Watch, made: Making) -> Gateway:
    return Gateway(
        pool,
        {Surface.WEB_CHAT: chat, Surface.CONSOLE_CHAT: console},
        options.kept(options.gateway, lambda: live.current),
        count,
        new_id,
        watch,
        made.attaching,
        made.keeping,
        made.studio,
        made.screening,
    )


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


async def _clients(stack: AsyncExitStack, live: Live) -> tuple[SwitchedHttp, SwitchedSockets]:
    """The ways out; which are used, and how, is up to the settings at each call."""

    def chosen() -> TransportOptions:
        return options.transport(live.current)

    http = http_client(lambda: live.current)
    sockets = SwitchedSockets(SOCKET_CLIENTS, lambda: live.current.upstream.web.transport, chosen)
    for client in (http, sockets):
        await client.start()
        stack.push_async_callback(client.close)
    return http, sockets


def _face(
    live: Live,
    gateway: Gateway,
    following: Following,
    made: Making,
    films: Films,
    background: Background,
    stored: Storing,
    admin: Sequence[BaseRoute],
    state: State,
    journal: Journal,
    now: Callable[[], float],
) -> Face:
    """Everything that is served over HTTP."""
    web = options.kept(options.face, lambda: live.current)
    videos = VideoRoutes(films, made.stored, made.attaching, made.budget, web, state, now, _film_id)
    small = SmallRoutes(gateway, web, state, lambda: following.trouble, __version__)
    apart = BackgroundAnswers(background, RESPONSES.encoder, stored.recall, journal, state)
    kept_routes = stored_routes(stored, apart, made.budget, web, state, now, new_id)
    hot = _hot(gateway, web, state, journal, made, stored, apart)
    return Face(hot, [*small.table(), *videos.table(), *kept_routes, *admin], new_id, lambda: web().cors_origins)


def _hot(
    gateway: Gateway,
    web: Callable[[], WebOptions],
    state: State,
    journal: Journal,
    made: Making,
    stored: Storing,
    apart: BackgroundAnswers,
) -> dict[str, Asgi]:
    """The routes that have to be fast, and those that send files."""
    budget, once = made.budget, Once(time.monotonic)
    return {
        "/v1/chat/completions": AnswerRoute(CHAT, gateway, web, state, journal, new_id, budget),
        "/v1/responses": AnswerRoute(
            RESPONSES, gateway, web, state, journal, new_id, budget, stored=stored.answers, background=apart
        ),
        "/v1/messages": AnswerRoute(MESSAGES, gateway, web, state, journal, new_id, budget),
        "/v1/images/generations": AnswerRoute(GENERATIONS, gateway, web, state, journal, new_id, budget, once),
        "/v1/images/edits": AnswerRoute(EDITS, gateway, web, state, journal, new_id, budget, once),
        "/v1/messages/count_tokens": CountRoute(MESSAGES, gateway, web, new_id, budget),
        "/v1/responses/compact": AnswerRoute(
            COMPACTION, gateway, web, state, journal, new_id, budget, stored=stored.compactions
        ),
        "/v1/responses/input_tokens": CountRoute(INPUT_TOKENS, gateway, web, new_id, budget, stored.counts),
        "/v1/files/image": MediaRoute("image", made.stored, state, new_id),
        "/v1/files/video": MediaRoute("video", made.stored, state, new_id),
    }


def run(layers: Layers, listener: socket.socket, *, demo: bool = False) -> int:
    """Serve on `listener` until a signal; the exit code. Raises what `running` raises before anything is served."""
    give_back_large_blocks()
    return uvloop.run(_run(layers, listener, demo=demo))


def work(layers: Layers, listener: socket.socket, place: Place) -> int:
    """Serve on `listener` as one of several workers, until a signal or the end of the supervisor; the exit code."""
    give_back_large_blocks()
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
