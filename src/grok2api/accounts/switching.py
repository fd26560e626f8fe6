"""Turning adult content on or off for many accounts: so many at a time, a result for each.

Async, and it knows neither the store nor the admin API: the caller says how an account is found and how a change of
one is written. Two things are written: the tag `nsfw`, which says what the switch is, and the state of an account that
the upstream disowned by name. No other refusal touches the account: a switch that cannot be turned is no reason not to
converse.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Protocol

import msgspec

from grok2api.accounts.lifecycle import OUTCOMES, settle
from grok2api.accounts.model import Account, Kind
from grok2api.accounts.resting import Attempt, Policy
from grok2api.canonical.problem import Kind as Cause
from grok2api.canonical.problem import Problem, Refusal
from grok2api.transport.tasks import spawn
from grok2api.upstreams.base import Credential

TAG = "nsfw"

#: The refusals that are about the account itself.
_NAMED = (Cause.CREDENTIAL, Cause.BLOCKED)

How = Callable[[Account], Account]


class Switch(Protocol):
    """The upstream's side."""

    async def nsfw(self, credential: Credential, enabled: bool) -> None:
        """Turn it. Raises `Refusal`."""
        ...


class Change(Protocol):
    """The administrative write: the account becomes `how` of it; whether that was written."""

    def __call__(self, ident: str, how: How) -> Awaitable[bool]: ...


class Item(msgspec.Struct, frozen=True):
    """What came of one account. `error` is empty when the switch is turned; `tagged`, when the tag says so too."""

    account_id: str
    error: str = ""
    tagged: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """The result as the admin API tells it."""
        return {"error": self.error} if self.error else {"success": True, "tagged": self.tagged}


class Switching:
    """The batch. `find` looks an account up by id, `now` tells epoch seconds."""

    def __init__(
        self, switch: Switch, find: Callable[[str], Account | None], change: Change, now: Callable[[], float]
    ) -> None:
        self._switch = switch
        self._find = find
        self._change = change
        self._now = now

    async def one(self, ident: str, enabled: bool) -> Item:
        """Turn the switch of one account."""
        account = self._find(ident)
        if account is None:
            return Item(ident, "There is no such account.")
        if account.kind is Kind.API:
            return Item(ident, "An official key has no such switch.")
        try:
            await self._switch.nsfw(account.credential, enabled)
        except Refusal as refused:
            await self._blame(ident, refused.problem)
            return Item(ident, refused.problem.message)
        return Item(ident, tagged=await self._change(ident, lambda known: tagged(known, enabled)))

    async def many(self, idents: Iterable[str], enabled: bool, concurrency: int) -> AsyncIterator[Item]:
        """Turn the switches of these, each once, as they are done. Closing it ends what is under way."""
        waiting = iter(dict.fromkeys(idents))
        done: asyncio.Queue[Item | None] = asyncio.Queue()

        async def work() -> None:
            try:
                for ident in waiting:
                    done.put_nowait(await self.one(ident, enabled))
            finally:
                done.put_nowait(None)

        workers = [spawn(work(), "nsfw switch") for _ in range(max(1, concurrency))]
        left = len(workers)
        try:
            while left:
                item = await done.get()
                if item is None:
                    left -= 1
                else:
                    yield item
            for worker in workers:
                worker.result()  # a bug must not look like a short list
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _blame(self, ident: str, problem: Problem) -> None:
        if problem.kind in _NAMED:
            now = self._now()
            await self._change(ident, lambda known: blamed(known, problem, now))


def tagged(account: Account, enabled: bool) -> Account:
    """The account with the tag, or without it."""
    others = tuple(tag for tag in account.tags if tag != TAG)
    return msgspec.structs.replace(account, tags=(*others, TAG) if enabled else others)


def blamed(account: Account, problem: Problem, now: float) -> Account:
    """The account after a refusal that names it."""
    attempt = Attempt("", now, said=f"{problem.kind}: {problem.message}")
    return settle(account, OUTCOMES[problem.kind], attempt, Policy())[0]
