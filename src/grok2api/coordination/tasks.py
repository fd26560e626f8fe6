"""Task logs in Redis: a stream for each task.

What cannot be sent while Redis is away is kept, and sent with the next event or when Redis is back.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from grok2api.coordination.base import Away
from grok2api.coordination.link import BLOCK_SEC, Link, script

#: How long a log is kept after its last word.
KEEP_SEC = 300.0
#: Events of one task that are kept; the oldest go first.
MOST = 10_000

_AT_ONCE = 500

#: KEYS: log. ARGV: most, ttl, events.
_SAY = script(
    """
for at = 3, #ARGV do redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'e', ARGV[at]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)


class RedisTasks:
    """See `base.TaskLog`."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._unsent: dict[str, list[bytes]] = {}
        self._sending = asyncio.Lock()

    async def say(self, task: str, event: bytes) -> None:
        self._unsent.setdefault(task, []).append(event)
        async with self._sending:
            with suppress(Away):
                await self._send()

    async def last(self, task: str) -> bytes | None:
        try:
            found = await self._link.command("XREVRANGE", self._log(task), "+", "-", "COUNT", 1)
        except Away:
            return None
        return found[0][1][b"e"] if found else None

    async def events(self, task: str) -> AsyncGenerator[bytes, None]:
        after: str | bytes = "0"
        while True:
            try:
                if not await self._link.command("EXISTS", self._log(task)):
                    return
                found = await self._after(task, after)
            except Away:
                await self._link.back()
                continue
            for ident, event in found:
                after = ident
                yield event

    async def run(self) -> None:
        """Send for ever what was kept back while Redis was away."""
        while True:
            await self._link.gone()
            await self._link.back()
            async with self._sending:
                with suppress(Away):
                    await self._send()

    async def _send(self) -> None:
        for task, events in list(self._unsent.items()):
            while some := events[:_AT_ONCE]:
                await self._link.run(_SAY, [self._log(task)], MOST, round(KEEP_SEC * 1000), *some)
                del events[: len(some)]
            if self._unsent.get(task) is events and not events:
                del self._unsent[task]

    async def _after(self, task: str, after: str | bytes) -> list[tuple[bytes, bytes]]:
        """Events after that id, each with its own; none when none came for a while. Raises `Away`."""
        words = ("XREAD", "COUNT", _AT_ONCE, "BLOCK", round(BLOCK_SEC * 1000), "STREAMS", self._log(task), after)
        found = await self._link.waiting(*words)
        return [(ident, fields[b"e"]) for _, entries in found or () for ident, fields in entries]

    def _log(self, task: str) -> str:
        return self._link.key("task", task)
