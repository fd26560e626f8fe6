"""Responses and conversations that are kept."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

_LONG = 4_194_303
_TEXT = sa.Text().with_variant(sa.Text(_LONG), "mysql")
_BYTES = sa.LargeBinary().with_variant(sa.LargeBinary(_LONG), "mysql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "responses",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("model", _TEXT, nullable=False),
        sa.Column("previous", sa.String(64)),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("conversation", sa.String(64)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("account", sa.String(40)),
        sa.Column("sticky", _TEXT),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("cancelling", sa.Boolean, nullable=False),
        sa.Column("holder", sa.String(40)),
        sa.Column("held_until", sa.Double, nullable=False, server_default="0"),
        sa.Column("input", _BYTES, nullable=False),
        sa.Column("response", _BYTES, nullable=False),
        sa.Column("kept", _BYTES, nullable=False),
        **_MYSQL,
    )
    op.create_index("ix_responses_root", "responses", ["root", "created_at", "size"])
    op.create_index("ix_responses_age", "responses", ["created_at"])
    op.create_index("ix_responses_status", "responses", ["status", "created_at"])
    op.create_table(
        "response_frames",
        sa.Column("response", sa.String(64), sa.ForeignKey("responses.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("first", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("frames", _BYTES, nullable=False),
        **_MYSQL,
    )
    op.create_index("ix_response_frames_size", "response_frames", ["size"])
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("used_at", sa.Double, nullable=False),
        sa.Column("about", _TEXT, nullable=False),
        sa.Column("account", sa.String(40)),
        **_MYSQL,
    )
    op.create_index("ix_conversations_used", "conversations", ["used_at"])
    op.create_table(
        "conversation_items",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("conversation", sa.String(64), sa.ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
        sa.Column("item", sa.String(128), nullable=False),
        sa.Column("size", _NUMBER, nullable=False),
        sa.Column("content", _BYTES, nullable=False),
        sa.UniqueConstraint("conversation", "item", name="uq_conversation_items_item"),
        **_MYSQL,
    )
    op.create_index("ix_conversation_items_size", "conversation_items", ["conversation", "size"])
    op.create_index("ix_conversation_items_item", "conversation_items", ["item"])
