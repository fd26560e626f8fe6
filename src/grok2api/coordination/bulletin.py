"""Messages to all workers: one stream in Redis that everybody reads from where he stands.

Who was away for a moment reads on from there and misses nothing. A message may ask for answers (`spread`): then every
worker that handled it says so in a message of its own.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from grok2api.coordination.base import Away, Handler, Refused, Spread
from grok2api.coordination.link import BLOCK_SEC, Link, script

#: Messages that are kept, and for how many seconds after the last one.
_KEPT = 20_000
_KEEP_SEC = 86_400
_AT_ONCE = 200
_ANSWER = "answer"

#: KEYS: stream. ARGV: kept, seconds, then fields and values.
_POST = script(
    """
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return id
"""
)

_log = structlog.stdlib.get_logger(__name__)


class _Answer(msgspec.Struct, frozen=True):
    """What a worker says to the message `to`; `refused` in words when it could not do it."""

    to: str
    refused: str = ""


class _Asked:
    """A message that waits for answers."""

    def __init__(self) -> None:
        self.answers: list[_Answer] = []
        self.changed = asyncio.Event()


_answers = msgspec.json.Decoder(_Answer)


class Bulletin:
    """The stream as one worker uses it. `others` says how many other workers there are."""

    def __init__(self, link: Link, worker: str, new_id: Callable[[], str], others: Callable[[], int]) -> None:
        self._link = link
        self._worker = worker
        self._new_id = new_id
        self._others = others
        self._stream = link.key("news")
        self._last: str | bytes = ""
        self._asked: dict[str, _Asked] = {}
        self._handlers: dict[str, Handler] = {}

    def handle(self, kinds: Mapping[str, Handler]) -> None:
        """Have messages of these kinds handled here."""
        self._handlers.update(kinds)

    async def post(self, kind: str, message: bytes, ask: str = "") -> None:
        """Tell the others, once. Raises `Away`; then it may have come through all the same."""
        fields = ("w", self._worker, "k", kind, "a", ask, "m", message)
        await self._link.run(_POST, [self._stream], _KEPT, _KEEP_SEC, *fields)

    async def spread(self, kind: str, message: bytes, wait: float) -> Spread:
        """Tell the others, and wait for all their answers, or `wait` seconds."""
        others, ident = self._others(), self._new_id()
        asked = self._asked[ident] = _Asked()
        try:
            async with asyncio.timeout(wait):
                await self.post(kind, message, ident)
                while len(asked.answers) < others:
                    await asked.changed.wait()
                    asked.changed.clear()
        except (TimeoutError, Away):
            pass  # whoever did not answer is missing in the count
        finally:
            del self._asked[ident]
        refused = tuple(answer.refused for answer in asked.answers if answer.refused)
        return Spread(others=others, done=len(asked.answers) - len(refused), refused=refused)

    async def tell(self, kind: str, message: bytes = b"") -> None:
        """Tell the others, if they can be reached."""
        with suppress(Away):
            await self.post(kind, message)

    async def begin(self) -> None:
        """Stand at the end of the stream: what is posted from now on will be read. Raises `Away`."""
        newest = await self._link.command("XREVRANGE", self._stream, "+", "-", "COUNT", 1)
        self._last = newest[0][0] if newest else "0-0"

    async def run(self) -> None:
        """Read for ever."""
        while True:
            try:
                if not self._last:
                    await self.begin()
                for ident, fields in await self._read():
                    self._last = ident
                    await self._take(fields)
            except Away:
                await self._link.back()
            except Exception:  # a message that nobody understands: the next one is read all the same
                _log.exception("a message of another worker could not be read")

    async def _read(self) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
        words = ("XREAD", "COUNT", _AT_ONCE, "BLOCK", round(BLOCK_SEC * 1000), "STREAMS", self._stream, self._last)
        found: list[Any] = await self._link.waiting(*words)
        return [entry for _, entries in found or () for entry in entries]

    async def _take(self, fields: Mapping[bytes, bytes]) -> None:
        sender, kind, ask = (fields.get(name, b"").decode() for name in (b"w", b"k", b"a"))
        message = fields.get(b"m", b"")
        if sender == self._worker:
            return
        if kind == _ANSWER:
            self._answered(message)
            return
        refused = await self._handled(kind, message)
        if ask:
            await self.post(_ANSWER, msgspec.json.encode(_Answer(ask, refused)))

    def _answered(self, message: bytes) -> None:
        answer = _answers.decode(message)
        asked = self._asked.get(answer.to)
        if asked is not None:
            asked.answers.append(answer)
            asked.changed.set()

    async def _handled(self, kind: str, message: bytes) -> str:
        """Do what the message asks for; why it was refused, or nothing."""
        handler = self._handlers.get(kind)
        if handler is None:
            return f"this worker knows no {kind}"
        try:
            await handler(message)
        except Refused as error:
            return str(error)
        except Exception as error:  # a bug of ours, or a message of a newer version
            _log.exception("a message of another worker could not be taken", kind=kind)
            return type(error).__name__
        return ""
