"""A new store and a migrated one are the same."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from grok2api.storage import schema
from grok2api.storage.address import Address, address_of
from grok2api.storage.engine import Database
from grok2api.storage.upgrade import configured, upgrade


def at(path: Path) -> Address:
    return address_of(f"sqlite:///{path}", path.parent)


async def version(path: Path) -> str | None:
    database = Database(at(path))
    try:
        return await schema.look(database)
    finally:
        await database.close()


def shape(path: Path) -> dict[str, object]:
    """Tables, columns, keys and indexes of a file."""
    engine = create_engine(f"sqlite:///{path}")
    look = inspect(engine)
    found = {
        table: (
            [{**column, "type": str(column["type"])} for column in look.get_columns(table)],
            look.get_pk_constraint(table)["constrained_columns"],
            sorted(map(str, look.get_unique_constraints(table))),
            sorted(map(str, look.get_foreign_keys(table))),
            sorted(map(str, look.get_indexes(table))),
        )
        for table in look.get_table_names()
    }
    engine.dispose()
    return found


async def test_D8_replaying_the_migrations_equals_the_schema(tmp_path: Path) -> None:
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    database = Database(at(made))
    await schema.migrate(database, None)
    await database.close()
    await upgrade(at(migrated))
    assert shape(made) == shape(migrated)
    assert await version(made) == await version(migrated) == schema.HEAD


def test_the_list_of_revisions_is_that_of_the_files() -> None:
    scripts = list(ScriptDirectory.from_config(configured()).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == schema.REVISIONS


async def test_an_older_store_is_migrated_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.commit()
    database = Database(at(path))
    await schema.migrate(database, "before the first")
    await database.close()
    assert await version(path) == schema.HEAD
