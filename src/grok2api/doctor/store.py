"""The store: is it there, of which schema, does the key fit, does it answer, is it whole?

Looks only: no store is made, none is migrated, and nothing is written to the one that is there.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, text

from grok2api.doctor.findings import Finding, fail, good, note, warn
from grok2api.storage import schema
from grok2api.storage.accounts import AccountStore
from grok2api.storage.address import Address, address_of
from grok2api.storage.engine import Database
from grok2api.storage.engines import engine_of
from grok2api.storage.errors import StoreError
from grok2api.storage.keys import PENDING_NAME, VARIABLE, load_key, pending
from grok2api.storage.opening import key_fits
from grok2api.storage.secrets import Vault

SUBJECT = "store"
#: An answer that takes longer makes every change slow; serving goes on from memory.
_SLOW_SEC = 0.25
#: A gateway writes for a moment only; who keeps others out longer than this is somebody else.
_BUSY_SEC = 3.0
#: What a file begins with, and what its header says of its journal: that it is the one that the store uses.
_SQLITE = b"SQLite format 3\x00"
_WAL = b"\x02\x02"
_PAGE = "docs/databases.md tells more"


async def examine(
    stack: AsyncExitStack, url: str, data_dir: Path, environ: Mapping[str, str]
) -> tuple[list[Finding], AccountStore | None]:
    """What was found, and the store if its accounts can be read; `stack` closes it."""
    findings: list[Finding] = []
    try:
        address = address_of(url, data_dir)
        file = None
        if address.path is not None:
            if not await asyncio.to_thread(_there, address.path, findings):
                return findings, None
            file = await asyncio.to_thread(_held, address, address.path)
            stack.callback(file.close)
        database = Database(address)
        stack.push_async_callback(database.close)
        if not await _version(database, findings):
            return findings, None
        if file is not None and not await asyncio.to_thread(_whole, file, address, findings):
            return findings, None
        await _answers(database, findings)
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
    with path.open("rb") as file:
        header = file.read(20)
    if header.startswith(_SQLITE) and header[18:20] != _WAL:
        findings.append(note(SUBJECT, f"{path} has another journal than ours", "the next start sets it right"))
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


async def _answers(database: Database, findings: list[Finding]) -> None:
    """How fast it answers. Raises `StoreError`."""
    times = [time.perf_counter()]
    for _ in range(2):
        await database.read(_ask)
        times.append(time.perf_counter())
    began, connected, answered = times
    took, connecting = answered - connected, connected - began
    address = database.address
    seen = f"{address.engine} at {address.name} answers in {1000 * took:.1f} ms ({1000 * connecting:.1f} ms to connect)"
    slow = warn(SUBJECT, seen, "put the database nearer, or see what keeps it busy")
    findings.append(slow if took > _SLOW_SEC else good(SUBJECT, seen))


def _ask(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))


def _held(address: Address, path: Path) -> sqlite3.Connection:
    """The file, held open: who closes it last takes the journal away again, which read-only ones cannot. Blocks.

    Raises `StoreError`.
    """
    uri = f"file:{quote(str(path))}?mode=rw"
    with _explained(address):
        file = sqlite3.connect(uri, uri=True, timeout=_BUSY_SEC, isolation_level=None, check_same_thread=False)
        try:
            file.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            file.close()
            raise
    return file


def _whole(file: sqlite3.Connection, address: Address, findings: list[Finding]) -> bool:
    """Whether the file is whole, and whether a writer could have it now. Blocks. Raises `StoreError`."""
    subject = "store file"
    with _explained(address):
        (said,) = file.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            mend = f"stop the gateway and restore a backup, or: sqlite3 {address.path} .recover | sqlite3 NEW"
            findings.append(fail(subject, f"{address.path} is damaged", mend))
            return False
        file.execute("BEGIN IMMEDIATE")
        file.execute("ROLLBACK")
    findings.append(good(subject, f"{address.path} is whole and nobody keeps it locked"))
    return True


@contextmanager
def _explained(address: Address) -> Iterator[None]:
    """SQLite's errors as `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        fault = engine_of(address.engine).fault(error)
        raise StoreError(f"The store {address.name} {fault.advice if fault else 'cannot be read'}.") from None


async def _opened(
    database: Database, data_dir: Path, environ: Mapping[str, str], findings: list[Finding]
) -> AccountStore | None:
    """The store with its key, if it fits. Raises `StoreError`."""
    vault = Vault(await asyncio.to_thread(load_key, data_dir, environ, may_create=False))
    if await key_fits(database, vault):
        findings.append(good("store key", "fits the store"))
        return AccountStore(database, vault)
    fresh = None if environ.get(VARIABLE) else await asyncio.to_thread(pending, data_dir)
    if fresh is not None and await key_fits(database, Vault(fresh)):
        seen = f"a change of keys was interrupted: {PENDING_NAME} fits"
        findings.append(note("store key", seen, "nothing to do; the next start ends it"))
        return AccountStore(database, Vault(fresh))
    mend = f"restore its secret.key, or set {VARIABLE} as it was"
    findings.append(fail("store key", f"the key does not fit {database.address.name}", mend))
    return None
