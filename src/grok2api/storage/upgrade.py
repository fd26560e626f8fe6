"""Migrating an older store to the newest schema: `python -m grok2api.storage.upgrade PATH`.

Run by `schema` in a process of its own. The steps run in one transaction: all or nothing.
"""

import asyncio
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from grok2api.storage.engine import Database
from grok2api.storage.errors import StoreError

_SCRIPTS = Path(__file__).parent / "migrations"


def configured(connection: Connection | None = None) -> Config:
    """Alembic's configuration for our steps, on this connection."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def upgrade(path: Path) -> None:
    """Bring the file at `path` to the newest schema. Raises `StoreError`."""
    database = Database(path)
    try:
        await database.write(lambda connection: command.upgrade(configured(connection), "head"))
    finally:
        await database.close()


def main() -> None:
    """The command. What went wrong is the last line on the standard error stream."""
    try:
        asyncio.run(upgrade(Path(sys.argv[1])))
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
