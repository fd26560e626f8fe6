"""The tables, as SQLAlchemy Core sees them. Migrations are what makes them; a test keeps both equal.

Times are seconds of the epoch. `accounts.revision` is the value of `meta.revision` at the last administrative
write of that row: the running server reads rows that are newer than what it knows, and never writes over them.
"""

from typing import Any

from sqlalchemy import (
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData()

#: What MariaDB and MySQL need to be told: transactions, every character, and names that are equal to the letter.
MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(name, metadata, *items, **MYSQL)


meta = _table(
    "meta",
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

accounts = _table(
    "accounts",
    Column("id", String(40), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("tier", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("health", Double, nullable=False),
    Column("strikes", Text, nullable=False),
    Column("use_count", Integer, nullable=False),
    Column("fail_count", Integer, nullable=False),
    Column("last_used_at", Double),
    Column("last_error", Text, nullable=False),
    Column("last_error_at", Double),
    Column("created_at", Double, nullable=False),
    Column("user_id", String(64)),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("fingerprint", name="uq_accounts_fingerprint"),
    Index("ix_accounts_revision", "revision"),
    Index("ix_accounts_user_id", "user_id"),
)

windows = _table(
    "windows",
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("mode", String(32), primary_key=True),
    Column("remaining", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("window_sec", Integer, nullable=False),
    Column("resets_at", Double),
    Column("source", String(16), nullable=False),
)

rests = _table(
    "rests",
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("mode", String(32), primary_key=True),
    Column("until", Double, nullable=False),
    Column("since", Double, nullable=False),
    Column("probe_at", Double),
    Column("count", Integer, nullable=False),
    Column("reason", Text, nullable=False),
)
