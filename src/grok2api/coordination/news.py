"""Account news between workers: what serving changed here is told, what others tell is merged into the pool.

Changes of a moment go out as one message: a rest or a state at once, what is only counted after a while. While Redis is
away they gather, one difference an account, and go out when it is back. A message that may or may not have come through
is sent again under its number, and taken once.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from grok2api.accounts.model import Account
from grok2api.accounts.news import News, heard, told
from grok2api.coordination.base import Accounts, Away
from grok2api.coordination.bulletin import Bulletin
from grok2api.coordination.link import Link

KIND = "accounts"

#: Seconds between a change and its message, so that others go along: of what decides who may serve, and of the rest.
GATHER_SEC = 0.025
COUNTED_SEC = 0.5


class Sheet(msgspec.Struct, frozen=True):
    """One message."""

    worker: str
    number: int
    news: tuple[News, ...]


_sheets = msgspec.json.Decoder(Sheet)


class AccountNews:
    """Both directions. Give it the pool with `follow` before it runs."""

    def __init__(self, bulletin: Bulletin, link: Link, worker: str, now: Callable[[], float]) -> None:
        self._bulletin = bulletin
        self._link = link
        self._worker = worker
        self._now = now
        self._pool: Accounts | None = None
        self._before: dict[str, Account] = {}
        self._number = 0
        self._seen: dict[str, int] = {}
        self._woken = asyncio.Event()
        self._urgent = asyncio.Event()

    def follow(self, pool: Accounts) -> None:
        """Tell of, and merge into, this pool."""
        self._pool = pool
        self._bulletin.handle({KIND: self._hear})

    def changed(self, before: Account, after: Account) -> None:
        """Serving has changed an account."""
        if before.id not in self._before:
            self._before[before.id] = before
            self._woken.set()
        if after.state is not before.state or after.rests is not before.rests:
            self._urgent.set()

    async def run(self) -> None:
        """Tell for ever."""
        while True:
            await self._woken.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(COUNTED_SEC):
                    await self._urgent.wait()
                    await asyncio.sleep(GATHER_SEC)
            self._woken.clear()
            self._urgent.clear()
            await self.tell()

    async def tell(self) -> None:
        """Tell what has gathered; wait until that came through."""
        news = [item for before in self._before.values() if (item := self._told(before)) is not None]
        self._before.clear()
        if not news:
            return
        self._number += 1
        message = msgspec.json.encode(Sheet(self._worker, self._number, tuple(news)))
        while True:
            try:
                await self._bulletin.post(KIND, message)
            except Away:
                await self._link.back()
            else:
                return

    def _told(self, before: Account) -> News | None:
        after = self._pool.get(before.id) if self._pool is not None else None
        return None if after is None else told(before, after, self._now())

    async def _hear(self, message: bytes) -> None:
        sheet = _sheets.decode(message)
        if self._pool is None or sheet.number <= self._seen.get(sheet.worker, 0):
            return
        self._seen[sheet.worker] = sheet.number
        for news in sheet.news:
            known = self._pool.get(news.id)
            if known is None:
                continue
            self._pool.replace(heard(known, news))
            if news.id in self._before:
                self._before[news.id] = heard(self._before[news.id], news)
