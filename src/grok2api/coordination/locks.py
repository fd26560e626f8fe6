"""Locks in Redis: a key that holds a token, for as long as its holder renews it.

A lock keeps two workers from doing the same work twice. It is no fence: a worker that stands still for longer than the
ttl wakes up without it, and what it does then is done twice. While Redis is away, `hold` locks within this process
only, and a `turn` is the first worker's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from grok2api.coordination.base import Away
from grok2api.coordination.link import Link, script
from grok2api.coordination.local import LocalLocks
from grok2api.transport.tasks import spawn

#: How long the lock of a turn outlives its holder. The turn itself may take as long as it takes.
_TURN_TTL_SEC = 10.0
#: The part of a period in which a turn counts as done: clocks that tick a little early shall not miss one.
_PERIOD = 0.9

#: KEYS: done, lock. ARGV: token, ttl.
_TAKE = script(
    """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
"""
)

_RENEW = script(
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
)

#: KEYS: done, lock. ARGV: token, how long it counts as done; 0 for a turn that failed, or for no turn at all.
_FREE = script(
    """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if tonumber(ARGV[2]) > 0 then redis.call('SET', KEYS[1], '1', 'PX', ARGV[2]) end
return 1
"""
)


class RedisLocks:
    """See `base.Locks`. `first`: whether this worker does what one must do while Redis is away."""

    def __init__(self, link: Link, token: Callable[[], str], *, first: bool) -> None:
        self._link = link
        self._token = token
        self._first = first
        self._here = LocalLocks()

    @asynccontextmanager
    async def hold(self, name: str, ttl: float = 10.0) -> AsyncIterator[bool]:
        async with self._here.hold(name) as free:
            if not free:
                yield False
                return
            async with self._there(name, ttl, done=0.0, alone=True) as mine:
                yield mine

    @asynccontextmanager
    async def turn(self, name: str, period: float) -> AsyncIterator[bool]:
        async with self._here.hold(name) as free:
            if not free:
                yield False
                return
            async with self._there(name, _TURN_TTL_SEC, done=period * _PERIOD, alone=self._first) as mine:
                yield mine

    @asynccontextmanager
    async def _there(self, name: str, ttl: float, *, done: float, alone: bool) -> AsyncIterator[bool]:
        keys = [self._link.key("done", name), self._link.key("lock", name)]
        token, length = self._token(), round(ttl * 1000)
        try:
            taken = bool(await self._link.run(_TAKE, keys, token, length))
        except Away:
            yield alone
            return
        if not taken:
            yield False
            return
        renewing = spawn(self._renew(keys[1], token, ttl), f"lock-{name}")
        succeeded = False
        try:
            yield True
            succeeded = True
        finally:
            renewing.cancel()
            with suppress(Away):  # then the lock ends by itself
                await self._link.run(_FREE, keys, token, max(1, round(done * 1000)) if succeeded and done else 0)

    async def _renew(self, key: str, token: str, ttl: float) -> None:
        while True:
            await asyncio.sleep(ttl / 3)
            with suppress(Away):
                await self._link.run(_RENEW, [key], token, round(ttl * 1000))
