"""Calls of the admin API without a network, and the parts that it is given in tests.

async with administration(tmp_path) as admin:
    status, body = await admin.get("/verify")
"""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from grok2api.accounts.model import Account, Kind, moved, new_account
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.sync import Sync
from grok2api.admin.access import AdminKey
from grok2api.admin.frame import Frame
from grok2api.admin.openapi import document
from grok2api.admin.parts import Parts, StorageReport
from grok2api.admin.route import BASE, Route
from grok2api.admin.table import ROUTES
from grok2api.admin.tasks import Step, Steps, Tasks
from grok2api.catalog import Tier
from grok2api.config import edit
from grok2api.config.configured import Configured
from grok2api.config.live import Live
from grok2api.config.load import Layers
from grok2api.storage.accounts import AccountStore
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import store_for
from grok2api.storage.write_behind import WriteBehind
from grok2api.web.face import Face
from grok2api.web.options import State, WebOptions
from simulated import Clock

KEY = "the-admin-key-of-tests"


class Answer:
    """One answer; `json` is its body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error of a refusal, all five members of it."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "code", "param", "status"}
        assert error["status"] == self.status
        return dict(error)


class Admin:
    """The API as a client sees it."""

    def __init__(self, face: Face, state: State, parts: Parts, upstream: "Upstream", clock: Clock) -> None:
        self.face = face
        self.state = state
        self.parts = parts
        self.upstream = upstream
        self.clock = clock
        self.pool: Any = parts.pool
        self.store: Any = parts.store

    async def stored(self, ident: str) -> Account:
        """An account as the store has it."""
        (found,) = await self.store.get([ident])
        return found  # type: ignore[no-any-return]

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = KEY,
        headers: dict[str, str] | None = None,
        leave: asyncio.Event | None = None,
        **query: Any,
    ) -> Answer:
        """One call. `body` is sent as JSON unless it is bytes; the client leaves when `leave` is set."""
        sent: list[dict[str, Any]] = []
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if key is not None:
            given.setdefault("authorization", f"Bearer {key}")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        arriving = iter([{"type": "http.request", "body": raw, "more_body": False}])

        async def receive() -> Any:
            for message in arriving:
                return message
            await (leave or asyncio.Event()).wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        path, _, text = path.partition("?")
        await self.face(
            {
                "type": "http",
                "method": method,
                "path": path if path.startswith("/admin") else BASE + path,
                "root_path": "",
                "scheme": "http",
                "server": ("gateway", 80),
                "query_string": (text or urlencode(query)).encode(),
                "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            },
            receive,
            send,
        )
        if not sent:
            return Answer(0, {}, b"")
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:]))

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("POST", path, body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("PUT", path, body, **more)

    async def delete(self, path: str, body: Any = None, **more: Any) -> Answer:
        return await self.call("DELETE", path, body, **more)


def counted(prefix: str = "", width: int = 1) -> Callable[..., str]:
    """Ids that count."""
    numbers = itertools.count(1)
    return lambda before="": f"{before or prefix}{next(numbers):0{width}}"


class Upstream:
    """What accounts are asked and told about: quotas and switches, as a test wants them to come out."""

    def __init__(self, pool: AccountPool) -> None:
        self.pool = pool
        self.asked: list[tuple[str, int]] = []
        self.switched: list[tuple[str, bool, int]] = []
        self.tiers: dict[str, Tier] = {}
        self.errors: dict[str, str] = {}
        self.gate: asyncio.Event | None = None

    async def refresh(self, ids: Sequence[str], at_once: int) -> Steps:
        for ident in ids:
            await self._wait()
            self.asked.append((ident, at_once))
            if ident not in self.errors and (account := self.pool.get(ident)) is not None:
                self.pool.replace(moved(account, self.tiers.get(account.secret, account.tier)))
            yield Step(ident, {"refreshed": 1}, self.errors.get(ident, ""))

    async def switch(self, ids: Sequence[str], enabled: bool, at_once: int) -> Steps:
        for ident in ids:
            await self._wait()
            self.switched.append((ident, enabled, at_once))
            yield Step(ident, {"success": True, "tagged": True}, self.errors.get(ident, ""))

    async def _wait(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
            self.gate.clear()


class Shaky:
    """A store whose database goes away when a test says so."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self.away = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not self.away:
            return found

        async def gone(*_: Any, **__: Any) -> Any:
            raise StoreError("The store is away.")

        async def nothing(*_: Any, **__: Any) -> AsyncIterator[Account]:
            raise StoreError("The store is away.")
            yield

        return nothing if name == "iterate" else gone


@asynccontextmanager
async def administration(
    data_dir: Path,
    *,
    table: Sequence[Route] = ROUTES,
    settings: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    options: WebOptions = WebOptions(),  # noqa: B008 - frozen
    accounts: Sequence[Account] = (),
) -> AsyncIterator[Admin]:
    """The API over a real store and a real pool that hold these accounts, with upstreams that a test plays."""
    layers = Layers(None, data_dir, {"server.port": 9, **(settings or {})}, environ or {})
    data_dir.mkdir(exist_ok=True)
    if not layers.path.exists():
        layers.path.write_text(f'[app]\napp_key = "{KEY}"\n')
    loaded = layers.survey()
    live, clock, state = Live(loaded.settings), Clock(), State()
    key = AdminKey(live.current, data_dir)
    live.subscribe(key.follow)
    opened = await store_for(live.current.storage.url, data_dir, {})
    store: Any = Shaky(opened)
    await opened.add(accounts)
    writer = WriteBehind(store, lambda ident: pool.get(ident))
    pool = AccountPool(
        await store.load(),
        PoolOptions,
        clock,
        random.Random(1),
        writer.take,
    )
    sync = Sync(store, pool, writer.mark, await store.revision())
    upstream = Upstream(pool)
    parts = Parts(
        configured=Configured(live, layers, loaded, lambda: edit),
        store=store,
        pool=pool,
        tasks=Tasks(clock, counted(width=32)),
        now=clock,
        new_id=counted("acc_", 16),
        flush=writer.flush,
        sync=sync.sync,
        revision=lambda: sync.revision,
        refresh=upstream.refresh,
        switch_nsfw=upstream.switch,
        storage=lambda: StorageReport(
            type="sqlite", healthy=not store.away, since=0, trouble="", waiting=writer.waiting
        ),
        jobs=lambda: [{"name": "a job"}],
        egress=lambda: {"ways": []},
        counters=lambda: {"answers": 3},
        version="1.2.3",
        started_at=clock.now,
        document=lambda: msgspec.json.encode(document(table, "1.2.3")),
    )
    frame = Frame(parts, key, lambda: options, state)
    try:
        yield Admin(Face({}, frame.routes(table), counted("req_")), state, parts, upstream, clock)
    finally:
        store.away = False
        await parts.tasks.close()
        await opened.close()


def account(name: str, tier: Tier = Tier.BASIC, tags: tuple[str, ...] = (), **fields: Any) -> Account:
    """An account whose id and token are made of its name."""
    kind = Kind.API if tier is Tier.API else Kind.WEB
    secret = f"{'xai-' if tier is Tier.API else 'token-of-'}{name}-0123456789"
    made = new_account(f"acc_{name}", secret, kind, tier, fields.pop("created_at", 1.0), tags=tags)
    return msgspec.structs.replace(made, **fields)
