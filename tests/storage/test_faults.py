"""What an operator reads when the database cannot be used: one line, no password, and what to do."""

import asyncio
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, make_url

from databases import database, server
from grok2api.storage.address import address_of
from grok2api.storage.engine import Database
from grok2api.storage.engines import engine_of
from grok2api.storage.engines.base import Patience
from grok2api.storage.errors import StoreError

SERVERS = ("postgresql", "mariadb")
PASSWORD = "MARKED-hunter2"
SOON = Patience(connect=1, answer=2, lock=1)


def one(connection: Connection) -> object:
    return connection.scalar(text("SELECT 1"))


async def said(url: str, tmp_path: Path) -> str:
    """What a transaction on that database says."""
    opened = Database(address_of(url, tmp_path), SOON)
    try:
        with pytest.raises(StoreError) as error:
            await opened.write(one)
    finally:
        await opened.close()
    words = str(error.value)
    assert "\n" not in words
    assert PASSWORD not in words
    return words


def spelled(url: URL) -> str:
    return url.set(password=PASSWORD).render_as_string(hide_password=False)


@contextmanager
def listener(port: int = 0) -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", port), backlog=8) as silent:
        yield silent.getsockname()[1]


def spoilt(how: str, path: Path) -> None:
    """Use a file as it cannot be used."""
    path.write_bytes(b"this is not a database at all" * 100) if how == "strange" else sqlite3.connect(path).close()
    target = path.parent / "nowhere" / "x.db" if how == "absent" else path
    mode = "ro" if how == "read-only" else "rwc"
    with (
        closing(sqlite3.connect(f"file:{target}?mode={mode}", uri=True, timeout=0)) as connection,
        closing(sqlite3.connect(path)) as other,
    ):
        if how == "locked":
            other.execute("BEGIN EXCLUSIVE")
        connection.execute("PRAGMA max_page_count = 2")
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (zeroblob(100000))")


@pytest.mark.parametrize(
    ("how", "words"),
    [("read-only", "is read-only"), ("full", "the disk is full"), ("strange", "not a database"),
     ("absent", "cannot be opened"), ("locked", "is locked by another process")],
)  # fmt: skip
def test_what_sqlite_says_is_put_into_words(how: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error) as error:
        spoilt(how, tmp_path / "x.db")
    fault = engine_of("sqlite").fault(error.value)
    assert fault is not None
    assert words in fault.advice


@pytest.mark.parametrize("engine", SERVERS)
async def test_a_server_that_is_not_there(engine: str, tmp_path: Path) -> None:
    with listener() as port:
        pass
    words = await said(f"{engine}://u:{PASSWORD}@127.0.0.1:{port}/d", tmp_path)
    assert words.startswith(f"The store {engine}://u@127.0.0.1:{port}/d cannot be reached")


@pytest.mark.parametrize("engine", SERVERS)
async def test_a_host_without_an_address(engine: str, tmp_path: Path) -> None:
    assert "has no address" in await said(f"{engine}://u:{PASSWORD}@nowhere.invalid/d", tmp_path)


@pytest.mark.parametrize("engine", SERVERS)
async def test_D4_a_server_that_is_silent_is_given_up_soon(engine: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    with listener() as port:
        words = await said(f"{engine}://u:{PASSWORD}@127.0.0.1:{port}/d", tmp_path)
    assert "does not answer" in words
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("engine", SERVERS)
async def test_D4_who_waits_while_the_server_is_silent_is_told_with_the_first(engine: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    with listener() as port:
        opened = Database(address_of(f"{engine}://u:{PASSWORD}@127.0.0.1:{port}/d", tmp_path), SOON)
        told = await asyncio.gather(*(opened.write(one) for _ in range(50)), return_exceptions=True)
        await opened.close()
    assert all(isinstance(error, StoreError) for error in told)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("engine", SERVERS)
async def test_a_user_who_is_not_let_in(engine: str, tmp_path: Path) -> None:
    words = await said(spelled(make_url(server(engine)).set(username="grok2api_nobody")), tmp_path)
    assert "refuses this user" in words


@pytest.mark.parametrize("engine", SERVERS)
async def test_a_database_that_is_not_there(engine: str, tmp_path: Path) -> None:
    url = make_url(server(engine)).set(database="grok2api_nothing")
    assert "does not exist: create the database" in await said(url.render_as_string(hide_password=False), tmp_path)


@pytest.mark.parametrize("engine", SERVERS)
async def test_options_that_the_driver_does_not_know(engine: str, tmp_path: Path) -> None:
    assert "its driver does not know" in await said(f"{server(engine)}?nonsense=1", tmp_path)


@pytest.mark.parametrize("engine", SERVERS)
async def test_a_server_without_the_wanted_tls(engine: str, tmp_path: Path) -> None:
    option = {"postgresql": "sslmode=verify-full", "mariadb": "ssl_ca=/nonexistent.pem"}[engine]
    words = await said(f"{server(engine)}?{option}", tmp_path)
    assert "options in storage.url" in words


@pytest.mark.parametrize("engine", SERVERS)
async def test_a_statement_that_takes_too_long_is_given_up(engine: str, tmp_path: Path) -> None:
    sleep = {"postgresql": "SELECT pg_sleep(20)", "mariadb": "SELECT SLEEP(20)"}[engine]
    with database(engine, tmp_path) as url:
        opened = Database(address_of(url, tmp_path), SOON)
        begun = time.monotonic()
        with pytest.raises(StoreError):
            await opened.write(lambda connection: connection.execute(text(sleep)))
        assert time.monotonic() - begun < 5
        assert await opened.write(one) == 1
        await opened.close()


@pytest.mark.parametrize("engine", SERVERS)
async def test_a_lock_that_another_process_holds_is_named(engine: str, tmp_path: Path) -> None:
    with database(engine, tmp_path) as url:
        first, second = (Database(address_of(url, tmp_path), SOON) for _ in range(2))
        await first.write(lambda connection: connection.execute(text("CREATE TABLE t (a INTEGER PRIMARY KEY)")))
        await first.write(lambda connection: connection.execute(text("INSERT INTO t VALUES (1)")))
        held, enough = threading.Event(), threading.Event()

        def hold(connection: Connection) -> None:
            connection.execute(text("SELECT a FROM t WHERE a = 1 FOR UPDATE")).all()
            held.set()
            enough.wait(20)

        holding = asyncio.ensure_future(first.write(hold))
        assert await asyncio.to_thread(held.wait, 10)
        with pytest.raises(StoreError, match="is locked by another process"):
            await second.write(lambda connection: connection.execute(text("UPDATE t SET a = 2 WHERE a = 1")))
        enough.set()
        await holding
        for opened in (first, second):
            await opened.close()
