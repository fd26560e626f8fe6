"""Changes of single accounts, written together with those that come while a write is under way.

A batch that tags a thousand accounts one by one as their switches are turned is a few writes, not a thousand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from grok2api.accounts.model import Account
from grok2api.transport.tasks import spawn

How = Callable[[Account], Account]
Write = Callable[[Mapping[str, How]], Awaitable[Collection[str]]]


class Together:
    """`write` changes accounts by id and tells the ids of those that it found."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[tuple[str, How, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def change(self, ident: str, how: How) -> bool:
        """The account becomes `how` of it; whether it is there. Raises what the write raised."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((ident, how, done))
        if self._writing is None or self._writing.done():
            self._writing = spawn(self._drain(), "changes together")
        return await done

    async def _drain(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting, []
            try:
                found = await self._write(_by_account(some))
            except Exception as error:
                for _, _, done in some:
                    if not done.done():
                        done.set_exception(error)
            else:
                for ident, _, done in some:
                    if not done.done():
                        done.set_result(ident in found)


def _by_account(some: Collection[tuple[str, How, asyncio.Future[bool]]]) -> Mapping[str, How]:
    """One change for each account: its own, in the order in which they came."""
    hows: dict[str, How] = {}
    for ident, how, _ in some:
        hows[ident] = _then(hows[ident], how) if ident in hows else how
    return hows


def _then(first: How, second: How) -> How:
    return lambda account: second(first(account))
