"""The store of accounts.

Two kinds of writes. *Administrative* ones (`add`, `change`, `remove`) are acknowledged: they are durable when
the call returns, and each moves the store's revision on. *Runtime* ones (`write_runtime`) come in batches from
the running server and touch only rows that nobody administered since the server read them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from grok2api.accounts.credentials import CredentialError, clean
from grok2api.accounts.model import Account
from grok2api.storage.engine import Database
from grok2api.storage.errors import StoreError
from grok2api.storage.rows import Row, account_from, rest_rows, runtime_row, whole_row, window_rows
from grok2api.storage.secrets import Vault
from grok2api.storage.tables import accounts, meta, rests, windows

T = TypeVar("T")

#: Values in one statement; engines limit them.
_CHUNK = 500


class Added(msgspec.Struct, frozen=True):
    """What `add` did: the accounts that are new, and the ids of those that were there already."""

    added: tuple[Account, ...]
    known: tuple[str, ...]


class AccountStore:
    """Accounts in the database. Every method raises `StoreError`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def close(self) -> None:
        await self._database.close()

    async def revision(self) -> int:
        """How many administrative writes there were."""
        return await self._database.read(_revision)

    async def load(self, since: int = -1) -> list[Account]:
        """The accounts that were administered after revision `since`; all of them by default. In order of age."""
        return await self._database.read(
            lambda connection: _select(connection, self._vault, accounts.c.revision > since)
        )

    async def ids(self) -> set[str]:
        return await self._database.read(lambda connection: set(connection.scalars(select(accounts.c.id))))

    async def find(self, references: Sequence[str]) -> dict[str, str]:
        """Account id by reference, for those that are an account's id or credential, however it is spelled."""
        prints: defaultdict[str, list[str]] = defaultdict(list)
        for reference in references:
            if text := _cleaned(reference):
                prints[self._vault.fingerprint(text)].append(reference)
        return await self._database.read(lambda connection: _find(connection, references, prints))

    async def add(self, fresh: Sequence[Account]) -> Added:
        """Store new accounts; one whose credential or user is there already is left as it is (P11)."""
        return await self._database.write(lambda connection: _add(connection, self._vault, fresh))

    async def change(self, ids: Collection[str], how: Callable[[Account], Account]) -> list[Account]:
        """Replace each of these accounts by `how` of it, credential included; ids that are not here are skipped."""
        return await self._database.write(lambda connection: _change(connection, self._vault, ids, how))

    async def remove(self, ids: Collection[str]) -> int:
        """Delete these accounts; how many there were."""
        return await self._database.write(lambda connection: _remove(connection, ids))

    async def write_runtime(self, served: Sequence[Account]) -> None:
        """Write what serving changed. Accounts that are gone, or were administered meanwhile, are left alone."""
        await self._database.write(lambda connection: _write_runtime(connection, served))


def _cleaned(reference: str) -> str:
    try:
        return clean(reference)
    except CredentialError:
        return ""


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    everything = list(values)
    for start in range(0, len(everything), _CHUNK):
        yield everything[start : start + _CHUNK]


_REVISION = select(meta.c.value).where(meta.c.name == "revision")


def _revision(connection: Connection) -> int:
    return int(connection.scalar(_REVISION) or 0)


def _locked(connection: Connection) -> int:
    """The revision; who has it keeps every other writer of accounts waiting until his transaction ends."""
    return int(connection.scalar(_REVISION.with_for_update()) or 0)


def _set_revision(connection: Connection, revision: int) -> None:
    connection.execute(update(meta).where(meta.c.name == "revision").values(value=str(revision)))


def _select(connection: Connection, vault: Vault, condition: ColumnElement[bool]) -> list[Account]:
    query = select(accounts).where(condition).order_by(accounts.c.created_at, accounts.c.id)
    rows = connection.execute(query).mappings().all()
    chosen = select(accounts.c.id).where(condition)
    parts: list[defaultdict[str, list[Any]]] = []
    for table in (windows, rests):
        by_account: defaultdict[str, list[Any]] = defaultdict(list)
        for part in connection.execute(select(table).where(table.c.account_id.in_(chosen))).mappings():
            by_account[part["account_id"]].append(part)
        parts.append(by_account)
    return [account_from(_plain(row), parts[0][row["id"]], parts[1][row["id"]], vault) for row in rows]


