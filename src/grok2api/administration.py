"""The admin API put together: from the running gateway's parts to its routes."""

import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.routing import BaseRoute

from grok2api import __version__, options
from grok2api.accounts.query import Note
from grok2api.accounts.refresh import Refresher
from grok2api.accounts.switching import Switch, Switching
from grok2api.admin.access import AdminKey
from grok2api.admin.frame import Frame
from grok2api.admin.openapi import document
from grok2api.admin.parts import Parts, Spread, StorageReport, WorkersReport
from grok2api.admin.rows import public, public_mode
from grok2api.admin.table import ROUTES
from grok2api.admin.tasks import Step, Steps, Tasks
from grok2api.admin.tasks_elsewhere import Elsewhere
from grok2api.admin.together import How, Together
from grok2api.config.configured import Configured
from grok2api.coordination.base import Coordinator
from grok2api.gateway.watch import Watch
from grok2api.upkeep import Accounts
from grok2api.web.options import State

#: The message that has a worker end a task of its own, and how long whoever asks for it waits.
_END_TASK = "end-task"
_END_SEC = 5.0

#: What the first part of a store's URL is called in the public interface.
_TYPES: Mapping[str, str] = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}


class Administered(msgspec.Struct, frozen=True, kw_only=True):
    """What the admin API is for: the accounts with everything that keeps them, and how they fare."""

    accounts: Accounts
    switch: Switch
    watch: Watch
    jobs: Callable[[], Iterable[msgspec.Struct]]
    counters: Callable[[], Mapping[str, int]]
    spread: Callable[[Mapping[str, Any]], Awaitable[Spread]]
    coordinator: Coordinator


def administration(
    stack: AsyncExitStack,
    configured: Configured,
    data_dir: Path,
    state: State,
    administered: Administered,
    now: Callable[[], float],
    rng: random.Random,
) -> list[BaseRoute]:
    """The routes of the admin API, behind its key. Raises `SettingsError` when no key can be kept."""
    live, accounts = configured.live, administered.accounts
    key = AdminKey(live.current, data_dir)
    live.subscribe(key.follow)
    tasks = Tasks(now, lambda: f"{rng.getrandbits(128):032x}", _elsewhere(administered.coordinator))
    administered.coordinator.handle({_END_TASK: lambda ident: _end_task(tasks, ident)})
    stack.push_async_callback(tasks.close)
    parts = Parts(
        configured=configured,
        store=accounts.store,
        pool=accounts.pool,
        tasks=tasks,
        now=now,
        new_id=lambda: f"acc_{rng.getrandbits(64):016x}",
        flush=accounts.writer.flush,
        sync=accounts.sync.sync,
        revision=lambda: accounts.sync.revision,
        refresh=_refreshing(accounts.refresher),
        switch_nsfw=_switching(administered, now),
        storage=lambda: _storage(configured, accounts),
        jobs=lambda: [public(job) for job in administered.jobs()],
        egress=lambda: _egress(administered.watch),
        counters=administered.counters,
        version=__version__,
        started_at=now(),
        document=cache(lambda: msgspec.json.encode(document(ROUTES, __version__))),
        spread=administered.spread,
        workers=lambda: msgspec.convert(administered.coordinator.status(), WorkersReport, from_attributes=True),
    )
    return Frame(parts, key, lambda: options.face(live.current), state).routes(ROUTES)


def _elsewhere(coordinator: Coordinator) -> Elsewhere | None:
    """The tasks of other workers, if there are any."""
    if coordinator.tasks is None:
        return None

    async def end(ident: str) -> None:
        await coordinator.spread(_END_TASK, ident.encode(), _END_SEC)

    return Elsewhere(coordinator.tasks, end)


async def _end_task(tasks: Tasks, ident: bytes) -> None:
    task = tasks.mine(ident.decode())
    if task is not None:
        await task.end()


def _refreshing(refresher: Refresher) -> Callable[[Sequence[str], int], Steps]:
    """The batch of `refresh`."""

    async def steps(ids: Sequence[str], at_once: int) -> Steps:
        async with aclosing(refresher.refresh(ids, at_once=at_once)) as looks:
            async for look in looks:
                pool = None if look.after is None else look.after.value
                told = {"refreshed": 1, "modes": [public_mode(mode) for mode in look.modes], "pool": pool}
                yield Step(look.account_id, told, "" if look.problem is None else look.problem.message)

    return steps


def _switching(administered: Administered, now: Callable[[], float]) -> Callable[[Sequence[str], bool, int], Steps]:
    """The batch of `nsfw`; the tags of accounts whose switches are turned at the same time are written together."""

    accounts = administered.accounts

    async def write(changes: Mapping[str, How]) -> Collection[str]:
        await accounts.writer.flush()
        note = Note(action="nsfw", actor="admin", at=now())
        done = await accounts.store.change(changes, lambda account: changes[account.id](account), note)
        await accounts.sync.sync()
        return {account.id for account in done.accounts}

    switching = Switching(administered.switch, accounts.pool.get, Together(write).change, now)

    async def steps(ids: Sequence[str], enabled: bool, at_once: int) -> Steps:
        async for item in switching.many(ids, enabled, at_once):
            yield Step(item.account_id, detail={} if item.error else item.body, error=item.error)

    return steps


def _storage(configured: Configured, accounts: Accounts) -> StorageReport:
    health = accounts.following.health
    return StorageReport(
        type=_TYPES[urlsplit(configured.live.current.storage.url).scheme],
        healthy=health.ok,
        since=int(health.since * 1000),
        trouble=health.reason,
        waiting=health.waiting,
    )


def _egress(watch: Watch) -> Mapping[str, Any]:
    return {"ways": [public(way) for way in watch.ways()], "storms": dict(watch.storms())}
