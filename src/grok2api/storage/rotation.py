"""Changing the store's key: every credential is sealed anew, in one transaction with bounded memory.

A gateway that runs meanwhile goes on serving with what it has in memory. What was administered after the change it
cannot read, and what it would seal itself is refused, until it is started again.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from grok2api.storage import keys
from grok2api.storage.audit import Before
from grok2api.storage.engine import Database
from grok2api.storage.errors import StoreError
from grok2api.storage.identity import GIVEN_UP
from grok2api.storage.opening import open_store
from grok2api.storage.reading import CHUNK
from grok2api.storage.secrets import Vault
from grok2api.storage.tables import accounts, audit_items, meta
from grok2api.storage.writing import next_revision, update_rows


class Rotated(msgspec.Struct, frozen=True):
    """How many credentials were sealed anew, and the file of the new key; None when it is in the environment."""

    count: int
    file: Path | None


async def rotate_key(url: str, data_dir: Path, environ: Mapping[str, str] = os.environ) -> Rotated:
    """Give the store another key: a random one in the key file, or what GROK2API_NEW_SECRET_KEY says.

    Raises `StoreError`; the store and its key are then as they were. Can be killed at any moment: the store opens
    again with one key or the other, whichever is in the files or in the environment.
    """
    database, vault = await open_store(url, data_dir, environ)
    try:
        phrase = environ.get(keys.NEW_VARIABLE, "")
        if phrase:
            key = await asyncio.to_thread(keys.from_phrase, phrase, keys.NEW_VARIABLE)
        elif environ.get(keys.VARIABLE):
            raise StoreError(f"The key is in {keys.VARIABLE}; set {keys.NEW_VARIABLE} to the new one, and try again.")
        else:
            key = await asyncio.to_thread(keys.make_pending, data_dir)
        count = await rotate(database, vault, Vault(key))
        await asyncio.to_thread(keys.retire if phrase else keys.promote, data_dir)
    finally:
        await database.close()
    return Rotated(count, None if phrase else data_dir / keys.FILE_NAME)


async def rotate(database: Database, old: Vault, new: Vault) -> int:
    """Seal everything anew; how many accounts there were. Raises `StoreError`, and nothing was changed."""
    return await database.write(lambda connection: _reseal(connection, old, new))


def _reseal(connection: Connection, old: Vault, new: Vault) -> int:
    next_revision(connection, old)
    count = _reseal_accounts(connection, old, new)
    _reseal_audit(connection, old, new)
    connection.execute(update(meta).where(meta.c.name == "key_check").values(value=new.check))
    return count


def _reseal_accounts(connection: Connection, old: Vault, new: Vault) -> int:
    columns = (accounts.c.id, accounts.c.sealed, accounts.c.fingerprint)
    query = select(*columns).order_by(accounts.c.id).limit(CHUNK)
    count, last = 0, ""
    while found := connection.execute(query.where(accounts.c.id > last)).all():
        last = found[-1].id
        count += len(found)
        update_rows(connection, [_resealed(old, new, ident, sealed, mark) for ident, sealed, mark in found])
    return count


def _resealed(old: Vault, new: Vault, ident: str, sealed: bytes, fingerprint: str) -> dict[str, object]:
    secret = old.open(sealed, ident)
    mark = fingerprint if fingerprint.startswith(GIVEN_UP) else new.fingerprint(secret)
    return {"id": ident, "sealed": new.seal(secret, ident), "fingerprint": mark}


_before = msgspec.json.Decoder(Before)


def _reseal_audit(connection: Connection, old: Vault, new: Vault) -> None:
    change, account, kept = audit_items.c.audit_id, audit_items.c.account_id, audit_items.c.before
    query = select(change, account, kept).order_by(change, account).limit(CHUNK)
    renewing = (
        update(audit_items)
        .where(change == bindparam("change"), account == bindparam("account"))
        .values(before=bindparam("sealed"))
    )
    last = (-1, "")
    while found := connection.execute(query.where(change >= last[0], (change > last[0]) | (account > last[1]))).all():
        last = (found[-1].audit_id, found[-1].account_id)
        rows = []
        for change_id, account_id, before in found:
            item = _before.decode(before)
            if item.sealed is not msgspec.UNSET:
                item.sealed = new.seal(old.open(item.sealed, account_id), account_id)
                rows.append({"change": change_id, "account": account_id, "sealed": msgspec.json.encode(item)})
        if rows:
            connection.execute(renewing, rows)
