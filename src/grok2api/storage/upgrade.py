"""Migrating an older store to the newest schema: `python -m grok2api.storage.upgrade`, its URL on the standard input.

Run by `schema` in a process of its own. Where the database can undo changes of the schema (SQLite, PostgreSQL), the
steps are one transaction: all or nothing.
"""

import asyncio
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from grok2api.storage.address import Address, address_of
from grok2api.storage.engine import Database
from grok2api.storage.engines.base import Patience
from grok2api.storage.errors import StoreError

_SCRIPTS = Path(__file__).parent / "migrations"


def configured(connection: Connection | None = None) -> Config:
    """Alembic's configuration for our steps, on this connection."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def upgrade(address: Address, to: str = "head") -> None:
    """Bring the database to schema `to`, the newest by default. Raises `StoreError`."""
    database = Database(address, Patience(answer=None, lock=15))

    def steps(connection: Connection) -> None:
        with database.alone(connection):
            command.upgrade(configured(connection), to)

    try:
        await database.write(steps)
    finally:
        await database.close()


def main() -> None:
    """The command. What went wrong is the last line on the standard error stream."""
    try:
        asyncio.run(upgrade(address_of(sys.stdin.read(), Path())))
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
