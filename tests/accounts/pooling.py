"""A pool with a clock in the test's hand."""

import random
from collections.abc import Iterable

from grok2api.accounts.leases import Need
from grok2api.accounts.lifecycle import Effect
from grok2api.accounts.model import Account, Kind, new_account
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.pool import AccountPool
from grok2api.canonical.problem import Kind as Cause
from grok2api.canonical.problem import Problem
from grok2api.catalog import Tier

FAST = Need(tiers=(Tier.BASIC, Tier.SUPER, Tier.HEAVY), modes=("fast",))
AUTO = Need(tiers=(Tier.SUPER, Tier.HEAVY), modes=("auto", "fast", "expert"))
CONSOLE = Need(tiers=(Tier.BASIC, Tier.SUPER, Tier.HEAVY), modes=("console",))


def account(number: int = 1, tier: Tier = Tier.BASIC) -> Account:
    kind = Kind.API if tier is Tier.API else Kind.WEB
    return new_account(f"acc_{number}", f"secret-{number}", kind, tier, 0.0)


def problem(cause: Cause, retry_after: float | None = None) -> Problem:
    return Problem(kind=cause, message="as the upstream said", retry_after=retry_after)


class World:
    """A pool, its clock, its options and what it asked to be done."""

    def __init__(self, accounts: Iterable[Account] = (), **options: object) -> None:
        self.time = 1_000_000.0
        self.options = PoolOptions(**options)  # type: ignore[arg-type]
        self.effects: list[Effect] = []
        self.pool = AccountPool(
            accounts, lambda: self.options, lambda: self.time, random.Random(7), self.effects.extend
        )

    async def attempt(self, need: Need = FAST, failing: Problem | None = None, *, without: tuple[str, ...] = ()) -> str:
        """One lease that succeeds, or fails with `failing`; the id of the account that served."""
        async with self.pool.lease(need, without=without) as lease:
            if failing is None:
                lease.succeeded()
            else:
                lease.failed(failing)
            return lease.credential.account_id
