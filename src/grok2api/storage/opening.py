"""Opening the store: from a URL and a data directory to something that can be used, or one line that says why not."""

import asyncio
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from grok2api.storage import tables
from grok2api.storage.accounts import AccountStore
from grok2api.storage.engine import Database
from grok2api.storage.errors import StoreError
from grok2api.storage.schema import inspect, migrate
from grok2api.storage.secrets import VARIABLE, Vault, load_key

DEFAULT_NAME = "grok2api.db"


async def store_for(url: str, data_dir: Path, environ: Mapping[str, str] = os.environ) -> AccountStore:
    """The store at `url`, its schema brought up to date; made when it is not there. Raises `StoreError`.

    An empty `url` means `<data_dir>/grok2api.db`. The key comes from `environ` or from `data_dir`.
    """
    path = sqlite_path(url, data_dir)
    version, key = await asyncio.to_thread(_prepare, path, data_dir, environ)
    database, vault = Database(path), Vault(key)
    try:
        await migrate(database, version)
        await _check_key(database, vault)
    except BaseException:
        await database.close()
        raise
    return AccountStore(database, vault)


def sqlite_path(url: str, data_dir: Path) -> Path:
    """The file that a store URL means. Raises `StoreError` for what this version cannot open."""
    if not url:
        return data_dir / DEFAULT_NAME
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("storage.url is not a URL; it looks like sqlite:///path/to/grok2api.db.") from None
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"storage.url names {parsed.drivername}; this version stores in SQLite only (sqlite:///…).")
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError("storage.url must name a file, as in sqlite:///path/to/grok2api.db.")
    return Path(parsed.database)


def _prepare(path: Path, data_dir: Path, environ: Mapping[str, str]) -> tuple[str | None, bytes]:
    """Directories, the schema version and the key. Blocks."""
    for directory in {path.parent, data_dir}:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The directory {directory} cannot be made: {error.strerror}.") from None
        if not os.access(directory, os.W_OK | os.X_OK):
            raise StoreError(f"The directory {directory} is not writable for this user; change that, or --data-dir.")
    version = inspect(path)
    key = load_key(data_dir, environ, may_create=version is None)
    if version is None:
        _touch(path)
    return version, key


def _touch(path: Path) -> None:
    """Make the file before SQLite does, so that nobody else can ever read it."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"The store {path} cannot be made: {error.strerror}.") from None


async def _check_key(database: Database, vault: Vault) -> None:
    """Refuse a key that is not this store's, before anything is sealed with it."""
    mine = vault.fingerprint("key check")
    known = await database.read(_known_check)
    if known is None:
        known = await database.write(lambda connection: _known_check(connection) or _keep_check(connection, mine))
    if not hmac.compare_digest(known, mine):
        raise StoreError(
            f"The key does not fit the store {database.path}: restore its secret.key, or set {VARIABLE} as it was."
        )


def _known_check(connection: Connection) -> str | None:
    return connection.scalar(select(tables.meta.c.value).where(tables.meta.c.name == "key_check"))


def _keep_check(connection: Connection, check: str) -> str:
    connection.execute(insert(tables.meta).values(name="key_check", value=check))
    return check
