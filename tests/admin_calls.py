"""Calls of the admin API without a network, and the parts that it is given in tests.

async with administration(tmp_path) as admin:
    status, body = await admin.get("/verify")
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from grok2api.admin.access import AdminKey
from grok2api.admin.frame import Frame
from grok2api.admin.openapi import document
from grok2api.admin.parts import Parts
from grok2api.admin.route import BASE, Route
from grok2api.admin.table import ROUTES
from grok2api.admin.tasks import Tasks
from grok2api.config import edit
from grok2api.config.configured import Configured
from grok2api.config.live import Live
from grok2api.config.load import Layers
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

    def __init__(self, face: Face, state: State, parts: Parts, key: AdminKey) -> None:
        self.face = face
        self.state = state
        self.parts = parts
        self.key = key

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


def counted(prefix: str = "") -> Callable[..., str]:
    """Ids that count."""
    numbers = itertools.count(1)
    return lambda before="": f"{before or prefix}{next(numbers)}"


@asynccontextmanager
async def administration(
    data_dir: Path,
    *,
    table: Sequence[Route] = ROUTES,
    settings: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    options: WebOptions = WebOptions(),  # noqa: B008 - frozen
    **parts: Any,
) -> AsyncIterator[Admin]:
    """The API with these parts; the others are missing."""
    layers = Layers(None, data_dir, {"server.port": 9, **(settings or {})}, environ or {})
    if not layers.path.exists():
        layers.path.write_text(f'[app]\napp_key = "{KEY}"\n')
    loaded = layers.survey()
    live = Live(loaded.settings)
    key = AdminKey(live.current, data_dir)
    live.subscribe(key.follow)
    clock = parts.pop("now", Clock())
    tasks = Tasks(clock, counted("task"))
    made = Parts(
        configured=Configured(live, layers, loaded, lambda: edit),
        tasks=tasks,
        now=clock,
        version="1.2.3",
        started_at=clock.now,
        document=lambda: msgspec.json.encode(document(table, "1.2.3")),
        **parts,
    )
    state = State()
    frame = Frame(made, key, lambda: options, state)
    try:
        yield Admin(Face({}, frame.routes(table), counted("req_")), state, made, key)
    finally:
        await tasks.close()