def _plain(row: Any) -> Row:
    return dict(row)


def _find(connection: Connection, references: Sequence[str], prints: Mapping[str, list[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in _chunks(references):
        found.update(
            {ident: ident for ident in connection.scalars(select(accounts.c.id).where(accounts.c.id.in_(some)))}
        )
    columns = (accounts.c.fingerprint, accounts.c.id)
    for some in _chunks(prints):
        for row in connection.execute(select(*columns).where(accounts.c.fingerprint.in_(some))):
            found.update(dict.fromkeys(prints[row.fingerprint], row.id))
    return found


def _identities(connection: Connection) -> dict[str, str]:
    """Account id by fingerprint and by user."""
    seen: dict[str, str] = {}
    for row in connection.execute(select(accounts.c.id, accounts.c.fingerprint, accounts.c.user_id)):
        seen[row.fingerprint] = row.id
        if row.user_id:
            seen[row.user_id] = row.id
    return seen


def _add(connection: Connection, vault: Vault, fresh: Iterable[Account]) -> Added:
    revision = _locked(connection) + 1
    seen = _identities(connection)
    rows: list[dict[str, Any]] = []
    added: list[Account] = []
    known: list[str] = []
    for account in fresh:
        account = msgspec.structs.replace(account, revision=revision)
        row = whole_row(account, vault)
        keys = [key for key in (row["fingerprint"], row["user_id"]) if key]
        before = next((seen[key] for key in keys if key in seen), None)
        if before is not None:
            known.append(before)
            continue
        seen.update(dict.fromkeys(keys, account.id))
        rows.append(row)
        added.append(account)
    if added:
        connection.execute(insert(accounts), rows)
        _write_parts(connection, added)
        _set_revision(connection, revision)
    return Added(tuple(added), tuple(known))


def _change(
    connection: Connection, vault: Vault, ids: Collection[str], how: Callable[[Account], Account]
) -> list[Account]:
    revision = _locked(connection) + 1
    changed: list[Account] = []
    for some in _chunks(ids):
        found = _select(connection, vault, accounts.c.id.in_(some))
        changed += [msgspec.structs.replace(how(account), revision=revision) for account in found]
    if not changed:
        return []
    seen = _identities(connection)
    for account in changed:
        other = seen.get(vault.fingerprint(account.secret), account.id)
        if other != account.id:
            raise StoreError(f"Account {other} already has this credential.")
    _update(connection, [whole_row(account, vault) for account in changed])
    _clear_parts(connection, [account.id for account in changed])
    _write_parts(connection, changed)
    _set_revision(connection, revision)
    return changed


def _remove(connection: Connection, ids: Collection[str]) -> int:
    revision = _locked(connection) + 1
    count = 0
    for some in _chunks(ids):
        _clear_parts(connection, some)
        count += connection.execute(delete(accounts).where(accounts.c.id.in_(some))).rowcount
    if count:
        _set_revision(connection, revision)
    return count


def _write_runtime(connection: Connection, served: Iterable[Account]) -> None:
    _locked(connection)
    for some in _chunks(served):
        query = select(accounts.c.id, accounts.c.revision).where(accounts.c.id.in_([account.id for account in some]))
        revisions = {row.id: row.revision for row in connection.execute(query)}
        mine = [account for account in some if revisions.get(account.id) == account.revision]
        if mine:
            _update(connection, [{"id": account.id, **runtime_row(account)} for account in mine])
            _clear_parts(connection, [account.id for account in mine])
            _write_parts(connection, mine)


def _update(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    named = [{"key": row["id"], **{name: value for name, value in row.items() if name != "id"}} for row in rows]
    columns: dict[str, Any] = {name: bindparam(name) for name in named[0] if name != "key"}
    connection.execute(update(accounts).where(accounts.c.id == bindparam("key")).values(columns), named)


def _clear_parts(connection: Connection, ids: Collection[str]) -> None:
    for some in _chunks(ids):
        for table in (windows, rests):
            connection.execute(delete(table).where(table.c.account_id.in_(some)))


def _write_parts(connection: Connection, some: Collection[Account]) -> None:
    for table, rows_of in ((windows, window_rows), (rests, rest_rows)):
        rows = [row for account in some for row in rows_of(account)]
        if rows:
            connection.execute(insert(table), rows)
