"""A new store and a migrated one are the same, from every released version on (D8)."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from databases import database as own_database
from grok2api.accounts.model import WHOLE, Kind, Rest, State, new_account
from grok2api.accounts.query import Filter, Status
from grok2api.catalog import Tier
from grok2api.storage import schema, tables
from grok2api.storage.accounts import AccountStore
from grok2api.storage.address import Address, address_of
from grok2api.storage.engine import Database
from grok2api.storage.errors import StoreError
from grok2api.storage.keys import load_key
from grok2api.storage.opening import store_for
from grok2api.storage.secrets import Vault
from grok2api.storage.upgrade import configured, upgrade


def shape(address: Address) -> dict[str, object]:
    """Tables, columns, keys and indexes of a database."""
    engine = sa.create_engine(address.url)
    look = sa.inspect(engine)
    found = {
        table: (
            [{**column, "type": repr(column["type"])} for column in look.get_columns(table)],
            look.get_pk_constraint(table)["constrained_columns"],
            sorted(map(str, look.get_unique_constraints(table))),
            sorted(map(str, look.get_foreign_keys(table))),
            sorted(map(str, look.get_indexes(table))),
            look.get_table_options(table) if engine.dialect.name == "mysql" else {},
        )
        for table in look.get_table_names()
    }
    engine.dispose()
    return found


async def version(address: Address) -> str | None:
    database = Database(address)
    try:
        return await schema.look(database)
    finally:
        await database.close()


async def test_D8_replaying_the_migrations_equals_the_schema(engine: str, url: str, tmp_path: Path) -> None:
    made = address_of(url, tmp_path)
    database = Database(made)
    await schema.migrate(database, await schema.look(database))
    await database.close()
    (tmp_path / "other").mkdir()
    with own_database(engine, tmp_path / "other") as other:
        migrated = address_of(other, tmp_path)
        await upgrade(migrated)
        assert shape(made) == shape(migrated)
        assert await version(made) == await version(migrated) == schema.HEAD


async def test_D8_a_new_store_equals_the_tables(store: AccountStore) -> None:
    engine = sa.create_engine(store.database.address.url)
    with engine.connect() as connection:
        # MariaDB has other names for the sizes of texts.
        context = MigrationContext.configure(connection, opts={"compare_type": engine.dialect.name != "mysql"})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_the_list_of_revisions_is_that_of_the_files() -> None:
    scripts = list(ScriptDirectory.from_config(configured()).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == schema.REVISIONS


def test_every_table_tells_mariadb_what_it_needs() -> None:
    for table in tables.metadata.tables.values():
        assert tables.MYSQL.items() <= {f"mysql_{k}": v for k, v in table.dialect_options["mysql"].items()}.items()


OLD = {
    "kind": "web",
    "health": 0.5,
    "strikes": "[1.5]",
    "use_count": 7,
    "fail_count": 1,
    "last_used_at": 5.0,
    "last_error": "",
    "last_error_at": None,
    "user_id": None,
    "revision": 1,
}


async def test_D8_a_store_of_the_first_version_is_taken_over_whole(url: str, tmp_path: Path) -> None:
    """By the process of its own, as at a start; its URL is no argument of that."""
    address = address_of(url, tmp_path)
    await upgrade(address, "0001")
    vault = Vault(load_key(tmp_path, {}, may_create=True))
    engine = sa.create_engine(address.url)
    with engine.begin() as connection:
        old = sa.MetaData()
        old.reflect(connection)
        for number, (state, tags) in enumerate([("active", ["b", "a ", "b"]), ("disabled", [])]):
            row = {"id": f"acc_{number}", "tier": "basic", "state": state, "state_reason": "Why", **OLD}
            row |= {"fingerprint": vault.fingerprint(f"s{number}"), "sealed": vault.seal(f"s{number}", f"acc_{number}")}
            row |= {"tags": json.dumps(tags), "created_at": float(number)}
            connection.execute(sa.insert(old.tables["accounts"]).values(**row))
        rests = [
            {"account_id": "acc_0", "mode": mode, "until": until, "since": 1.0, "count": 1, "reason": "r"}
            for mode, until in (("fast", 90.0), ("console", 50.0), (WHOLE, 20.0))
        ]
        connection.execute(sa.insert(old.tables["rests"]), rests)
        window = {"account_id": "acc_0", "mode": "fast", "remaining": 1, "total": 2, "window_sec": 3, "source": "real"}
        connection.execute(sa.insert(old.tables["windows"]).values(**window))
    engine.dispose()
    store = await store_for(url, tmp_path, {})
    try:
        first, second = await store.load()
        assert (first.tags, second.tags) == (("b", "a"), ())
        assert first.rests == {"fast": Rest(90.0, 1.0, None, 1, "r"), "console": Rest(50.0, 1.0, None, 1, "r"),
                               WHOLE: Rest(20.0, 1.0, None, 1, "r")}  # fmt: skip
        assert first.windows["fast"].remaining == 1
        assert (first.state, second.state, first.use_count, first.strikes) == (State.ACTIVE, State.DISABLED, 7, (1.5,))
        for which in (Filter(status=Status.COOLING), Filter(text="A"), Filter(tag="a"), Filter(text="why")):
            for now in (10.0, 49.0, 51.0):
                found = [one.id for one in (first, second) if which.matches(one, now)]
                assert await store.match(which, now) == found
        added = await store.add([new_account("acc_9", "s9", Kind.WEB, Tier.BASIC, 9.0)])
        assert len(added.added) == 1
    finally:
        await store.close()


async def test_a_store_whose_making_was_interrupted_is_taken_up_again(url: str, tmp_path: Path) -> None:
    address = address_of(url, tmp_path)
    engine = sa.create_engine(address.url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        tables.metadata.create_all(connection, tables=[tables.meta])
    engine.dispose()
    store = await store_for(url, tmp_path, {})
    await store.close()
    assert await version(address) == schema.HEAD


async def test_a_database_of_others_is_refused_untouched(url: str, tmp_path: Path) -> None:
    address = address_of(url, tmp_path)
    engine = sa.create_engine(address.url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE accounts (a INTEGER)"))
    before = shape(address)
    with pytest.raises(StoreError, match="not a store of grok2api"):
        await store_for(url, tmp_path, {})
    assert shape(address) == before
    assert not (tmp_path / "secret.key").exists()
    engine.dispose()
