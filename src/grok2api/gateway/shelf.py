"""Responses and conversations that clients may come back to: written behind, and there at once.

What was answered waits in memory until it is written, within a second, and is found here meanwhile. A store that is
away fails no answer: what waits stays, up to a bound, and then the oldest is lost. Another process may be asked for
what this one has not written yet; where there are several, who finds nothing looks again for a moment.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import msgspec
import structlog

from grok2api.canonical.stored import Chain, Conversation, Stored
from grok2api.storage.errors import RefusedValues, StoreError

#: How far back a conversation goes at most: responses of a chain, items of a conversation.
MOST_RESPONSES = 1000
MOST_ITEMS = 10_000

#: Answers that wait for being written, at most: how many, and their bytes.
_WAITING = 10_000
_WAITING_BYTES = 64 * 1024 * 1024
_BATCH = 50
#: Pauses, in seconds, between looks for what another process may be about to write.
_LOOKS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
#: Seconds that the end of a turn waits for its being written, where other processes must see it.
_WRITE_SEC = 2.0

Item = Mapping[str, Any]
T = TypeVar("T")

_log = structlog.stdlib.get_logger(__name__)


class Responses(Protocol):
    """See `storage.responses`. Raises `StoreError`."""

    async def put(self, stored: Sequence[Stored]) -> None: ...
    async def get(self, ident: str) -> Stored | None: ...
    async def some(self, idents: Collection[str]) -> dict[str, Stored]: ...
    async def chain(self, ident: str, most: int, largest: int) -> Chain: ...
    async def remove(self, ident: str) -> bool: ...


class Conversations(Protocol):
    """See `storage.conversations`. Raises `StoreError`."""

    async def get(self, ident: str) -> Conversation | None: ...
    async def append(self, ident: str, more: Sequence[Item], now: float, account: str | None = None) -> bool: ...
    async def whole(self, ident: str, most: int, largest: int) -> tuple[list[Item], int] | None: ...
    async def find(self, wanted: Collection[str], owner: str) -> dict[str, Item]: ...


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, as it is to be written.

    keeps: whether the response itself is stored. items: what is added to its conversation. size: about so many bytes.
    """

    stored: Stored
    keeps: bool
    items: Sequence[Item] = ()
    size: int = 0


