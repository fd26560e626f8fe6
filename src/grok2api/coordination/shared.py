"""Many workers: everything over Redis, put together. Loaded only when `coordination.url` names one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from grok2api.accounts.model import Account
from grok2api.coordination.base import Accounts, Status
from grok2api.coordination.books import RedisBooks
from grok2api.coordination.bulletin import Bulletin
from grok2api.coordination.lead import TTL_SEC as LEAD_SEC
from grok2api.coordination.lead import Lead
from grok2api.coordination.ledger import BEAT_SEC, TTL_SEC, Ledger
from grok2api.coordination.link import Link
from grok2api.coordination.locks import RedisLocks
from grok2api.coordination.news import AccountNews
from grok2api.coordination.tasks import RedisTasks
from grok2api.transport.tasks import spawn

#: How long a worker that ends waits for its last news to get away.
_PARTING_SEC = 0.5


class Shared:
    """See `base.Coordinator`; what the pool asks is `accounts.sharing.Sharing`, which this is too.

    This is the `number`th of the `count` workers of this machine. `prefix` begins every key of the installation.
    """

    def __init__(
        self,
        url: str,
        prefix: str,
        number: int,
        count: int,
        new_id: Callable[[str], str],
        now: Callable[[], float],
        beat: float = BEAT_SEC,
    ) -> None:
        worker = new_id("w")
        self._link = link = Link(url, prefix)
        self._ledger = Ledger(RedisBooks(link, beat * TTL_SEC / BEAT_SEC), worker, count, beat)
        self._bulletin = Bulletin(link, worker, lambda: new_id(""), lambda: self._ledger.living - 1)
        self._news = AccountNews(self._bulletin, link, worker, now)
        self._lead = Lead(link, worker, first=number == 1, ttl=beat * LEAD_SEC / BEAT_SEC)
        self.locks = RedisLocks(link, lambda: new_id(""))
        self.tasks = RedisTasks(link)
        self.sharing = self
        self.take = self._ledger.take
        self.give = self._ledger.give
        self.spread = self._bulletin.spread
        self.tell = self._bulletin.tell
        self.when_leading = self._lead.when_taken
        self.handle = self._bulletin.handle

    async def begin(self) -> None:
        """See that Redis is there, and read news from now on. Raises `Away`."""
        await self._bulletin.begin()

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    def changed(self, before: Account, after: Account) -> None:
        self._news.changed(before, after)

    @property
    def leads(self) -> bool:
        return self._lead.mine

    def status(self) -> Status:
        link = self._link
        return Status(kind="redis", workers=self._ledger.living, away=link.away, since=link.since)

    @asynccontextmanager
    async def running(self, pool: Accounts) -> AsyncIterator[None]:
        self._link.speak()
        self._news.follow(pool)
        async with self._ledger.running():
            tasks = [
                spawn(self._bulletin.run(), "news-reader"),
                spawn(self._news.run(), "news-teller"),
                spawn(self.tasks.run(), "task-logs"),
                spawn(self._lead.run(), "lead"),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self._part()
                await self._lead.leave()

    async def _part(self) -> None:
        try:
            async with asyncio.timeout(_PARTING_SEC):
                await self._news.tell()
        except TimeoutError:
            pass  # the others learn it from the store
