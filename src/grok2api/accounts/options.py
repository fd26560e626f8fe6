"""What the operator chooses about the pool. Pure."""

from collections.abc import Mapping

import msgspec

from grok2api.accounts.resting import Policy
from grok2api.accounts.selection import Strategy
from grok2api.catalog import Tier


class PoolOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, and leases at once on one account.

    tier_rest_sec: under `random`, how long a limit without a hint rests, by tier.
    preferred_tags: the tags that requests may prefer; who has one is found as fast as everybody.
    """

    strategy: Strategy = "quota"
    max_inflight: int = 8
    default_rest_sec: float = 900.0
    max_rest_sec: float = 7 * 86400.0
    probe_interval_sec: float = 900.0
    strikes: int = 3
    sticky_ttl_sec: float = 3600.0
    tier_rest_sec: Mapping[Tier, float] = {}
    preferred_tags: frozenset[str] = frozenset()

    @property
    def policy(self) -> Policy:
        return Policy(
            default_rest_sec=self.default_rest_sec,
            max_rest_sec=self.max_rest_sec,
            probe_interval_sec=self.probe_interval_sec,
            strikes=self.strikes,
            counts_quota=self.strategy == "quota",
            tier_rest_sec=self.tier_rest_sec,
        )
