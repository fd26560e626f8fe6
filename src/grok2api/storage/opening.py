"""Opening the store: from a URL and a data directory to something that can be used, or one line that says why not."""

import asyncio
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, insert, select

from grok2api.storage import schema, tables
from grok2api.storage.accounts import AccountStore
from grok2api.storage.address import Address, address_of
from grok2api.storage.engine import Database
from grok2api.storage.errors import StoreError
from grok2api.storage.keys import VARIABLE, load_key, pending, promote
from grok2api.storage.secrets import Vault


async def store_for(url: str, data_dir: Path, environ: Mapping[str, str] = os.environ) -> AccountStore:
    """The accounts in the store at `url`; see `open_store`."""
    return AccountStore(*await open_store(url, data_dir, environ))


async def open_store(url: str, data_dir: Path, environ: Mapping[str, str] = os.environ) -> tuple[Database, Vault]:
    """The store at `url`, its schema brought up to date; made when it is not there. Raises `StoreError`.

    An empty `url` means `<data_dir>/grok2api.db`. The key comes from `environ` or from `data_dir`.
    """
    address = address_of(url, data_dir)
    await asyncio.to_thread(_make_directories, address, data_dir)
    database = Database(address)
    try:
        version = await schema.look(database)
        key = await asyncio.to_thread(load_key, data_dir, environ, may_create=version is None)
        if version is None and address.path is not None:
            await asyncio.to_thread(_touch, address.path)
        await schema.migrate(database, version)
        vault = await _vault(database, key, data_dir, environ)
    except BaseException:
        await database.close()
        raise
    return database, vault


def _make_directories(address: Address, data_dir: Path) -> None:
    """The directories of the key and of the file. Blocks."""
    for directory in {data_dir} | ({address.path.parent} if address.path is not None else set()):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The directory {directory} cannot be made: {error.strerror}.") from None
        if not os.access(directory, os.W_OK | os.X_OK):
            raise StoreError(f"The directory {directory} is not writable for this user; change that, or --data-dir.")


def _touch(path: Path) -> None:
    """Make the file before SQLite does, so that nobody else can ever read it."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"The store {path} cannot be made: {error.strerror}.") from None


async def _vault(database: Database, key: bytes, data_dir: Path, environ: Mapping[str, str]) -> Vault:
    """The vault of the store's key. A key that is not this store's is refused before anything is sealed with it."""
    vault = Vault(key)
    if await _fits(database, vault):
        return vault
    fresh = None if environ.get(VARIABLE) else await asyncio.to_thread(pending, data_dir)
    if fresh is not None and await _fits(database, Vault(fresh)):
        # The store was sealed with it, and then the change of keys was interrupted.
        await asyncio.to_thread(promote, data_dir)
        return Vault(fresh)
    name = database.address.name
    raise StoreError(f"The key does not fit the store {name}: restore its secret.key, or set {VARIABLE} as it was.")


async def _fits(database: Database, vault: Vault) -> bool:
    """Whether the store is sealed with this key; one that is sealed with none yet is from now on."""
    known = await database.read(_known_check)
    if known is None:
        known = await database.write(
            lambda connection: _known_check(connection) or _keep_check(connection, vault.check)
        )
    return hmac.compare_digest(known, vault.check)


async def key_fits(database: Database, vault: Vault) -> bool:
    """Whether the key is this store's, or its first one. Only asks. Raises `StoreError`."""
    known = await database.read(_known_check)
    return known is None or hmac.compare_digest(known, vault.check)


def _known_check(connection: Connection) -> str | None:
    return connection.scalar(select(tables.meta.c.value).where(tables.meta.c.name == "key_check"))


def _keep_check(connection: Connection, check: str) -> str:
    connection.execute(insert(tables.meta).values(name="key_check", value=check))
    return check
