"""The tables, as SQLAlchemy Core sees them. A new store is made from them, an older one by the migrations; a test keeps
both equal, on every engine.

Times are seconds of the epoch. `accounts.revision` is the value of `meta.revision` at the last administrative
write of that row: the running server reads rows that are newer than what it knows, and never writes over them.
`accounts.deleted_at` is 0 for an account that is there; one that was removed is kept for a day. `cooling_until` and
`searched` repeat what is elsewhere in the row, for lists: when an account can serve again, and its words in one case
of letters.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import SchemaItem

from grok2api.storage.rows import text

metadata = MetaData()

#: What MariaDB and MySQL need to be told: transactions, every character, and names that are equal to the letter.
MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

_LONG = 4_194_303
#: MariaDB and MySQL tell sizes of texts apart, SQLite no sizes of numbers.
LongText = Text().with_variant(Text(_LONG), "mysql")
LongBytes = LargeBinary().with_variant(LargeBinary(_LONG), "mysql")
BigNumber = BigInteger().with_variant(Integer(), "sqlite")


class Name(TypeDecorator[str]):
    """Short words of which clients may ask for any: what no database can hold is nobody's name, and not an error."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else text(value)


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(name, metadata, *items, **MYSQL)


meta = _table(
    "meta",
    Column("name", String(64), primary_key=True),
    Column("value", LongText, nullable=False),
)

accounts = _table(
    "accounts",
    Column("id", String(40), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("tier", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_reason", LongText, nullable=False),
    Column("health", Double, nullable=False),
    Column("strikes", LongText, nullable=False),
    Column("use_count", BigNumber, nullable=False),
    Column("fail_count", BigNumber, nullable=False),
    Column("last_used_at", Double),
    Column("last_error", LongText, nullable=False),
    Column("last_error_at", Double),
    Column("created_at", Double, nullable=False),
    Column("user_id", String(64)),
    Column("revision", Integer, nullable=False),
    Column("deleted_at", Double, nullable=False, server_default="0"),
    Column("cooling_until", Double, nullable=False, server_default="0"),
    Column("searched", LongText),
    UniqueConstraint("fingerprint", name="uq_accounts_fingerprint"),
    Index("ix_accounts_revision", "revision"),
    Index("ix_accounts_user_id", "user_id"),
    Index("ix_accounts_age", "deleted_at", "created_at", "id"),
    Index("ix_accounts_used", "deleted_at", "last_used_at", "created_at", "id"),
    Index("ix_accounts_standing", "deleted_at", "tier", "state", "cooling_until"),
)

windows = _table(
    "windows",
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("mode", String(32), primary_key=True),
    Column("remaining", BigNumber, nullable=False),
    Column("total", BigNumber, nullable=False),
    Column("window_sec", BigNumber, nullable=False),
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
    Column("count", BigNumber, nullable=False),
    Column("reason", LongText, nullable=False),
)

tags = _table(
    "tags",
    Column("account_id", String(40), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(64), primary_key=True),
    Column("place", Integer, nullable=False),
    Index("ix_tags_tag", "tag"),
)

#: What was changed by hand, in order; `undo_until` is empty for what cannot be undone.
audit = _table(
    "audit",
    Column("id", BigNumber, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("detail", LongText, nullable=False),
    Column("count", BigNumber, nullable=False),
    Column("undone_at", Double),
    Column("undo_until", Double),
    Index("ix_audit_at", "at"),
)

#: What each account was before a change, as far as the change touched it; credentials are sealed.
audit_items = _table(
    "audit_items",
    Column("audit_id", BigNumber, ForeignKey("audit.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", String(40), primary_key=True),
    Column("before", LongBytes, nullable=False),
)

#: Totals since the store was made.
counters = _table(
    "counters",
    Column("name", String(128), primary_key=True),
    Column("value", BigNumber, nullable=False),
)

#: What the gateway remembers for itself: when a job last ran, and the like.
settings = _table(
    "settings",
    Column("name", String(128), primary_key=True),
    Column("value", LongText, nullable=False),
    Column("updated_at", Double, nullable=False),
)

#: Films, from the order on. `holder` is the process that works on one, or nobody; it holds it until `held_until`.
videos = _table(
    "videos",
    Column("id", Name(64), primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("model", LongText, nullable=False),
    Column("prompt", LongText, nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("size", Name(32), nullable=False),
    Column("resolution", Name(32), nullable=False),
    Column("preset", Name(32), nullable=False),
    Column("pictures", Integer, nullable=False),
    Column("key", Name(64)),
    Column("body", Name(64), nullable=False),
    Column("status", Name(16), nullable=False),
    Column("progress", Integer, nullable=False),
    Column("account", Name(40)),
    Column("checkpoint", LongText, nullable=False),
    Column("file", Name(64)),
    Column("error_code", Name(64), nullable=False),
    Column("error_message", LongText, nullable=False),
    Column("completed_at", Double),
    Column("holder", Name(40)),
    Column("held_until", Double, nullable=False, server_default="0"),
    UniqueConstraint("key", name="uq_videos_key"),
    Index("ix_videos_age", "created_at", "id"),
    Index("ix_videos_status", "status", "created_at"),
    Index("ix_videos_file", "file"),
)

#: Responses that clients may come back to, each with its own turn only; `storage.responses` says what is where.
#: `root` is the first response of the chain. `size` is what bodies take before they are compressed, here and below.
#: Bodies come last, and sizes are in indexes: who only wants to know how much there is shall not read all of it.
responses = _table(
    "responses",
    Column("id", Name(64), primary_key=True),
    Column("created_at", Double, nullable=False),
    Column("owner", Name(64), nullable=False),
    Column("model", LongText, nullable=False),
    Column("previous", Name(64)),
    Column("root", Name(64), nullable=False),
    Column("conversation", Name(64)),
    Column("status", Name(16), nullable=False),
    Column("account", Name(40)),
    Column("sticky", LongText),
    Column("size", BigNumber, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Column("holder", Name(40)),
    Column("held_until", Double, nullable=False, server_default="0"),
    Column("input", LongBytes, nullable=False),
    Column("response", LongBytes, nullable=False),
    Column("kept", LongBytes, nullable=False),
    Index("ix_responses_root", "root", "created_at", "size"),
    Index("ix_responses_age", "created_at"),
    Index("ix_responses_status", "status", "created_at"),
)

#: What a stream of a response has sent, piece by piece; `first` is the sequence number of the piece's first frame.
response_frames = _table(
    "response_frames",
    Column("response", Name(64), ForeignKey("responses.id", ondelete="CASCADE"), primary_key=True),
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("size", BigNumber, nullable=False),
    Column("frames", LongBytes, nullable=False),
    Index("ix_response_frames_size", "size"),
)

conversations = _table(
    "conversations",
    Column("id", Name(64), primary_key=True),
    Column("owner", Name(64), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("used_at", Double, nullable=False),
    Column("about", LongText, nullable=False),
    Column("account", Name(40)),
    Index("ix_conversations_used", "used_at"),
)

#: The items of conversations, in the order of their numbers.
conversation_items = _table(
    "conversation_items",
    Column("number", BigNumber, primary_key=True, autoincrement=True),
    Column("conversation", Name(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("item", Name(128), nullable=False),
    Column("size", BigNumber, nullable=False),
    Column("content", LongBytes, nullable=False),
    UniqueConstraint("conversation", "item", name="uq_conversation_items_item"),
    Index("ix_conversation_items_size", "conversation", "size"),
    Index("ix_conversation_items_item", "item"),
)
