"""Accounts that are kept for a day after they were removed, tags of their own, an audit, counters, remembered values.

What lists ask for is now in columns: when an account is back (`cooling_until`), and all that is searched
(`searched`). Both are filled here for the accounts that are there.
"""

import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

_LONG = 4_194_303
_TEXT = sa.Text().with_variant(sa.Text(_LONG), "mysql")
_BYTES = sa.LargeBinary().with_variant(sa.LargeBinary(_LONG), "mysql")
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

#: The modes of each tier, as they were.
_MODES = {
    "basic": ("fast", "console"),
    "super": ("auto", "fast", "expert", "grok43", "console"),
    "heavy": ("auto", "fast", "expert", "heavy", "grok43", "console"),
    "api": ("api",),
}

_CHUNK = 500

_PARTS = ("windows", "rests")


def upgrade() -> None:
    _widen()
    op.add_column("accounts", sa.Column("deleted_at", sa.Double, nullable=False, server_default="0"))
    op.add_column("accounts", sa.Column("cooling_until", sa.Double, nullable=False, server_default="0"))
    op.add_column("accounts", sa.Column("searched", _TEXT))
    op.create_table(
        "tags",
        sa.Column("account_id", sa.String(40), sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", sa.String(64), primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        **_MYSQL,
    )
    op.create_index("ix_tags_tag", "tags", ["tag"])
    _fill(op.get_bind())
    op.drop_column("accounts", "tags")
    op.create_index("ix_accounts_age", "accounts", ["deleted_at", "created_at", "id"])
    op.create_index("ix_accounts_used", "accounts", ["deleted_at", "last_used_at", "created_at", "id"])
    op.create_index("ix_accounts_standing", "accounts", ["deleted_at", "tier", "state", "cooling_until"])
    op.create_table(
        "audit",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("detail", _TEXT, nullable=False),
        sa.Column("count", _BIG, nullable=False),
        sa.Column("undone_at", sa.Double),
        sa.Column("undo_until", sa.Double),
        **_MYSQL,
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "audit_items",
        sa.Column("audit_id", _BIG, sa.ForeignKey("audit.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("account_id", sa.String(40), primary_key=True),
        sa.Column("before", _BYTES, nullable=False),
        **_MYSQL,
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("value", _BIG, nullable=False),
        **_MYSQL,
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("value", _TEXT, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        **_MYSQL,
    )


def _widen() -> None:
    """Numbers and texts of the first version, where a database tells sizes apart."""
    engine = op.get_bind().dialect.name
    if engine == "sqlite":
        return
    if engine == "mysql":
        look = sa.inspect(op.get_bind())
        for table in _PARTS:
            for key in look.get_foreign_keys(table):
                op.drop_constraint(str(key["name"]), table, type_="foreignkey")
        for table in ("meta", "accounts", *_PARTS):
            op.execute(f"ALTER TABLE {table} ENGINE = InnoDB, CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        for table in _PARTS:
            op.create_foreign_key(None, table, "accounts", ["account_id"], ["id"], ondelete="CASCADE")
        texts = {"meta": ("value",), "accounts": ("state_reason", "strikes", "last_error"), "rests": ("reason",)}
        for table, names in texts.items():
            for name in names:
                op.alter_column(table, name, type_=_TEXT, existing_type=sa.Text(), existing_nullable=False)
    numbers = {
        "accounts": ("use_count", "fail_count"),
        "windows": ("remaining", "total", "window_sec"),
        "rests": ("count",),
    }
    for table, names in numbers.items():
        for name in names:
            op.alter_column(table, name, type_=_BIG, existing_type=sa.Integer(), existing_nullable=False)


_accounts = sa.table(
    "accounts",
    *map(sa.column, ("id", "tier", "tags", "user_id", "state_reason", "last_error", "cooling_until", "searched")),
)
_rests = sa.table("rests", *map(sa.column, ("account_id", "mode", "until")))
_tags = sa.table("tags", *map(sa.column, ("account_id", "tag", "place")))


def _fill(connection: sa.Connection) -> None:
    last = ""
    while rows := connection.execute(
        sa.select(_accounts).where(_accounts.c.id > last).order_by(_accounts.c.id).limit(_CHUNK)
    ).all():
        last = rows[-1].id
        resting: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for rest in connection.execute(sa.select(_rests).where(_rests.c.account_id.in_([row.id for row in rows]))):
            resting[rest.account_id][rest.mode] = rest.until
        tagged = {row.id: _tidy(json.loads(row.tags)) for row in rows}
        places = [
            {"account_id": ident, "tag": tag, "place": place}
            for ident, tags in tagged.items()
            for place, tag in enumerate(tags)
        ]
        if places:
            connection.execute(sa.insert(_tags), places)
        connection.execute(
            sa.update(_accounts)
            .where(_accounts.c.id == sa.bindparam("key"))
            .values(cooling_until=sa.bindparam("cooling"), searched=sa.bindparam("words")),
            [
                {
                    "key": row.id,
                    "cooling": _cooling_until(row.tier, resting[row.id]),
                    "words": "\n".join(
                        (row.id, row.user_id or "", row.state_reason, row.last_error, *tagged[row.id])
                    ).casefold(),
                }
                for row in rows
            ],
        )


def _tidy(tags: list[str]) -> list[str]:
    lines = (" ".join("".join(char for char in tag if char >= " ").split())[:64].rstrip() for tag in tags)
    return list(dict.fromkeys(line for line in lines if line))


def _cooling_until(tier: str, rests: dict[str, float]) -> float:
    whole = rests.get("*", 0.0)
    modes = _MODES.get(tier, ())
    if all(mode in rests for mode in modes):
        return max(whole, min((rests[mode] for mode in modes), default=0.0))
    return whole
