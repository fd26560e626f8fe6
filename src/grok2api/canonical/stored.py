"""A response that is kept: what was asked anew, what the client was answered, and what its continuation needs.

A response holds its own new input and its own output only, and names the one before it: what came before is found by
walking back. So a conversation of n turns costs n turns, and not n squared.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

#: States in which nothing more comes; the others are `queued` and `in_progress`.
OVER = frozenset({"completed", "incomplete", "failed", "cancelled"})


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One response. Times are epoch seconds.

    owner: whose key asked, as a fingerprint; empty when no key was needed. model: as the client called it.
    previous: the response that this one continues; root: the first one of that chain, its own id when it begins one.
    conversation: the conversation whose turn it is. status: in the words of the API.
    input: the request's own items, with ids. response: the response object as the client saw it, as JSON; empty as
    long as there is none. kept: the opaque form of reasoning items by their ids, where the response does not show it.
    account: which one answered. sticky: what names the conversation in the pool.
    cancelling: a client wants it to stop.
    holder: the process that works on it, or nobody; it holds it until `held_until`.
    """

    id: str
    created_at: float
    model: str
    status: str
    root: str
    owner: str = ""
    previous: str | None = None
    conversation: str | None = None
    input: Sequence[Mapping[str, Any]] = ()
    response: bytes = b""
    kept: Mapping[str, str] = {}
    account: str | None = None
    sticky: str | None = None
    cancelling: bool = False
    holder: str | None = None
    held_until: float = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in OVER


class Chain(msgspec.Struct, frozen=True):
    """A response and those before it, the oldest first.

    size: bytes that their bodies take. missing: one that is named and not there. too_long: there is more than was asked
    for, and nothing was read.
    """

    responses: tuple[Stored, ...] = ()
    size: int = 0
    missing: str | None = None
    too_long: bool = False


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation whose items are kept here. Times are epoch seconds.

    about: what the client noted about it (its `metadata`). account: which one answered last.
    """

    id: str
    created_at: float
    used_at: float
    owner: str = ""
    about: Mapping[str, str] = {}
    account: str | None = None
