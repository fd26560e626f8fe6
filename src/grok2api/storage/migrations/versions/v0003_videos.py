"""Films, from the order on."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

_TEXT = sa.Text().with_variant(sa.Text(4_194_303), "mysql")


def upgrade() -> None:
    op.create_table(
        "videos",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("model", _TEXT, nullable=False),
        sa.Column("prompt", _TEXT, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("size", sa.String(32), nullable=False),
        sa.Column("resolution", sa.String(32), nullable=False),
        sa.Column("preset", sa.String(32), nullable=False),
        sa.Column("pictures", sa.Integer, nullable=False),
        sa.Column("key", sa.String(64)),
        sa.Column("body", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("account", sa.String(40)),
        sa.Column("checkpoint", _TEXT, nullable=False),
        sa.Column("file", sa.String(64)),
        sa.Column("error_code", sa.String(64), nullable=False),
        sa.Column("error_message", _TEXT, nullable=False),
        sa.Column("completed_at", sa.Double),
        sa.Column("holder", sa.String(40)),
        sa.Column("held_until", sa.Double, nullable=False, server_default="0"),
        sa.UniqueConstraint("key", name="uq_videos_key"),
        **_MYSQL,
    )
    op.create_index("ix_videos_age", "videos", ["created_at", "id"])
    op.create_index("ix_videos_status", "videos", ["status", "created_at"])
    op.create_index("ix_videos_file", "videos", ["file"])
