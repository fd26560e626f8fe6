"""`GET status`, `GET storage`, `POST sync`: how the gateway stands, and taking over what others have written."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.accounts.query import Status, status
from grok2api.admin.parts import Parts, StorageReport
from grok2api.admin.route import Call
from grok2api.catalog import Tier
from grok2api.storage.errors import StoreError

#: Accounts counted in one turn of the event loop, when the store cannot count them.
_SLICE = 2000


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """size: accounts that are loaded. revision: the administrative writes that are in force. accounts: numbers by pool
    and status. counters: totals since the store was made. jobs: the periodic work. egress: the ways out.
    """

    status: str
    size: int
    revision: int
    selection_strategy: str
    version: str
    started_at: int
    uptime_sec: int
    in_flight: int
    accounts: Mapping[str, Mapping[str, int]]
    storage: StorageReport
    jobs: tuple[Mapping[str, Any], ...]
    egress: Mapping[str, Any]
    counters: Mapping[str, int]


class Synced(msgspec.Struct, frozen=True):
    """changed: whether anything had been administered elsewhere."""

    changed: bool
    revision: int


async def read_status(parts: Parts, call: Call[None, None]) -> Standing:
    """Answers from memory when the database is away; `storage` says so."""
    now = parts.now()
    tally = await _tally(parts, now)
    return Standing(
        status="ok",
        size=len(parts.pool),
        revision=parts.revision(),
        selection_strategy=parts.configured.live.current.account.strategy,
        version=parts.version,
        started_at=int(parts.started_at * 1000),
        uptime_sec=max(0, int(now - parts.started_at)),
        in_flight=parts.pool.census().in_flight,
        accounts=tally,
        storage=parts.storage(),
        jobs=tuple(parts.jobs()),
        egress=parts.egress(),
        counters=parts.counters(),
    )


async def read_storage(parts: Parts, call: Call[None, None]) -> StorageReport:
    """Which database it is, and whether it is there."""
    return parts.storage()


async def sync_accounts(parts: Parts, call: Call[None, None]) -> Synced:
    """Happens by itself every few seconds; this does it now."""
    changed = await parts.sync()
    return Synced(changed, parts.revision())


async def _tally(parts: Parts, now: float) -> Mapping[str, Mapping[str, int]]:
    try:
        counted = await parts.store.tally(now)
    except StoreError:
        counted = await _counted(parts, now)
    pools: dict[str, dict[str, int]] = {}
    for (tier, word), number in counted.items():
        pools.setdefault(tier.value, {})[word.value] = number
    return pools


async def _counted(parts: Parts, now: float) -> dict[tuple[Tier, Status], int]:
    found: Counter[tuple[Tier, Status]] = Counter()
    accounts = parts.pool.list()
    for start in range(0, len(accounts), _SLICE):
        found.update((account.tier, status(account, now)) for account in accounts[start : start + _SLICE])
        await asyncio.sleep(0)
    return found
