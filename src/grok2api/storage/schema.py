"""The schema's version: what a database file is, and bringing it up to date.

A file is looked at, read-only, before anything is written to it: a store that a newer version wrote, and a
database that is none of ours, are refused untouched. Migrations run in one transaction: all or nothing.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from grok2api.storage.engine import Database, explained
from grok2api.storage.errors import StoreError

_SCRIPTS = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


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
    if version is not None and version not in _known():
        raise StoreError(
            f"The store {path} was written by a newer version of grok2api (schema {version}); "
            "nothing was changed in it. Update grok2api, or use another data directory."
        )
    return version


def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


async def migrate(database: Database, version: str | None) -> None:
    """Bring the database from `version` to the newest schema. Raises `StoreError`."""
    if version == ScriptDirectory.from_config(_config()).get_current_head():
        return
    await database.write(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
