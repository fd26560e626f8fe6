"""What every coordinator offers, whether there is one worker or many."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import msgspec

from grok2api.accounts.model import Account
from grok2api.accounts.sharing import Sharing


class Away(Exception):  # noqa: N818 - a state of the world that callers live with, not a failure of theirs
    """The coordinator cannot be reached; the text says why and holds no secrets."""


class Refused(Exception):  # noqa: N818 - the answer of a handler that cannot do what it was asked for
    """Why this worker does not do it, in words for the operator, without secrets."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands between the workers.

    kind: `local` or `redis`. workers: how many were alive at the last beat. away: why the coordinator cannot be
    reached, or nothing. since: when that began, in seconds of the epoch.
    """

    kind: str
    workers: int = 1
    away: str = ""
    since: float | None = None


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How far a message came: of the `others`, how many did what it asked for, and what those said who refused."""

    others: int = 0
    done: int = 0
    refused: tuple[str, ...] = ()

    @property
    def everywhere(self) -> bool:
        """Whether every other worker did it."""
        return self.done == self.others


#: Does what a message of another worker asks for. Raises `Refused` when it cannot.
Handler = Callable[[bytes], Awaitable[None]]


class Accounts(Protocol):
    """The pool, as news need it."""

    def get(self, ident: str) -> Account | None: ...

    def replace(self, account: Account) -> None: ...


class Locks(Protocol):
    """Locks over all workers."""

    def hold(self, name: str, ttl: float = 10.0) -> AbstractAsyncContextManager[bool]:
        """Try to take a lock for the length of the context; yields whether it is held.

        It is renewed while the context lasts, and is free `ttl` seconds after its holder was killed.
        """
        ...


class TaskLog(Protocol):
    """What long tasks tell while they run, readable from every worker, and kept for a while after the last word."""

    async def say(self, task: str, event: bytes) -> None:
        """Add an event to a task's log; the first one makes the log."""
        ...

    async def last(self, task: str) -> bytes | None:
        """The newest event; `None` when there is no such log."""
        ...

    def events(self, task: str) -> AsyncGenerator[bytes, None]:
        """Yield the events from the first on, and wait for more; the reader stops at the one that it knows is last."""
        ...


class Coordinator(Protocol):
    """All of it. `sharing`, which the pool needs, and `tasks` are `None` when there are no other workers."""

    @property
    def locks(self) -> Locks: ...

    @property
    def tasks(self) -> TaskLog | None: ...

    @property
    def sharing(self) -> Sharing | None: ...

    @property
    def leads(self) -> bool:
        """Whether this worker does the periodic work."""
        ...

    def when_leading(self, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have `do` done each time that this worker takes the lead from another."""
        ...

    def status(self) -> Status: ...

    async def tell(self, kind: str, message: bytes = b"") -> None:
        """Have every other worker's handler of `kind` do something, if the others can be reached."""
        ...

    async def spread(self, kind: str, message: bytes, wait: float = 0.0) -> Spread:
        """Have every other worker's handler of `kind` do something; wait for their answers at most `wait` seconds."""
        ...

    def handle(self, kinds: Mapping[str, Handler]) -> None:
        """Have messages of these kinds handled here."""
        ...

    def running(self, pool: Accounts) -> AbstractAsyncContextManager[None]:
        """Keep `pool` abreast of the other workers', and them of it, until the context ends."""
        ...
