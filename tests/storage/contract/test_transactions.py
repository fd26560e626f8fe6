"""What a transaction is, whatever the engine."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, update

from databases import execute
from grok2api.storage.address import address_of
from grok2api.storage.engine import Database
from grok2api.storage.errors import RefusedValues, StoreError
from grok2api.storage.opening import open_store
from grok2api.storage.tables import meta


@pytest.fixture
async def database(url: str, tmp_path: Path):
    opened, _ = await open_store(url, tmp_path, {})
    yield opened
    await opened.close()


def put(name: str, value: str):
    return lambda connection: connection.execute(insert(meta).values(name=name, value=value))


def value(name: str):
    return lambda connection: connection.scalar(select(meta.c.value).where(meta.c.name == name))


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    def half(connection: Connection) -> None:
        put("a", "1")(connection)
        raise StoreError("No.")

    with pytest.raises(StoreError, match=r"^No\.$"):
        await database.write(half)
    assert await database.read(value("a")) is None
    await database.write(put("a", "2"))
    assert await database.read(value("a")) == "2"


async def test_a_read_has_one_view_of_everything(database: Database) -> None:
    await database.write(put("a", "before"))
    begun, written = threading.Event(), threading.Event()

    def twice(connection: Connection) -> tuple[str, str]:
        first = value("a")(connection)
        begun.set()
        assert written.wait(10)
        return first, value("a")(connection)

    reading = asyncio.ensure_future(database.read(twice))
    assert await asyncio.to_thread(begun.wait, 10)
    await database.write(lambda connection: connection.execute(update(meta).values(value="after")))
    written.set()
    assert await reading == ("before", "before")
    assert await database.read(value("a")) == "after"


async def test_names_are_compared_to_the_letter(database: Database) -> None:
    for name in ("name", "NAME", "nàme"):
        await database.write(put(name, name))
    assert await database.read(value("NAME")) == "NAME"
    assert await database.read(value("Name")) is None


async def test_a_connection_that_was_closed_is_made_anew(database: Database, engine: str, url: str) -> None:
    await database.write(put("a", "1"))
    assert await database.read(value("a")) == "1"
    sever(engine, url)
    assert await database.read(value("a")) == "1"
    await database.write(put("b", "2"))
    assert await database.read(value("b")) == "2"


def sever(engine: str, url: str) -> None:
    """Close every connection to the database, as a restart of the server does."""
    name = url.rpartition("/")[2]
    if engine == "postgresql":
        execute(engine, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    elif engine == "mariadb":
        execute(
            engine,
            "BEGIN NOT ATOMIC FOR one IN (SELECT id FROM information_schema.processlist WHERE db = "
            f"'{name}') DO EXECUTE IMMEDIATE CONCAT('KILL ', one.id); END FOR; END",
        )


async def test_two_that_stand_in_each_others_way_both_come_through(
    database: Database, url: str, tmp_path: Path
) -> None:
    """Each has the row that the other wants next: the server ends one of them, and it is run again."""
    other = Database(address_of(url, tmp_path))
    for name in "ab":
        await database.write(put(name, "0"))
    met = threading.Barrier(2)
    runs: list[str] = []

    def counting(order: str):
        def work(connection: Connection) -> None:
            runs.append(order)
            for name in order:
                one = meta.c.name == name
                found = connection.scalar(select(meta.c.value).where(one).with_for_update())
                connection.execute(update(meta).where(one).values(value=str(int(found) + 1)))
                if name == order[0] and runs.count(order) == 1:
                    meet(met)

        return work

    try:
        await asyncio.gather(database.write(counting("ab")), other.write(counting("ba")))
    finally:
        await other.close()
    assert [await database.read(value(name)) for name in "ab"] == ["2", "2"]
    assert (len(runs) > 2) is not url.startswith("sqlite")


def meet(barrier: threading.Barrier) -> None:
    """Wait for the other; in vain where writers queue."""
    with suppress(threading.BrokenBarrierError):
        barrier.wait(1)


async def test_what_is_there_already_is_refused_in_the_end(database: Database) -> None:
    """Trying again helps against others who were first, and not when it is the values."""

    def twice(connection: Connection) -> None:
        connection.execute(insert(meta), [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}])

    with pytest.raises(RefusedValues):
        await database.write(twice)
