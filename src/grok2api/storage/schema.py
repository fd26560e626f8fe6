"""The schema's version: what a database is, and bringing it up to date.

A database is looked at before anything is written to it: a store that a newer version wrote, and a database that is
none of ours, are refused untouched. A new store is made from the tables at once; an older one is migrated by Alembic
in a process of its own (`upgrade`), so that a gateway that has nothing to migrate does not carry the migration tool
in its memory and start-up time. That the two ways agree is a test (D8).
"""

import asyncio
import sqlite3
import sys
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import sqlalchemy
from sqlalchemy import Connection, insert, text

from grok2api.storage.address import Address
from grok2api.storage.engine import Database
from grok2api.storage.engines import engine_of
from grok2api.storage.errors import StoreError
from grok2api.storage.tables import meta, metadata

#: Every released schema, oldest first; one file in `migrations/versions` each.
REVISIONS = ("0001", "0002", "0003", "0004")
HEAD = REVISIONS[-1]

_VERSION = "SELECT version_num FROM alembic_version"


async def look(database: Database) -> str | None:
    """The schema version of the database, None when there is nothing in it yet. Raises `StoreError`."""
    address = database.address
    if address.path is not None:
        names, version = await asyncio.to_thread(_look_at_file, address, address.path)
    else:
        names, version = await database.read(_look)
    if names and "alembic_version" not in names:
        raise StoreError(f"{address.name} is a database, but not a store of grok2api; nothing was changed in it.")
    if version is not None and version not in REVISIONS:
        raise StoreError(
            f"The store {address.name} was written by a newer version of grok2api (schema {version}); "
            "nothing was changed in it. Update grok2api, or use another database."
        )
    return version


def _look(connection: Connection) -> tuple[Collection[str], str | None]:
    """The names of the tables, and the version that is written there."""
    names = sqlalchemy.inspect(connection).get_table_names()
    return names, connection.scalar(text(_VERSION)) if "alembic_version" in names else None


def _look_at_file(address: Address, path: Path) -> tuple[Collection[str], str | None]:
    """The same of a file, read-only: not even the journal's mode is changed. Blocks."""
    if not path.exists() or path.stat().st_size == 0:
        return (), None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=15)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            row = connection.execute(_VERSION).fetchone() if "alembic_version" in names else None
    except sqlite3.Error as error:
        fault = engine_of("sqlite").fault(error)
        raise StoreError(f"The store {address.name} {fault.advice if fault else 'cannot be read'}.") from None
    return names, None if row is None else str(row[0])


async def migrate(database: Database, version: str | None) -> None:
    """Bring the database from `version` to the newest schema. Raises `StoreError`."""
    if version == HEAD:
        return
    if version is None:
        await database.write(lambda connection: _create(database, connection))
        return
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "grok2api.storage.upgrade",
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    # Not as an argument: the URL may hold a password, and everybody can read the arguments of a process.
    _, said = await child.communicate(database.address.given.encode())
    if child.returncode:
        reason = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise StoreError(f"The store {database.address.name} could not be brought up to date: {reason}")


def _create(database: Database, connection: Connection) -> None:
    """Make the tables; the version is written last, so that what was interrupted is taken up again."""
    with database.alone(connection):
        connection.execute(
            text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        )
        if connection.scalar(text(_VERSION)) is None:
            metadata.create_all(connection)
            connection.execute(insert(meta).values(name="revision", value="0"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": HEAD})
