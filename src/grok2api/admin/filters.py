"""The filter of lists, as parameters and as a body. Pure."""

from typing import Annotated

import msgspec

from grok2api.accounts.query import Filter, Status
from grok2api.catalog import Tier

Pool = Annotated[Tier | None, msgspec.Meta(description="Only accounts of this pool.")]
OfStatus = Annotated[Status | None, msgspec.Meta(description="Only accounts of this status.")]
Tag = Annotated[str | None, msgspec.Meta(description="Only accounts with this tag.")]
Text = Annotated[
    str,
    msgspec.Meta(
        max_length=4096, description="A piece of the id, a tag, the user id, the reason of the state or the last error."
    ),
]


class Chosen(msgspec.Struct, frozen=True):
    """Accounts that fit all of these. What is left out fits every account; an empty filter means all of them."""

    pool: Pool = None
    status: OfStatus = None
    tag: Tag = None
    q: Text = ""

    def filter(self) -> Filter:
        """The same in the store's words."""
        return Filter(pool=self.pool, status=self.status, tag=self.tag, text=self.q)

    def words(self) -> str:
        """The same in one line, for the audit. What was searched for is left out: it may be a token."""
        named = {"pool": self.pool, "status": self.status, "tag": self.tag}
        parts = [f"{name} {value}" for name, value in named.items() if value is not None]
        return ", ".join([*parts, *(["a text"] if self.q else [])]) or "every account"
