"""Accounts into the tables: functions of a connection, inside a transaction that holds the revision."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from grok2api.accounts.model import Account
from grok2api.storage.errors import StoreError
from grok2api.storage.reading import chunks
from grok2api.storage.rows import rest_rows, runtime_row, tag_rows, whole_row, window_rows
from grok2api.storage.secrets import Vault
from grok2api.storage.tables import accounts, meta, rests, tags, windows

_REVISION = select(meta.c.value).where(meta.c.name == "revision")

Part = tuple[Table, Callable[[Account], list[dict[str, Any]]], str]

#: Table, rows of an account, and the field that they are made from: what serving changes, and all.
RUNTIME: tuple[Part, ...] = ((windows, window_rows, "windows"), (rests, rest_rows, "rests"))
WHOLE: tuple[Part, ...] = (*RUNTIME, (tags, tag_rows, "tags"))


def revision(connection: Connection) -> int:
    """How many administrative writes there were."""
    return int(connection.scalar(_REVISION) or 0)


def locked(connection: Connection) -> int:
    """The same; who asks for it keeps every other writer of accounts waiting until the transaction ends."""
    return int(connection.scalar(_REVISION.with_for_update()) or 0)


def next_revision(connection: Connection, vault: Vault) -> int:
    """What an administrative write begins with: its revision, and nobody else writes until it ends.

    Raises `StoreError` when the store's key was changed since this process read it: what it seals, nobody could open.
    """
    revision = locked(connection) + 1
    check = connection.scalar(select(meta.c.value).where(meta.c.name == "key_check"))
    if check is not None and check != vault.check:
        raise StoreError("The store has another key since this process was started; restart it, and nothing is lost.")
    return revision


def set_revision(connection: Connection, value: int) -> None:
    connection.execute(update(meta).where(meta.c.name == "revision").values(value=str(value)))


def insert_whole(connection: Connection, vault: Vault, fresh: Sequence[Account]) -> None:
    """Write accounts that were not there."""
    if fresh:
        connection.execute(insert(accounts), [whole_row(account, vault) for account in fresh])
        write_parts(connection, fresh, WHOLE)


def update_whole(connection: Connection, vault: Vault, changed: Sequence[tuple[Account, Account]]) -> None:
    """Write accounts as they are now, given with what they were; those that were removed are there again."""
    update_rows(connection, [whole_row(new, vault) for _, new in changed])
    for part in WHOLE:
        touched = [new for old, new in changed if getattr(old, part[2]) != getattr(new, part[2])]
        clear_parts(connection, [account.id for account in touched], (part,))
        write_parts(connection, touched, (part,))


def add_counts(connection: Connection, counts: Collection[tuple[str, int, int]]) -> None:
    """Add to the counters of accounts, given as id, uses and failures: every process adds what it has counted."""
    rows = [{"key": ident, "uses": uses, "fails": fails} for ident, uses, fails in counts if uses or fails]
    if rows:
        sums = {
            "use_count": accounts.c.use_count + bindparam("uses"),
            "fail_count": accounts.c.fail_count + bindparam("fails"),
        }
        connection.execute(update(accounts).where(accounts.c.id == bindparam("key")).values(sums), rows)


def update_runtime(connection: Connection, served: Sequence[Account]) -> None:
    """Write what serving changed."""
    update_rows(connection, [{"id": account.id, **runtime_row(account)} for account in served])
    clear_parts(connection, [account.id for account in served], RUNTIME)
    write_parts(connection, served, RUNTIME)


def remove_rows(connection: Connection, ids: Collection[str], at: float, value: int) -> None:
    """Mark accounts as removed."""
    mine = accounts.c.id.in_(ids)
    connection.execute(update(accounts).where(mine).values(deleted_at=at, revision=value))


def update_rows(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Set the columns that the rows name; all rows name the same ones, and `id`."""
    if not rows:
        return
    named = [{"key": row["id"], **{name: value for name, value in row.items() if name != "id"}} for row in rows]
    columns: dict[str, Any] = {name: bindparam(name) for name in named[0] if name != "key"}
    connection.execute(update(accounts).where(accounts.c.id == bindparam("key")).values(columns), named)


def clear_parts(connection: Connection, ids: Collection[str], parts: Iterable[Part] = WHOLE) -> None:
    for some in chunks(ids):
        for table, _, _ in parts:
            connection.execute(delete(table).where(table.c.account_id.in_(some)))


def write_parts(connection: Connection, some: Collection[Account], parts: Iterable[Part]) -> None:
    for table, rows_of, _ in parts:
        rows = [row for account in some for row in rows_of(account)]
        if rows:
            connection.execute(insert(table), rows)
