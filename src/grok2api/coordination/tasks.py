"""Task logs in Redis: a stream for each task, beside the log that the worker keeps which runs it.

What could not be sent while Redis was away is sent with the next event.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from grok2api.coordination.base import Away
from grok2api.coordination.link import BLOCK_SEC, Link, script
from grok2api.coordination.local import KEEP_SEC, LocalTasks

_KEEP = round(KEEP_SEC * 1000)
_AT_ONCE = 500

#: KEYS: log. ARGV: ttl, events.
_SAY = script(
    """
for at = 2, #ARGV do redis.call('XADD', KEYS[1], '*', 'e', ARGV[at]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""
)


class RedisTasks:
    """See `base.TaskLog`."""

    def __init__(self, link: Link, here: LocalTasks) -> None:
        self._link = link
        self._here = here
        self._sent: dict[str, int] = {}
        self._sending = asyncio.Lock()

    async def say(self, task: str, event: bytes) -> None:
        await self._here.say(task, event)
        async with self._sending:
            with suppress(Away):
                await self._send(task)

    async def _send(self, task: str) -> None:
        if task not in self._sent:
            self._sent = {name: count for name, count in self._sent.items() if self._here.said(name, 0)}
        sent = self._sent.get(task, 0)
        while some := self._here.said(task, sent)[:_AT_ONCE]:
            await self._link.run(_SAY, [self._log(task)], _KEEP, *some)
            sent = self._sent[task] = sent + len(some)

    async def known(self, task: str) -> bool:
        return await self._here.known(task) or await self._is(self._log(task))

    async def events(self, task: str) -> AsyncIterator[bytes]:
        if await self._here.known(task):
            async for event in self._here.events(task):
                yield event
            return
        last: str | bytes = "0"
        while True:
            try:
                if not await self._link.command("EXISTS", self._log(task)):
                    return
                found = await self._after(task, last)
            except Away:
                await self._link.back()
                continue
            for ident, event in found:
                last = ident
                yield event

    async def cancel(self, task: str) -> None:
        await self._here.cancel(task)
        with suppress(Away):
            await self._link.command("SET", self._stop(task), "1", "PX", _KEEP)

    async def cancelled(self, task: str) -> bool:
        return await self._here.cancelled(task) or await self._is(self._stop(task))

    async def _after(self, task: str, last: str | bytes) -> list[tuple[bytes, bytes]]:
        """Events after the id `last`, each with its id; none when none came for a while. Raises `Away`."""
        words = ("XREAD", "COUNT", _AT_ONCE, "BLOCK", round(BLOCK_SEC * 1000), "STREAMS", self._log(task), last)
        found = await self._link.waiting(*words)
        return [(ident, fields[b"e"]) for _, entries in found or () for ident, fields in entries]

    async def _is(self, key: str) -> bool:
        try:
            return bool(await self._link.command("EXISTS", key))
        except Away:
            return False

    def _log(self, task: str) -> str:
        return self._link.key("task", task)

    def _stop(self, task: str) -> str:
        return self._link.key("task", task, "stop")
