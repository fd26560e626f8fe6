"""Tasks of other workers: what each tells is kept where all can read it; who ends one asks the worker that runs it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

import msgspec

from grok2api.admin.tasks import Followed, Snapshot, Task
from grok2api.transport.tasks import spawn

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Snapshot).decode


class TaskLog(Protocol):
    """Where events are kept, by task."""

    async def say(self, task: str, event: bytes) -> None: ...

    async def last(self, task: str) -> bytes | None: ...

    def events(self, task: str) -> AsyncGenerator[bytes, None]: ...


#: Has whoever runs a task end it, and waits for that.
End = Callable[[str], Awaitable[None]]


class Elsewhere:
    """See `tasks.Others`."""

    def __init__(self, log: TaskLog, end: End) -> None:
        self._log = log
        self._end = end

    def tell(self, task: Task) -> None:
        spawn(self._mirror(task), f"batch {task.ident} told")

    async def find(self, ident: str) -> Followed | None:
        return Distant(ident, self._log, self._end) if await self._log.last(ident) is not None else None

    async def _mirror(self, task: Task) -> None:
        async with aclosing(task.follow()) as events:
            async for event in events:
                await self._log.say(task.ident, _encode(event))


class Distant:
    """A task that another worker runs."""

    def __init__(self, ident: str, log: TaskLog, end: End) -> None:
        self._ident = ident
        self._log = log
        self._end = end

    async def show(self) -> Snapshot:
        """How it stood when it last said something."""
        last = await self._log.last(self._ident)
        assert last is not None, "it was there a moment ago"
        event = _decode(last)
        trouble = event.error if event.type != "progress" else msgspec.UNSET
        return msgspec.structs.replace(event, type="", item=msgspec.UNSET, detail=msgspec.UNSET, error=trouble)

    async def follow(self) -> AsyncGenerator[Snapshot, None]:
        """All that it said, and what it says from now on, to its end."""
        async with aclosing(self._log.events(self._ident)) as events:
            async for said in events:
                event = _decode(said)
                yield event
                if event.type not in ("snapshot", "progress"):
                    return

    async def end(self) -> None:
        """Have it ended where it runs."""
        await self._end(self._ident)
