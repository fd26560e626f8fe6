"""What the gateway asks of the account pool, and what it gets.

Only the shapes: the pool itself is in `pool`. Kept apart so that the gateway's loop can be read, and
tested, without it.
"""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from grok2api.canonical.problem import Problem
from grok2api.catalog import Tier
from grok2api.upstreams.base import Credential


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a request needs of an account: one of `tiers` and quota in one of `modes`, both in order of preference.

    sticky: its conversation, which prefers the account it used before. before: that account, where it is known from
    elsewhere. prefer: a tag that is preferred among those of a tier that can serve. None of them waits for anybody.
    only: the one account that will do, for work that it has begun.
    """

    tiers: tuple[Tier, ...]
    modes: tuple[str, ...]
    sticky: str | None = None
    before: str | None = None
    prefer: str | None = None
    only: str | None = None


class Lease:
    """The right to use one account for one attempt, in one mode.

    The holder reports the outcome before the context ends: `succeeded()`, or `failed(problem)`; saying
    nothing means that the client left (`cancelled`), which is nobody's fault.
    """

    __slots__ = ("credential", "mode", "problem", "success", "tier", "trace")

    def __init__(self, credential: Credential, mode: str, tier: Tier, trace: str = "") -> None:
        self.credential = credential
        self.mode = mode
        self.tier = tier
        self.trace = trace  # one readable line: why this account, why not the others (P12)
        self.success = False
        self.problem: Problem | None = None

    def succeeded(self) -> None:
        self.success = True

    def failed(self, problem: Problem) -> None:
        self.problem = problem


class Pool(Protocol):
    """Hands out leases."""

    def lease(self, need: Need, *, without: Collection[str] = ()) -> AbstractAsyncContextManager[Lease]:
        """A lease on the best account; settled when the context ends, however it ends.

        `without` holds account ids that were tried already. Raises `Refusal` with kind NO_ACCOUNT, whose
        `retry_after` is the earliest real recovery and whose message counts accounts by reason (P6).
        """
        ...

    def refuses(self, need: Need) -> Problem | None:
        """Why `lease` would be refused now; nothing is taken to find out."""
        ...

    def ready(self, need: Need) -> bool:
        """Whether `lease` would find an account now; nothing is taken to find out."""
        ...

    def serves(self, tiers: Collection[Tier], mode: str) -> bool:
        """Whether an account exists that may ever serve this (for the models list)."""
        ...
