"""The store: is it there, of which schema, does the key fit, does it answer, is it whole?

Looks only: no store is made, none is migrated, and nothing is written to the one that is there.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, text

from grok2api.doctor.findings import Finding, Grade, fail, good, note, warn
from grok2api.storage import schema
from grok2api.storage.accounts import AccountStore
from grok2api.storage.address import Address, address_of
from grok2api.storage.engine import Database
from grok2api.storage.engines import engine_of
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import key_fits
from grok2api.storage.secrets import VARIABLE, Vault, load_key

SUBJECT = "store"
#: An answer that takes longer makes every change slow; serving goes on from memory.
_SLOW_SEC = 0.25
#: A gateway writes for a moment only; who keeps others out longer than this is somebody else.
_BUSY_SEC = 3.0
#: What the header of a file says of its journal: that it is the one that the store uses.
_WAL = b"\x02\x02"
_PAGE = "docs/databases.md tells more"


async def examine(
    stack: AsyncExitStack, url: str, data_dir: Path, environ: Mapping[str, str]
) -> tuple[list[Finding], AccountStore | None]:
    """What was found, and the store if its accounts can be read; `stack` closes it."""
    findings: list[Finding] = []
    try:
        address = address_of(url, data_dir)
        if address.path is not None and not await asyncio.to_thread(_there, address.path, findings):
            return findings, None
        database = Database(address)
        stack.push_async_callback(database.close)
        if not await _version(database, findings):
            return findings, None
        if not await _sound(database, findings):
            return findings, None
        return findings, await _opened(database, data_dir, environ, findings)
    except StoreError as error:
        return [*findings, told(str(error))], None


def told(message: str, subject: str = SUBJECT) -> Finding:
    """The finding for an error of the store, whose one line says what is wrong and then what to do."""
    for mark in ("; ", ": "):
        seen, found, mend = message.partition(mark)
        if found:
            return fail(subject, seen, mend.removesuffix("."))
    return fail(subject, message.removesuffix("."), _PAGE)


def _there(path: Path, findings: list[Finding]) -> bool:
    """Whether the file is a store that can be opened without changing it. Blocks."""
    if not path.exists() or path.stat().st_size == 0:
        findings.append(note(SUBJECT, f"{path} is not there yet", "the first start makes it; or mend storage.url"))
        return False
    if not os.access(path, os.R_OK | os.W_OK):
        findings.append(fail(SUBJECT, f"{path} cannot be read and written by this user", f"chown $(id -un) {path}"))
        return False
    if not os.access(path.parent, os.W_OK | os.X_OK):
        mend = f"chown $(id -un) {path.parent}: SQLite keeps its journal beside the file"
        findings.append(fail(SUBJECT, f"the directory {path.parent} cannot be written to", mend))
        return False
    return True


async def _version(database: Database, findings: list[Finding]) -> bool:
    """Whether the schema is the newest. Raises `StoreError`."""
    name = database.address.name
    version = await schema.look(database)
    if version == schema.HEAD:
        findings.append(good("schema", f"{version}, the newest"))
        return True
    if version is None:
        findings.append(note(SUBJECT, f"{name} is empty", "the first start makes the tables"))
    else:
        pending = len(schema.REVISIONS) - 1 - schema.REVISIONS.index(version)
        seen = f"{version}; {pending} migration{'s'[: pending > 1]} to {schema.HEAD} pending"
        findings.append(note("schema", seen, "make a backup; the next start or `accounts` verb migrates it"))
    return False


async def _sound(database: Database, findings: list[Finding]) -> bool:
    """Whether it can be read on: a file has to be whole and free. Says how fast it answers. Raises `StoreError`."""
    address = database.address
    if address.path is not None:
        found = await asyncio.to_thread(_of_file, address, address.path)
        findings.append(found)
        if found.grade is not Grade.GOOD:
            return False
    began = time.perf_counter()
    await database.read(_ask)
    took = time.perf_counter() - began
    began = time.perf_counter()
    await database.read(_ask)
    again = time.perf_counter() - began
    seen = f"{address.engine} at {address.name} answers in {1000 * again:.1f} ms ({1000 * took:.1f} ms to connect)"
    slow = warn(SUBJECT, seen, "put the database nearer, or see what keeps it busy")
    findings.append(slow if again > _SLOW_SEC else good(SUBJECT, seen))
    return True


def _ask(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


def _of_file(address: Address, path: Path) -> Finding:
    """Whether the file is whole, and whether a writer could have it now. Blocks. Raises `StoreError`."""
    with path.open("rb") as file:
        header = file.read(20)
    if header[18:20] != _WAL:
        return note(SUBJECT, f"{path} has another journal than ours", "nothing to do; the next start sets it right")
    uri = f"file:{quote(str(path))}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SEC, isolation_level=None)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                mend = f"stop the gateway and restore a backup, or: sqlite3 {path} .recover | sqlite3 NEW"
                return fail("store file", f"{path} is damaged", mend)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        fault = engine_of(address.engine).fault(error)
        raise StoreError(f"The store {address.name} {fault.advice if fault else 'cannot be read'}.") from None
    return good("store file", f"{path} is whole and nobody keeps it locked")


async def _opened(
    database: Database, data_dir: Path, environ: Mapping[str, str], findings: list[Finding]
) -> AccountStore | None:
    """The store with its key, if it fits. Raises `StoreError`."""
    vault = Vault(await asyncio.to_thread(load_key, data_dir, environ, may_create=False))
    if not await key_fits(database, vault):
        findings.append(
            fail(
                "store key",
                f"the key does not fit {database.address.name}",
                f"restore its secret.key, or set {VARIABLE} as it was",
            )
        )
        return None
    findings.append(good("store key", "fits the store"))
    return AccountStore(database, vault)
