"""`POST batch/…`: work over many accounts, answered when it is done or followed as a task."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from grok2api.accounts.query import Filter, Status
from grok2api.admin.accounts_named import Named, named
from grok2api.admin.codes import refuse
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.admin.tasks import Step, Steps, Summary, Work

#: Accounts that may serve, now or later: those that an empty list stands for.
_MANAGEABLE = (Status.ACTIVE, Status.COOLING, Status.SUSPECT)

_Concurrency = Annotated[
    Annotated[int, msgspec.Meta(ge=1, le=1000)] | None,
    msgspec.Meta(description="Accounts at the same time; `batch.*_concurrency` unless said."),
]
_Async = Annotated[bool, msgspec.Meta(description="Answer at once with the id of a task.")]


class BatchQuery(msgspec.Struct, frozen=True):
    """How a batch is run."""

    concurrency: _Concurrency = None
    apart: _Async = msgspec.field(default=False, name="async")


class NsfwQuery(msgspec.Struct, frozen=True):
    """How the switch is turned."""

    enabled: Annotated[bool, msgspec.Meta(description="On, or off.")] = True
    concurrency: _Concurrency = None
    apart: _Async = msgspec.field(default=False, name="async")


class Tokens(msgspec.Struct, frozen=True):
    """Tokens or account ids."""

    tokens: list[str] = []


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, by account id; or, for a task of its own, its id."""

    status: str
    summary: Summary | msgspec.UnsetType = msgspec.UNSET
    results: Mapping[str, Any] | msgspec.UnsetType = msgspec.UNSET
    task_id: str | msgspec.UnsetType = msgspec.UNSET
    total: int | msgspec.UnsetType = msgspec.UNSET


async def batch_nsfw(parts: Parts, call: Call[NsfwQuery, Tokens]) -> Batch:
    """An empty list stands for all accounts that may serve. A switch that is turned adds or removes the tag `nsfw`."""
    meant = await named(parts, call.body.tokens) if call.body.tokens else Named(await _manageable(parts), ())
    concurrency = call.query.concurrency or parts.configured.live.current.batch.nsfw_concurrency
    steps = _with_unknown(parts.switch_nsfw(meant.ids, call.query.enabled, concurrency), meant.unknown)
    return await _run(parts, Work(len(meant.ids) + len(meant.unknown), steps), apart=call.query.apart)


async def batch_refresh(parts: Parts, call: Call[BatchQuery, Tokens]) -> Batch:
    """Ask the upstreams what these accounts have left."""
    if not call.body.tokens:
        raise refuse("invalid_value", "tokens must name the accounts to refresh", "tokens")
    meant = await named(parts, call.body.tokens)
    concurrency = call.query.concurrency or parts.configured.live.current.batch.refresh_concurrency
    steps = _with_unknown(parts.refresh(meant.ids, concurrency), meant.unknown)
    return await _run(parts, Work(len(meant.ids) + len(meant.unknown), steps), apart=call.query.apart)


async def batch_cache_clear(parts: Parts, call: Call[BatchQuery, Tokens]) -> Batch:
    """All files that the accounts keep at grok.com. An empty list stands for all accounts that may serve."""
    meant = await named(parts, call.body.tokens) if call.body.tokens else Named(await _manageable(parts), ())
    concurrency = call.query.concurrency or parts.configured.live.current.batch.asset_delete_concurrency
    steps = _with_unknown(parts.clear_files(meant.ids, concurrency), meant.unknown)
    return await _run(parts, Work(len(meant.ids) + len(meant.unknown), steps), apart=call.query.apart)


async def _manageable(parts: Parts) -> Sequence[str]:
    return [ident for status in _MANAGEABLE for ident in await parts.store.match(Filter(status=status), parts.now())]


async def _with_unknown(steps: Steps, unknown: Sequence[str]) -> Steps:
    for place in unknown:
        yield Step(place, error="No account has this token or id")
    async for step in steps:
        yield step


async def _run(parts: Parts, work: Work, *, apart: bool) -> Batch:
    if apart:
        task = parts.tasks.start(work)
        return Batch(status="success", task_id=task.ident, total=work.total)
    outcome = await work.run()
    return Batch(status=outcome.status, summary=outcome.summary, results=outcome.results)
