"""Who is asked about next without having been used: on schedule, and when nobody could be chosen.

Accounts are spread over the interval of their tier by a wheel (`wheel`), and a job turns it a little at a time: nobody
scans the pool, and everybody is asked once a round. How far the wheel was turned is remembered. After a restart it goes
on from there, faster until it has caught up, but never all at once.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from grok2api.accounts.model import Account, State
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.quota import is_spent
from grok2api.accounts.refresh import SERVING, Refresher, RefreshOptions
from grok2api.accounts.wheel import Wheel
from grok2api.catalog import TIER_MODES, Tier
from grok2api.transport.tasks import spawn

#: The tiers that are asked about on schedule. An official key tells no quota.
TIERS = (Tier.BASIC, Tier.SUPER, Tier.HEAVY)

_TICKS_A_ROUND = 120
_LONGEST_TICK_SEC = 60.0
#: How much faster than usual the wheel is turned while it is behind.
_CATCH_UP = 10
#: Accounts that are looked at before others may go on.
_SLICE = 200

_log = structlog.stdlib.get_logger(__name__)


class Memory(Protocol):
    """Small values that outlive the process."""

    async def all(self) -> Mapping[str, str]: ...

    async def put(self, name: str, value: str, now: float) -> None: ...


class Rounds:
    """Turns the wheel of the pool's accounts. `leads`: whether that is this worker's to do, of several."""

    def __init__(
        self,
        pool: AccountPool,
        refresher: Refresher,
        options: Callable[[], RefreshOptions],
        now: Callable[[], float],
        rng: random.Random,
        memory: Memory,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._pool = pool
        self._refresher = refresher
        self._options = options
        self._now = now
        self._rng = rng
        self._memory = memory
        self._leads = leads
        self._wheel = Wheel()
        self._turned = dict.fromkeys(TIERS, now())

    @asynccontextmanager
    async def running(self, accounts: Iterable[Account]) -> AsyncIterator[None]:
        """Take up the rounds where they were left, and by and by the accounts that are here. Raises as the memory."""
        await self._recall()
        joining = spawn(self._join_all(accounts), "accounts join the rounds")
        try:
            yield
        finally:
            joining.cancel()
            await asyncio.gather(joining, return_exceptions=True)

    async def take_over(self) -> None:
        """Go on where another worker has left the rounds, and with who was never asked about. Raises as the memory."""
        await self._recall()
        await self._join_all(self._pool.list())

    async def _recall(self) -> None:
        values = await self._memory.all()
        self._turned = {tier: _moment(values.get(_key(tier), ""), self._now()) for tier in TIERS}

    async def _join_all(self, accounts: Iterable[Account]) -> None:
        for number, account in enumerate(accounts, 1):
            self._join(account, new=False)
            if number % _SLICE == 0:
                await asyncio.sleep(0)

    def join(self, account: Account) -> None:
        """Take up an account that is new or was changed, and have it asked about if that is due and ours to do."""
        self._join(account, new=True)

    def _join(self, account: Account, *, new: bool) -> None:
        self._wheel.add(account.id)
        if self._leads():
            self._refresher.welcome(account, new=new)

    def every(self, tier: Tier) -> float:
        """Seconds between two turns of the wheel."""
        return min(_LONGEST_TICK_SEC, max(1.0, self._options().interval_sec[tier] / _TICKS_A_ROUND))

    async def turn(self, tier: Tier) -> None:
        """Have those accounts of a tier asked about that are due since the last turn."""
        now, length, tick = self._now(), self._options().interval_sec[tier], self.every(tier)
        if self._refresher.crowded or self._refresher.asking.until("fast") > now:
            return  # what is due meanwhile is caught up with later
        start = max(min(self._turned[tier], now), now - length)
        end = min(now, start + _CATCH_UP * tick)
        async for account in self._serving(self._wheel.passed(start, end, length)):
            if account.tier is tier:
                self._refresher.want(account.id, delay=tick * self._rng.random())
        self._turned[tier] = end
        await self._memory.put(_key(tier), str(end), now)

    async def sweep(self) -> None:
        """Have everything asked about that is spent or rests: fresh quota could help (P6)."""
        questions = 0
        async for account in self._serving(self._wheel.spokes()):
            for mode in _spent(account, self._now()):
                self._refresher.want(account.id, mode)
                questions += 1
            await self._refresher.has_room()
        if questions:
            _log.info("nobody could be chosen; asking about what is spent", questions=questions)

    async def _serving(self, spokes: Iterable[tuple[str, ...]]) -> AsyncIterator[Account]:
        """The accounts of these spokes that may serve. Others go on meanwhile; those that are gone are dropped."""
        seen = 0
        for spoke in spokes:
            for ident in spoke:
                account = self._pool.get(ident)
                if account is None:
                    self._wheel.drop(ident)
                elif account.state in SERVING:
                    yield account
            seen += len(spoke)
            if seen >= _SLICE:
                seen = 0
                await asyncio.sleep(0)


def _spent(account: Account, now: float) -> list[str]:
    """The modes of which fresh quota could help, or an answer of any kind."""
    if account.state is State.SUSPECT:
        return list(TIER_MODES[account.tier])
    return [mode for mode in TIER_MODES[account.tier] if account.tier in TIERS and is_spent(account, mode, now)]


def _key(tier: Tier) -> str:
    return f"quota.{tier}"


def _moment(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default