class Shelf:
    """Finds and keeps. `wake` is called when there is something to write; `shared` says whether others serve too."""

    def __init__(
        self,
        responses: Responses,
        conversations: Conversations,
        wake: Callable[[], None],
        shared: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._responses = responses
        self._conversations = conversations
        self._wake = wake
        self._shared = shared
        self._sleep = sleep
        self._waiting: dict[str, Kept] = {}
        self._bytes = 0
        self._writing = asyncio.Lock()

    # --- keeping

    def take(self, kept: Kept) -> None:
        """Keep an answer; it is found from now on."""
        self._drop(kept.stored.id)
        self._waiting[kept.stored.id] = kept
        self._bytes += kept.size
        lost = 0
        while len(self._waiting) > _WAITING or (self._bytes > _WAITING_BYTES and len(self._waiting) > 1):
            self._drop(next(iter(self._waiting)))
            lost += 1
        if lost:
            _log.error("responses were lost, because the store takes none", responses=lost)
        self._wake()

    async def write(self) -> None:
        """Write what waits, the oldest first. Raises `StoreError`; what was not written stays."""
        async with self._writing:
            for kept in _batches(list(self._waiting.values())):
                try:
                    await self._write(kept)
                except RefusedValues:
                    await self._write_each(kept)

    async def written(self, kept: Kept) -> None:
        """Have a turn of a conversation written where other processes need it for the next; waits for a bit at most."""
        if kept.items and self._shared():
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(_WRITE_SEC):
                    await self.write()

    async def _write(self, some: Sequence[Kept]) -> None:
        stored = [kept.stored for kept in some if kept.keeps]
        if stored:
            await self._responses.put(stored)
        for kept in some:
            if kept.items and kept.stored.conversation is not None:
                one = kept.stored
                await self._conversations.append(kept.stored.conversation, kept.items, one.created_at, one.account)
        for kept in some:
            if self._waiting.get(kept.stored.id) is kept:
                self._drop(kept.stored.id)

    async def _write_each(self, some: Sequence[Kept]) -> None:
        """One by one; the store takes one of them for impossible, and that is given up."""
        for kept in some:
            try:
                await self._write([kept])
            except RefusedValues as error:
                _log.error("a response cannot be written", response=kept.stored.id, reason=str(error))
                self._drop(kept.stored.id)

    def _drop(self, ident: str) -> None:
        kept = self._waiting.pop(ident, None)
        if kept is not None:
            self._bytes -= kept.size

    # --- finding

    async def get(self, ident: str, owner: str) -> Stored | None:
        """The response of that id and this owner. Raises `StoreError`."""
        waiting = self._stored(ident)
        found = waiting or await self._look(lambda: self._responses.get(ident), lambda found: found is not None)
        return found if found is not None and found.owner == owner else None

    async def chain(self, ident: str, owner: str, largest: int) -> Chain:
        """That response and all before it, which take at most `largest` bytes. Raises `StoreError`."""
        found = Chain(missing=ident)
        while (at := found.missing) is not None and not found.too_long:
            most, room = MOST_RESPONSES - len(found.responses), largest - found.size
            older = self._fresh(at, most, room) or await self._older(at, most, room)
            if not (older.responses or older.too_long):
                break
            found = Chain((*older.responses, *found.responses), older.size + found.size, older.missing, older.too_long)
        if found.too_long or (found.responses and found.responses[-1].owner != owner):
            return Chain(too_long=found.too_long, missing=ident)
        return found

    def _fresh(self, ident: str, most: int, largest: int) -> Chain | None:
        """What waits of that response and those before it; None when that is nothing."""
        fresh: list[Stored] = []
        size = 0
        at: str | None = ident
        while at is not None and (one := self._stored(at)) is not None:
            fresh.append(one)
            size += self._waiting[at].size
            at = one.previous
            if len(fresh) > most or size > largest:
                return Chain(too_long=True)
        return Chain(tuple(reversed(fresh)), size, at) if fresh else None

    async def _older(self, ident: str, most: int, largest: int) -> Chain:
        return await self._look(
            lambda: self._responses.chain(ident, most, largest),
            lambda found: found.too_long or found.missing is None or self._stored(found.missing) is not None,
        )

    async def some(self, idents: Collection[str], owner: str) -> dict[str, Stored]:
        """Those of these responses that are there and this owner's. Raises `StoreError`."""
        fresh = {ident: one for ident in idents if (one := self._stored(ident)) is not None}
        older = [ident for ident in idents if ident not in fresh]
        found = fresh | (await self._responses.some(older) if older else {})
        return {ident: one for ident, one in found.items() if one.owner == owner}

    async def remove(self, ident: str, owner: str) -> bool:
        """Forget a response, and not its turn of a conversation; whether there was one. Raises `StoreError`."""
        if await self.get(ident, owner) is None:
            return False
        async with self._writing:
            await self._responses.remove(ident)
            kept = self._waiting.get(ident)
            if kept is not None and kept.items:
                self._waiting[ident] = msgspec.structs.replace(kept, keeps=False)
            else:
                self._drop(ident)
        return True

    async def conversation(self, ident: str, owner: str) -> Conversation | None:
        """The conversation of that id and this owner. Raises `StoreError`."""
        found = await self._conversations.get(ident)
        if found is None or found.owner != owner:
            return None
        last = next((one for one in reversed(self._turns(ident)) if one.stored.account is not None), None)
        return found if last is None else msgspec.structs.replace(found, account=last.stored.account)

    async def items(self, conversation: str, largest: int) -> tuple[list[Item], int] | None:
        """All items of a conversation, and about their bytes; None when they are too many. Raises `StoreError`."""
        turns = self._turns(conversation)
        fresh = {item["id"]: item for kept in turns for item in kept.items}
        found = await self._conversations.whole(conversation, MOST_ITEMS, largest)
        if found is None:
            return None
        items, size = found
        for item in items:
            fresh.pop(item["id"], None)
        return [*items, *fresh.values()], size + sum(kept.size for kept in turns)

    async def find(self, items: Collection[str], owner: str) -> dict[str, Item]:
        """Items of conversations, by their ids. Raises `StoreError`."""
        return await self._conversations.find(items, owner)

    def _stored(self, ident: str) -> Stored | None:
        kept = self._waiting.get(ident)
        return kept.stored if kept is not None and kept.keeps else None

    def _turns(self, conversation: str) -> list[Kept]:
        return [kept for kept in self._waiting.values() if kept.stored.conversation == conversation]

    async def _look(self, find: Callable[[], Awaitable[T]], enough: Callable[[T], bool]) -> T:
        """What is found, if need be after some looks."""
        found = await find()
        for pause in _LOOKS if self._shared() else ():
            if enough(found):
                break
            await self._sleep(pause)
            found = await find()
        return found


def _batches(waiting: Sequence[Kept]) -> list[Sequence[Kept]]:
    return [waiting[start : start + _BATCH] for start in range(0, len(waiting), _BATCH)]
