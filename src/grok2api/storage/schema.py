"""The schema's version: what a database file is, and bringing it up to date.

A file is looked at, read-only, before anything is written to it: a store that a newer version wrote, and a
database that is none of ours, are refused untouched. A new store is made from the tables at once; an older one is
migrated by Alembic in a process of its own (`upgrade`), so that a gateway that has nothing to migrate does not
carry the migration tool in its memory and start-up time. That the two ways agree is a test (D8).
"""

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, insert, text

from grok2api.storage.engine import Database, explained
from grok2api.storage.errors import StoreError
from grok2api.storage.tables import meta, metadata

#: Every released schema, oldest first; one file in `migrations/versions` each.
REVISIONS = ("0001",)
HEAD = REVISIONS[-1]


def inspect(path: Path) -> str | None:
    """The schema version of the file, None when there is nothing in it yet. Raises `StoreError`. Blocks."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=15)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not names:
                return None
            if "alembic_version" not in names:
                raise StoreError(f"{path} is a database, but not a store of grok2api; nothing was changed in it.")
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise explained(path, error) from None
    version = None if row is None else str(row[0])
    if version is not None and version not in REVISIONS:
        raise StoreError(
            f"The store {path} was written by a newer version of grok2api (schema {version}); "
            "nothing was changed in it. Update grok2api, or use another data directory."
        )
    return version


async def migrate(database: Database, version: str | None) -> None:
    """Bring the database from `version` to the newest schema. Raises `StoreError`."""
    if version == HEAD:
        return
    if version is None:
        await database.write(_create)
        return
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "grok2api.storage.upgrade", str(database.path), stderr=asyncio.subprocess.PIPE
    )
    _, said = await child.communicate()
    if child.returncode:
        reason = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise StoreError(f"The store {database.path} could not be brought up to date; it is unchanged: {reason}")


def _create(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    )
    if connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 0:
        connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": HEAD})
        connection.execute(insert(meta).values(name="revision", value="0"))
