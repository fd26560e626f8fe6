"""Very many accounts, as their administrator meets them: taken in by one call, listed, and there after a start.

Each engine that is found gets a database of its own, dropped afterwards: SQLite always, PostgreSQL and MariaDB when
`--postgresql` and `--mariadb` name a server. The upstream is a closed port, so that nobody is asked about anything.
Times are the client's on loopback, of one request at a time; the longest wait of `/health` while the import runs is
what a stream would have waited.
"""

import asyncio
import json
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import aiohttp
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bench.processes import GATEWAY, Program
from bench.stats import shown, table

_DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql", "mysql": "mysql+pymysql"}
_PORT = 18473
_ROUNDS = 15

#: What is asked for, and how: fifty rows of very many.
LISTS = (
    ("first page", "page=1&page_size=50"),
    ("page 1,000", "page=1000&page_size=50"),
    ("of one pool", "page=1&page_size=50&pool=super"),
    ("that are active", "page=1&page_size=50&status=active"),
    ("with a tag", "page=1&page_size=50&tag=tag-7"),
    ("with a piece of text", "page=1&page_size=50&q=tag-7"),
    ("by use, most first", "page=1&page_size=50&sort=use_count&order=desc"),
)


class Gateway(NamedTuple):
    """A running gateway, and a client that holds its admin key."""

    program: Program
    http: aiohttp.ClientSession


async def administration(count: int, servers: dict[str, str]) -> str:
    """The tables, in Markdown. Raises `CannotStart`."""
    columns: dict[str, dict[str, str]] = {}
    for engine in ("sqlite", *servers):
        with tempfile.TemporaryDirectory() as name, _database(engine, servers.get(engine, ""), Path(name)) as url:
            columns[engine] = await _measured(Path(name), url, count)
    names = list(next(iter(columns.values())))
    return table(("", *columns), ([name, *(column[name] for column in columns.values())] for name in names))


async def _measured(folder: Path, url: str, count: int) -> dict[str, str]:
    figures: dict[str, str] = {}
    async with _running(folder, url) as gateway:
        idle = gateway.program.memory()
        async with _watched(gateway) as waits:
            begun = time.perf_counter()
            await _import(gateway, count)
            figures[f"import of {count:,} in one call (s)"] = shown(time.perf_counter() - begun)
        figures["longest wait of /health meanwhile (ms)"] = shown(1000 * max(waits))
        figures["memory before (MB)"] = shown(idle)
        figures["most memory meanwhile (MB)"] = shown(_peak(gateway.program.pid))
        begun = time.perf_counter()
        totals = await _import(gateway, count)
        assert totals.get("add", 0) == 0
        figures["the same file once more (s)"] = shown(time.perf_counter() - begun)
        for name, query in LISTS:
            figures[f"{name} (ms): median, longest"] = await _times(gateway, f"/admin/api/tokens?{query}")
        figures["status (ms): median, longest"] = await _times(gateway, "/admin/api/status")
    async with _running(folder, url) as gateway:
        figures["start to first 200 (s)"] = shown(gateway.program.started)
        figures["memory after a start (MB)"] = shown(gateway.program.memory())
    return figures


async def _import(gateway: Gateway, count: int) -> dict[str, int]:
    lines = (
        json.dumps({"token": f"bench-session-{number:09d}-0123456789", "pool": "super", "tags": [f"tag-{number % 20}"]})
        for number in range(count)
    )
    async with gateway.http.post("/admin/api/tokens/import", data="\n".join(lines)) as answer:
        answer.raise_for_status()
        totals: dict[str, int] = (await answer.json())["totals"]
        return totals


async def _times(gateway: Gateway, path: str) -> str:
    taken: list[float] = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        async with gateway.http.get(path) as answer:
            answer.raise_for_status()
            await answer.read()
        taken.append(1000 * (time.perf_counter() - begun))
    taken.sort()
    return f"{shown(taken[len(taken) // 2])}, {shown(taken[-1])}"


@asynccontextmanager
async def _watched(gateway: Gateway) -> AsyncIterator[list[float]]:
    """How long `/health` took, asked again and again until the context ends."""
    waits: list[float] = [0.0]

    async def watch() -> None:
        while True:
            begun = time.perf_counter()
            async with gateway.http.get("/health") as answer:
                await answer.read()
            waits.append(time.perf_counter() - begun)
            await asyncio.sleep(0.005)

    watching = asyncio.ensure_future(watch())
    try:
        yield waits
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _peak(pid: int) -> float:
    """The most memory that the process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


@asynccontextmanager
async def _running(folder: Path, url: str) -> AsyncIterator[Gateway]:
    data, key = folder / "data", "bench-admin-key-0123456789"
    data.mkdir(exist_ok=True)
    closed = "http://127.0.0.1:9"
    environment = {
        "GROK2API_APP__APP_KEY": key,
        "GROK2API_STORAGE__URL": url,
        "GROK2API_SERVER__HOST": "127.0.0.1",
        "GROK2API_SERVER__PORT": str(_PORT),
        "GROK2API_UPSTREAM__WEB__BASE_URL": closed,
        "GROK2API_UPSTREAM__CONSOLE__BASE_URL": closed,
    }
    program = await Program("gateway", _PORT, key, folder).start(
        [*GATEWAY, "serve", "--data-dir", str(data)], "/health", environment
    )
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{_PORT}", headers=headers) as http:
            yield Gateway(program, http)
    finally:
        program.stop()


@contextmanager
def _database(engine: str, server: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database, which is gone afterwards."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'bench.db'}"
        return
    url, name = make_url(server), f"grok2api_bench_{secrets.token_hex(4)}"
    with create_engine(url.set(drivername=_DRIVERS[engine]), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(text(f"DROP DATABASE {name}"))
