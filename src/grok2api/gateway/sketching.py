"""The attempts at the pictures of one request, as facts: drawn by an account, and kept while its lease lasts.

Another account is asked for what is missing only, so nothing is drawn twice and a client never sees a picture again.
What was made stays made: a run that ends in trouble is complete with what it has, and has failed with nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

import msgspec

from grok2api.accounts.leases import Lease, Need, Pool
from grok2api.canonical.attachment import Attachment
from grok2api.canonical.events import Failed, Previewed, Progressed
from grok2api.canonical.media import (
    Artifact,
    Completed,
    EditRequest,
    ImageRequest,
    Kept,
    Made,
    MediaFact,
    Result,
)
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.catalog import Model
from grok2api.gateway.patience import Patience
from grok2api.gateway.policy import Policy
from grok2api.gateway.turns import Attempt, Report, turns
from grok2api.gateway.watch import Watch
from grok2api.upstreams.base import Credential, TransportError
from grok2api.upstreams.media import FILE_FORGOTTEN, FileRef, Maker, MediaTask

#: The name of the one upstream that draws, where ways out are watched.
UPSTREAM = "grok_web"
INCOMPLETE = "image_generation_incomplete"

_TOO_LONG = Problem(
    kind=Kind.TIMEOUT, message="Grok did not finish its pictures in time; ask for fewer", code="upstream_timeout"
)
_BROKE_OFF = Problem(kind=Kind.CUT, message="Grok's pictures broke off", code="stream_cut")

Fact = Progressed | Previewed | Kept | Completed | Failed


class References(Protocol):
    """Files in the care of accounts."""

    async def references(
        self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False
    ) -> list[FileRef]: ...

    def knows_any(self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False) -> bool: ...

    def forget(self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False) -> None: ...


class Keeper(Protocol):
    """Brings results to where clients can have them."""

    async def keep(self, credential: Credential, artifact: Artifact, *, here: bool = False) -> Result: ...


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What a run works with."""

    maker: Maker
    references: References
    keeper: Keeper
    pool: Pool
    watch: Watch


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be drawn, from which pictures, and whether it is wanted in the media cache by all means."""

    request: ImageRequest | EditRequest
    model: Model
    need: Need
    files: tuple[Attachment, ...] = ()
    here: bool = False


async def sketch(order: Order, tools: Tools, policy: Policy, report: Report) -> AsyncGenerator[list[Fact], None]:
    """The facts of all attempts; the last is `Completed` or `Failed`. Closing it ends the connection."""
    run = _Run(order, tools, policy, report)
    problem: Problem | None = None
    try:
        async with aclosing(turns(run, order.need, tools.pool, policy, tools.watch, report)) as leases:
            async for lease in leases:
                async with aclosing(run.attempt(lease)) as batches:
                    async for facts in batches:
                        yield facts
    except Refusal as refusal:
        problem = refusal.problem
    if run.kept:
        yield [Completed(run.kept, run.withheld)]
    else:
        assert problem is not None
        yield [Failed(problem)]


class _Run:
    """The attempts of one order. Nothing that an attempt shows is shown again, so trying once more never hurts."""

    def __init__(self, order: Order, tools: Tools, policy: Policy, report: Report) -> None:
        self._order = order
        self._tools = tools
        self._limit = policy.deadline
        self._until = asyncio.get_running_loop().time() + policy.deadline
        self._report = report
        self._percent = -1
        self._first = 0
        self._remembered: Credential | None = None
        self._lost: Problem | None = None
        self._answered = False
        self.problem: Problem | None = None
        self.seen = False
        self.kept = 0
        self.withheld = 0

    def asks_again(self) -> bool:
        """Whether a file that was sent long ago is to be sent anew."""
        who, self._remembered = self._remembered, None
        if who is None or self.problem is None or self.problem.code != FILE_FORGOTTEN:
            return False
        self._tools.references.forget(self._order.files, who, imagine=True)
        return True

    async def attempt(self, lease: Lease) -> AsyncGenerator[list[Fact], None]:
        """Yield what one account draws; leaves `problem` and the lease's outcome."""
        who = lease.credential
        self.problem = self._lost = None
        self._answered, self._first = False, self.kept
        report = Attempt(account=who.account_id, mode=lease.mode, trace=lease.trace)
        self._report.attempts.append(report)
        ended: Problem | None = None
        try:
            task = await self._task(who)
            with Patience(self._limit, self._limit, self._until) as patience:
                async with aclosing(self._tools.maker.make(task)) as source:
                    while True:
                        facts = await _read(patience, source)
                        out = await self._take(facts, who)
                        if out:
                            self._tell(lease, None)
                            yield out
                        if isinstance(facts[-1], Failed):
                            ended = facts[-1].problem
                            break
                        if isinstance(facts[-1], Completed):
                            self.withheld += facts[-1].withheld
                            break
        except (Refusal, TransportError) as error:
            ended = error.problem
        self._settle(lease, ended)
        self.problem = report.problem = ended or (None if self.kept else self._lost)

    async def _task(self, who: Credential) -> MediaTask:
        order, files = self._order, self._order.files
        uploads = self._tools.references
        self._remembered = who if uploads.knows_any(files, who, imagine=True) else None
        return MediaTask(
            request=msgspec.structs.replace(order.request, n=order.request.n - self.kept),
            model=order.model,
            credential=who,
            references=tuple(await uploads.references(files, who, imagine=True)),
        )

    async def _take(self, facts: list[MediaFact], who: Credential) -> list[Fact]:
        """What of these facts a client may see; results are fetched before they are told."""
        out: list[Fact] = []
        for fact in facts:
            match fact:
                case Progressed(percent):
                    if percent > self._percent:
                        self._percent = percent
                        out.append(fact)
                case Previewed():
                    out.append(msgspec.structs.replace(fact, slot=self._first + fact.slot))
                case Made(artifact):
                    await self._keep(artifact, who, out)
                case _:
                    pass
        return out

    async def _keep(self, artifact: Artifact, who: Credential, out: list[Fact]) -> None:
        """A picture that cannot be had is lost, and the others are not."""
        try:
            result = await self._tools.keeper.keep(who, artifact, here=self._order.here)
        except (Refusal, TransportError) as error:
            self._lost = msgspec.structs.replace(error.problem, code=INCOMPLETE)
            return
        out.append(Kept(result, self.kept))
        self.kept += 1

    def _settle(self, lease: Lease, problem: Problem | None) -> None:
        """A picture that was drawn and is lost is not held against the account that drew it."""
        self._tell(lease, problem)
        if problem is None:
            lease.succeeded()
        else:
            lease.failed(problem)

    def _tell(self, lease: Lease, problem: Problem | None) -> None:
        if not self._answered:
            self._answered = True
            self._tools.watch.answered(lease.mode, UPSTREAM, lease.credential.account_id, problem)


async def _read(patience: Patience, source: AsyncGenerator[list[MediaFact], None]) -> list[MediaFact]:
    try:
        return await patience.read(source)
    except StopAsyncIteration:
        return [Failed(_BROKE_OFF)]
    except TimeoutError:
        return [Failed(_TOO_LONG)]
