"""Locks in Redis: a key that holds a token, for as long as its holder renews it.

A lock keeps two workers from doing the same thing at the same time. It is no fence: a worker that stands still for
longer than the ttl wakes up without it. While Redis is away, locks hold within this process only.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from grok2api.coordination.base import Away
from grok2api.coordination.link import Link, script
from grok2api.coordination.local import LocalLocks
from grok2api.transport.tasks import spawn

_RENEW = script(
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
)
_FREE = script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")


class RedisLocks:
    """See `base.Locks`."""

    def __init__(self, link: Link, token: Callable[[], str]) -> None:
        self._link = link
        self._token = token
        self._here = LocalLocks()

    @asynccontextmanager
    async def hold(self, name: str, ttl: float = 10.0) -> AsyncIterator[bool]:
        async with self._here.hold(name) as free:
            if not free:
                yield False
                return
            async with self._there(self._link.key("lock", name), ttl) as mine:
                yield mine

    @asynccontextmanager
    async def _there(self, key: str, ttl: float) -> AsyncIterator[bool]:
        token, length = self._token(), round(ttl * 1000)
        try:
            taken = await self._link.command("SET", key, token, "NX", "PX", length)
        except Away:
            yield True
            return
        if not taken:
            yield False
            return
        renewing = spawn(self._renew(key, token, ttl), f"renewing {key}")
        try:
            yield True
        finally:
            renewing.cancel()
            with suppress(Away):  # then the lock ends by itself
                await self._link.run(_FREE, [key], token)

    async def _renew(self, key: str, token: str, ttl: float) -> None:
        while True:
            await asyncio.sleep(ttl / 3)
            with suppress(Away):
                await self._link.run(_RENEW, [key], token, round(ttl * 1000))
