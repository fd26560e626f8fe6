"""What the endpoints work with: the parts of the running gateway, each as a protocol of just what is asked of it.

The composition root hands in the real ones.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from grok2api.accounts.explain import Explanation
from grok2api.accounts.model import Account
from grok2api.accounts.pool import Census
from grok2api.accounts.query import Filter, Note, Order, Page, Status
from grok2api.admin.tasks import Steps, Tasks
from grok2api.catalog import Tier
from grok2api.config.configured import Configured


class Spread(Protocol):
    """How far a change came: of the `others`, how many put it in force, and what those said who refused."""

    @property
    def others(self) -> int: ...

    @property
    def done(self) -> int: ...

    @property
    def refused(self) -> tuple[str, ...]: ...


class Workers(msgspec.Struct, frozen=True):
    """How far a change came: of the `others`, those that put it in force too, and what they said who did not."""

    others: int = 0
    done: int = 0
    refused: tuple[str, ...] = ()


async def _nobody(_: Mapping[str, Any]) -> Spread:
    return Workers()


class Added(Protocol):
    """What was added: the accounts, the ids of those that were here already, and of those that came back."""

    @property
    def added(self) -> tuple[Account, ...]: ...

    @property
    def known(self) -> tuple[str, ...]: ...

    @property
    def restored(self) -> tuple[str, ...]: ...

    @property
    def change_id(self) -> int | None: ...


class Changed(Protocol):
    """The accounts as they are now."""

    @property
    def accounts(self) -> tuple[Account, ...]: ...

    @property
    def change_id(self) -> int | None: ...


class Removed(Protocol):
    """How many there were."""

    @property
    def count(self) -> int: ...

    @property
    def change_id(self) -> int | None: ...


class Replaced(Protocol):
    """What replacing the content of pools came to."""

    @property
    def added(self) -> tuple[Account, ...]: ...

    @property
    def change_id(self) -> int | None: ...


class Undone(Protocol):
    """How many accounts were put back, and the ids of those that could not be."""

    @property
    def count(self) -> int: ...

    @property
    def skipped(self) -> tuple[str, ...]: ...


class Change(Protocol):
    """One entry of the audit."""

    @property
    def id(self) -> int: ...

    @property
    def at(self) -> float: ...

    @property
    def actor(self) -> str: ...

    @property
    def action(self) -> str: ...

    @property
    def detail(self) -> str: ...

    @property
    def count(self) -> int: ...

    @property
    def undone_at(self) -> float | None: ...

    @property
    def undo_until(self) -> float | None: ...


class Store(Protocol):
    """Accounts as they are kept. Every method raises `StoreError`."""

    async def revision(self) -> int: ...

    async def find(self, references: Sequence[str]) -> dict[str, str]: ...

    async def get(self, ids: Iterable[str]) -> list[Account]: ...

    async def page(self, which: Filter, order: Order, offset: int, limit: int, now: float) -> Page: ...

    async def match(self, which: Filter, now: float) -> list[str]: ...

    async def count(self, which: Filter, now: float) -> int: ...

    async def tally(self, now: float) -> dict[tuple[Tier, Status], int]: ...

    async def tags(self) -> dict[str, int]: ...

    def iterate(self, which: Filter, now: float) -> AsyncIterator[Account]: ...

    async def changes(self, limit: int, before_id: int | None = None) -> Sequence[Change]: ...

    async def add(self, fresh: Sequence[Account], note: Note) -> Added: ...

    async def change(self, ids: Collection[str], how: Callable[[Account], Account], note: Note) -> Changed: ...

    async def remove(self, ids: Collection[str], note: Note) -> Removed: ...

    async def replace(
        self,
        fresh: Sequence[Account],
        changed: Mapping[str, Callable[[Account], Account]],
        gone: Collection[str],
        note: Note,
    ) -> Replaced: ...

    async def undo(self, change_id: int, note: Note) -> Undone: ...


class Pool(Protocol):
    """Accounts as they serve."""

    def get(self, ident: str) -> Account | None: ...

    def in_flight(self, ident: str) -> int: ...

    def explain(self, ident: str) -> Explanation | None: ...

    def census(self) -> Census: ...

    def list(self) -> tuple[Account, ...]: ...

    def __len__(self) -> int: ...


class StorageReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the store is.

    type: `sqlite`, `postgresql` or `mysql`. healthy: whether it could be used the last time; it is so since `since`.
    trouble: what is wrong, in words. waiting: accounts whose counters are still to be written.
    """

    type: str
    healthy: bool
    since: int
    trouble: str
    waiting: int


class WorkersReport(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands between the workers.

    kind: `local` or `redis`. workers: how many are alive. away: why Redis cannot be reached, or nothing; since when, in
    seconds of the epoch.
    """

    kind: str = "local"
    workers: int = 1
    away: str = ""
    since: float | None = None


class Parts(msgspec.Struct, kw_only=True):
    """The parts.

    now: epoch seconds. new_id: an id for a new account. flush: write what serving changed. sync: take over what was
    administered; whether anything was. revision: the one that is taken over. refresh, switch_nsfw: work over
    accounts, so many at once. storage, jobs, egress, counters, workers: what `status` tells. document: makes the
    OpenAPI document. spread: have settings that changed here change in every other worker.
    """

    configured: Configured
    store: Store
    pool: Pool
    tasks: Tasks
    now: Callable[[], float]
    new_id: Callable[[], str]
    flush: Callable[[], Awaitable[None]]
    sync: Callable[[], Awaitable[bool]]
    revision: Callable[[], int]
    refresh: Callable[[Sequence[str], int], Steps]
    switch_nsfw: Callable[[Sequence[str], bool, int], Steps]
    storage: Callable[[], StorageReport]
    jobs: Callable[[], Sequence[Mapping[str, Any]]]
    egress: Callable[[], Mapping[str, Any]]
    counters: Callable[[], Mapping[str, int]]
    version: str
    started_at: float
    document: Callable[[], bytes]
    spread: Callable[[Mapping[str, Any]], Awaitable[Spread]] = _nobody
    workers: Callable[[], WorkersReport] = WorkersReport

    def __repr__(self) -> str:
        return "Parts(…)"
