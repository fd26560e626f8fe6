import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from grok2api.storage import tables
from grok2api.storage.address import address_of
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import store_for

PHRASE = {"GROK2API_SECRET_KEY": "a phrase of many characters"}


async def opened(tmp_path: Path, environ: dict[str, str] | None = None) -> None:
    store = await store_for("", tmp_path, environ or {})
    await store.close()


async def refusal(tmp_path: Path, url: str = "", environ: dict[str, str] | None = None) -> str:
    with pytest.raises(StoreError) as error:
        await store_for(url, tmp_path, environ or {})
    assert "\n" not in str(error.value)
    return str(error.value)


async def test_D8_replayed_migrations_equal_the_tables(tmp_path: Path) -> None:
    await opened(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'grok2api.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


async def test_files_belong_to_the_operator_alone(tmp_path: Path) -> None:
    await opened(tmp_path / "deep" / "data")
    for path in [tmp_path / "deep" / "data", *(tmp_path / "deep" / "data").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


async def test_a_store_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    await opened(tmp_path)
    path = tmp_path / "grok2api.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    assert "newer version" in await refusal(tmp_path)
    assert path.read_bytes() == before


async def test_a_database_that_is_not_ours_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "grok2api.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE theirs (a)")
    before = path.read_bytes()
    assert "not a store of grok2api" in await refusal(tmp_path)
    assert path.read_bytes() == before
    assert not (tmp_path / "secret.key").exists()


async def test_a_damaged_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "grok2api.db").write_bytes(b"this is not a database at all" * 100)
    said = await refusal(tmp_path)
    assert "damaged" in said
    assert str(tmp_path / "grok2api.db") in said


async def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in await refusal(tmp_path / "file")


def unwritable(directory: Path) -> Path:
    """A directory in which this user can make nothing; root can write nearly everywhere, but not there."""
    if os.geteuid() == 0:
        return Path("/proc/self/grok2api")
    directory.chmod(0o500)
    return directory


async def test_a_directory_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    directory = unwritable(tmp_path)
    assert str(directory) in await refusal(directory)


async def test_a_lost_key_is_said_and_no_new_one_is_made(tmp_path: Path) -> None:
    await opened(tmp_path)
    (tmp_path / "secret.key").unlink()
    assert "secret.key is missing" in await refusal(tmp_path)
    assert not (tmp_path / "secret.key").exists()


async def test_a_wrong_key_is_refused(tmp_path: Path) -> None:
    await opened(tmp_path)
    assert "does not fit" in await refusal(tmp_path, environ=PHRASE)
    (tmp_path / "secret.key").write_text("00" * 32)
    assert "does not fit" in await refusal(tmp_path)
    (tmp_path / "secret.key").write_text("nonsense")
    assert "does not hold a key" in await refusal(tmp_path)


async def test_the_environment_may_hold_the_key(tmp_path: Path) -> None:
    await opened(tmp_path, PHRASE)
    assert not (tmp_path / "secret.key").exists()
    await opened(tmp_path, PHRASE)
    assert "shorter than" in await refusal(tmp_path, environ={"GROK2API_SECRET_KEY": "short"})


@pytest.mark.parametrize(
    "url", ["oracle://u:hunter2@h/d", "mysql://u:hunter2@h", "sqlite://", "sqlite:///:memory:", "?"]
)
async def test_other_urls_are_refused_in_words_without_passwords(tmp_path: Path, url: str) -> None:
    said = await refusal(tmp_path, url)
    assert "storage.url" in said
    assert "hunter2" not in said


def test_the_url_says_which_database(tmp_path: Path) -> None:
    assert address_of("", tmp_path).path == tmp_path / "grok2api.db"
    assert address_of("sqlite:////var/x.db", tmp_path).path == Path("/var/x.db")
    assert address_of("sqlite:///x.db", tmp_path).path == Path("x.db")
    for url in ("postgresql://u:hunter2@h:5433/d?sslmode=require", "mysql://u:hunter2@h/d", "mariadb://u:hunter2@h/d"):
        address = address_of(url, tmp_path)
        assert address.path is None
        assert address.name == url.replace(":hunter2", "").partition("?")[0]
        assert "hunter2" not in repr(address)
        assert address_of(address.given, tmp_path) == address
