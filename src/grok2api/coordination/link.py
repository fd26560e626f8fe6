"""The way to Redis (or Valkey): commands that are bounded in time, and one state for all of them.

Nothing waits longer than `QUICK_SEC` for an answer. After the first failure the link is *away*: commands fail at once
until a probe, sent by the ledger's beat, gets through. So a Redis that is gone, or silent, costs one request a quarter
of a second, and the others nothing.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as Late
from redis.maint_notifications import MaintNotificationsConfig

from grok2api.coordination.base import Away

#: Longest wait for an answer, connecting included.
QUICK_SEC = 0.25
#: Valkey's own names for what its protocol calls as Redis does.
_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}
#: The steps in which patience runs out.
_STEPS = 5
#: How long a reader lets Redis hold a question for which there is no answer yet.
BLOCK_SEC = 1.0

_log = structlog.stdlib.get_logger(__name__)


class Script(msgspec.Struct, frozen=True):
    """A Lua script and the name that Redis knows it by."""

    text: str
    sha: str


def script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class Link:
    """Commands to one Redis. `prefix` begins every key of this installation."""

    def __init__(self, url: str, prefix: str) -> None:
        self.prefix = prefix
        self.address = address(url)
        self.away = ""
        self.since: float | None = None
        self._speaks = False
        self._back = asyncio.Event()
        self._back.set()
        self._gone = asyncio.Event()
        self._client = _client(url)

    def key(self, *parts: str) -> str:
        return self.prefix + ":".join(parts)

    async def command(self, *words: str | bytes | float) -> Any:
        """The answer to one command. Raises `Away`."""
        return await self._asked(QUICK_SEC, words)

    async def waiting(self, *words: str | bytes | float) -> Any:
        """The answer to a command that Redis may hold for `BLOCK_SEC`. Raises `Away`."""
        return await self._asked(BLOCK_SEC + QUICK_SEC, words)

    async def run(self, what: Script, keys: Sequence[str], *args: str | bytes | float) -> Any:
        """What a script returns. Raises `Away`."""
        if self.away:
            raise Away(self.away)
        return await self._run(what, keys, args)

    async def probe(self, what: Script, keys: Sequence[str], *args: str | bytes | float) -> Any:
        """What a script returns, tried even while the link is away; success ends that. Raises `Away`."""
        answer = await self._run(what, keys, args)
        if self.away:
            if self._speaks:
                away_sec = round(time.time() - (self.since or 0), 1)
                _log.info("the coordinator is back", redis=self.address, away_sec=away_sec)
            self.away, self.since = "", None
            self._gone.clear()
            self._back.set()
        return answer

    def speak(self) -> None:
        """Tell the log from now on when Redis goes and comes; before, whoever asks is told, and that is all."""
        self._speaks = True
        if self.away:
            self._say(self.away)

    async def gone(self) -> None:
        """Wait until Redis does not answer."""
        await self._gone.wait()

    async def back(self) -> None:
        """Wait until Redis answers again."""
        await self._back.wait()

    async def close(self) -> None:
        await self._client.aclose()

    async def _asked(self, limit: float, words: Sequence[str | bytes | float]) -> Any:
        if self.away:
            raise Away(self.away)
        try:
            async with patience(limit):
                return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            raise self._failed(error) from None

    async def _run(self, what: Script, keys: Sequence[str], args: Sequence[str | bytes | float]) -> Any:
        rest = (len(keys), *keys, *args)
        try:
            async with patience(QUICK_SEC):
                try:
                    return await self._client.execute_command("EVALSHA", what.sha, *rest)  # type: ignore[no-untyped-call]
                except NoScriptError:
                    return await self._client.execute_command("EVAL", what.text, *rest)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> Away:
        reason = f"{self.address} {_said(error)}"
        if not self.away:
            self.since = time.time()
            self._back.clear()
            self._gone.set()
            self._say(reason)
        self.away = reason
        return Away(reason)

    def _say(self, reason: str) -> None:
        if self._speaks:
            _log.warning("the coordinator is away; each worker keeps to its share", reason=reason)


@asynccontextmanager
async def patience(limit: float) -> AsyncIterator[None]:
    """Raises `TimeoutError` after `limit` seconds in which an answer could have been heard.

    While the event loop is busy with something else nobody hears anything; such time does not count, within reason.
    """
    loop = asyncio.get_running_loop()
    step = limit / _STEPS
    timer: asyncio.TimerHandle

    def tick(due: float, left: int, late: int) -> None:
        nonlocal timer
        now = loop.time()
        if now - due > step and late:
            late -= 1
        else:
            left -= 1
        if left:
            timer = loop.call_at(now + step, tick, now + step, left, late)
        else:
            bound.reschedule(now)

    async with asyncio.timeout(None) as bound:
        timer = loop.call_later(step, tick, loop.time() + step, _STEPS, 3 * _STEPS)
        try:
            yield
        finally:
            timer.cancel()


def _client(url: str) -> Redis:
    """A client without time limits of its own: those of redis-py cost a task a command, and may swallow the
    cancellation of whoever waits."""
    scheme, _, rest = url.partition("://")
    return Redis.from_url(
        f"{_SCHEMES.get(scheme, scheme)}://{rest}",
        socket_timeout=None,
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), 0),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


def address(url: str) -> str:
    """The server of a URL, without its user and password."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}"


def _said(error: Exception) -> str:
    """Why Redis could not be used, without its own words: they may quote what was sent."""
    if isinstance(error, Late | TimeoutError):
        return "did not answer in time"
    if isinstance(error, Unreachable | OSError):
        return "cannot be reached"
    code = str(error).split(" ", 1)[0]
    return f"refused a command ({code if code.isupper() else type(error).__name__})"
