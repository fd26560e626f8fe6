"""Accounts with their windows and rests, and the store's own notes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("tier", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_reason", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("health", sa.Double, nullable=False),
        sa.Column("strikes", sa.Text, nullable=False),
        sa.Column("use_count", sa.Integer, nullable=False),
        sa.Column("fail_count", sa.Integer, nullable=False),
        sa.Column("last_used_at", sa.Double),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("last_error_at", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("user_id", sa.String(64)),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("fingerprint", name="uq_accounts_fingerprint"),
    )
    op.create_index("ix_accounts_revision", "accounts", ["revision"])
    op.create_index("ix_accounts_user_id", "accounts", ["user_id"])
    op.create_table(
        "windows",
        sa.Column("account_id", sa.String(40), sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("mode", sa.String(32), primary_key=True),
        sa.Column("remaining", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("window_sec", sa.Integer, nullable=False),
        sa.Column("resets_at", sa.Double),
        sa.Column("source", sa.String(16), nullable=False),
    )
    op.create_table(
        "rests",
        sa.Column("account_id", sa.String(40), sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("mode", sa.String(32), primary_key=True),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("probe_at", sa.Double),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.execute("INSERT INTO meta (name, value) VALUES ('revision', '0')")
