"""The lead: one worker of all does the periodic work.

Whoever finds the lead free takes it and keeps it by renewing it; when he ends or is killed, another has it seconds
later. While Redis is away the first worker of each machine leads.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from grok2api.coordination.base import Away
from grok2api.coordination.link import Link, script
from grok2api.transport.tasks import spawn

TTL_SEC = 6.0

#: KEYS: lead. ARGV: token, ttl. Returns whether the lead is the token's.
_TAKE = script(
    """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
"""
)

_LEAVE = script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")


class Lead:
    """This worker's claim to the lead."""

    def __init__(self, link: Link, worker: str, *, first: bool, ttl: float = TTL_SEC) -> None:
        self.mine = False
        self._link = link
        self._worker = worker
        self._first = first
        self._ttl = ttl
        self._key = link.key("lead")
        self._taken: list[Callable[[], Coroutine[Any, Any, None]]] = []

    def when_taken(self, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have `do` done each time that this worker takes the lead."""
        self._taken.append(do)

    async def run(self) -> None:
        """Take the lead when it is free, and keep it, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(self._ttl / 3)

    async def look(self) -> None:
        """See whose the lead is now."""
        try:
            mine = bool(await self._link.run(_TAKE, [self._key], self._worker, round(self._ttl * 1000)))
        except Away:
            mine = self._first
        taken = mine and not self.mine
        self.mine = mine
        if taken:
            for do in self._taken:
                spawn(do(), "lead taken")

    async def leave(self) -> None:
        """Let another have it."""
        self.mine = False
        with suppress(Away):  # then it ends by itself
            await self._link.run(_LEAVE, [self._key], self._worker)
