"""The one loop: a request becomes the events of one answer.

Another account is tried (`turns`) only while the client has seen nothing, which is why nothing is yielded
before the first visible part: an in-band 429 after an HTTP 200 can still change accounts. A slip of the model
(a demanded call that did not come) is put to it once more, as long as no text of the answer has been
shown. The lease ends with the attempt, however that ends. No dialect, no upstream and no setting is known here.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import msgspec

from grok2api.accounts.leases import Lease, Need, Pool
from grok2api.canonical.events import Ended, Event, Fact, Failed, Finish, Finished, Produced, Said, Started, Usage
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import Sequencer
from grok2api.catalog import Model
from grok2api.gateway.patience import Patience
from grok2api.gateway.policy import REASK, Policy
from grok2api.gateway.stages import Measure, Stage
from grok2api.gateway.turns import Attempt, Report, turns
from grok2api.gateway.watch import Watch
from grok2api.upstreams.base import Credential, Task, Upstream

_BROKE_OFF = Problem(kind=Kind.CUT, message="Grok's answer broke off", code="stream_cut")
_SAID_NOTHING = Problem(
    kind=Kind.EMPTY, message="Grok ended its answer without saying anything; ask again", code="empty_response"
)
_NEVER_BEGAN = Problem(
    kind=Kind.TIMEOUT, message="Grok did not begin to answer in time; ask again", code="upstream_timeout"
)
_FELL_SILENT = Problem(
    kind=Kind.TIMEOUT, message="Grok fell silent in the middle of its answer; ask again", code="stream_idle_timeout"
)

#: Ends that may leave an answer without content and still be answers.
_CUT_SHORT = frozenset({Finish.LENGTH, Finish.CONTENT_FILTER, Finish.REFUSAL, Finish.STOP_SEQUENCE})


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to be made: what was asked, who can make it, and how it is worked on.

    request: as the upstream shall see it (tools and formats that it lacks already put into words).
    stages: fresh stages for one attempt, and the one among them that measures, if any.
    reask: the request again with a correction, given the slip and what the model said; None = never.
    estimate: whether the client is told the input tokens at the start. input_tokens: our own count.
    show: a picture of the answer in words, fetched with the account that has it; None leaves pictures out of the text.
    """

    request: Request
    model: Model
    need: Need
    upstream: Upstream
    stages: Callable[[], tuple[Sequence[Stage], Measure | None]]
    reask: Callable[[Request, Problem, str], Request] | None
    estimate: bool
    input_tokens: Callable[[], Awaitable[int]]
    request_id: str
    show: Callable[[Produced, Credential], Awaitable[str]] | None = None


#: The events of one read, and which of the `n` answers they belong to.
Batch = tuple[int, list[Event]]


async def respond(
    work: Work, pool: Pool, policy: Policy, watch: Watch, report: Report, choice: int = 0
) -> AsyncGenerator[Batch, None]:
    """Yield the events of one answer, one batch for each read; the last event is `Finished` or `Failed`."""
    run = _Run(work, policy, watch, report)
    try:
        async with aclosing(turns(run, work.need, pool, policy, watch, report)) as leases:
            async for lease in leases:
                async with aclosing(run.attempt(lease)) as batches:
                    async for batch in batches:
                        yield choice, batch
    except Refusal as refusal:
        yield choice, [Failed(refusal.problem)]


class _Run:
    """The attempts of one answer: upstream facts through the stages and the one sequencer."""

    def __init__(self, work: Work, policy: Policy, watch: Watch, report: Report) -> None:
        self._work = work
        self._policy = policy
        self._watch = watch
        self._answered = False
        self._until = asyncio.get_running_loop().time() + policy.deadline
        self._report = report
        self._sequencer = Sequencer()
        self._stages: Sequence[Stage] = ()
        self._measure: Measure | None = None
        self._raw: list[str] = []
        self._reasked = False
        self._request = work.request
        self.problem: Problem | None = None
        self.seen = False

    def asks_again(self) -> bool:
        """Whether the model slipped and is to be asked once more, with a correction, while no text was shown."""
        problem, reask = self.problem, self._work.reask
        if problem is None or problem.kind not in REASK or reask is None:
            return False
        if self._reasked or self._sequencer.has_content:
            return False
        self._reasked = True
        self._request = reask(self._work.request, problem, "".join(self._raw))
        return True

    async def attempt(self, lease: Lease) -> AsyncGenerator[list[Event], None]:
        """Yield what the client may see of one attempt; leaves `problem` and the lease's outcome."""
        report = self._begin(lease)
        task = Task(
            request=self._request,
            model=self._work.model,
            mode=lease.mode,
            credential=lease.credential,
            request_id=self._work.request_id,
        )
        held: list[Event] = []
        policy = self._policy
        with Patience(policy.first_token, policy.idle, self._until) as patience:
            async with aclosing(self._work.upstream.converse(task)) as source:
                over = False
                while not over:
                    facts = await self._facts(patience, source, lease.credential)
                    last = facts[-1] if facts else None
                    over = isinstance(last, Ended | Failed)
                    events = self._sequencer.feed(facts)
                    if over:
                        events += await self._end(last)
                    if not self.seen:
                        held += events
                        events = await self._start(held, patience, lease) if self._visible(over) else []
                    if events:
                        yield events
        self._settle(lease, report)

    def _begin(self, lease: Lease) -> Attempt:
        """Forget the attempt before, but not what the client has seen."""
        self.problem = None
        self._answered = False
        self._stages, self._measure = self._work.stages()
        self._raw.clear()
        report = Attempt(account=lease.credential.account_id, mode=lease.mode, trace=lease.trace)
        self._report.attempts.append(report)
        return report

    def _settle(self, lease: Lease, report: Attempt) -> None:
        problem = report.problem = self.problem
        self._tell(lease, problem)
        if problem is None or problem.kind in REASK:
            lease.succeeded()
        else:
            lease.failed(problem)

    def _tell(self, lease: Lease, problem: Problem | None) -> None:
        """Let others know how the attempt was answered: once, and as soon as it is known."""
        if not self._answered:
            self._answered = True
            upstream, account = self._work.upstream.name, lease.credential.account_id
            self._watch.answered(lease.mode, upstream, account, problem)

    def _visible(self, over: bool) -> bool:
        """Whether the client has something to see: a part, or an answer that is whole without any."""
        return self._sequencer.begun or (over and self.problem is None)

    async def _facts(self, patience: Patience, source: AsyncGenerator[list[Fact], None], who: Credential) -> list[Fact]:
        """The next facts, through all stages."""
        try:
            while not (facts := await patience.read(source)):
                patience.renew()
        except StopAsyncIteration:
            facts = [Failed(_BROKE_OFF)]
        except TimeoutError:
            facts = [Failed(_FELL_SILENT if self.seen else _NEVER_BEGAN)]
        if self._work.reask is not None:
            self._raw.extend(fact.text for fact in facts if type(fact) is Said)
        for stage in self._stages:
            facts = stage.feed(facts)
        if self._work.show is not None and any(type(fact) is Produced for fact in facts):
            facts = await self._shown(facts, self._work.show, who)
        return facts

    async def _shown(
        self, facts: list[Fact], show: Callable[[Produced, Credential], Awaitable[str]], who: Credential
    ) -> list[Fact]:
        """The facts with words in the places of pictures: each on a line of its own, a gap behind the text."""
        out: list[Fact] = []
        gap = "\n\n" if self._sequencer.has_text else ""
        for fact in facts:
            if isinstance(fact, Produced) and fact.placed:
                out.append(Said(gap + await show(fact, who)))
                gap = "\n"
            else:
                out.append(fact)
                gap = "\n\n" if type(fact) is Said and gap != "\n" else gap
        return out

    async def _start(self, held: list[Event], patience: Patience, lease: Lease) -> list[Event]:
        self.seen = True
        self._tell(lease, None)
        patience.relax()
        self._report.first_at = asyncio.get_running_loop().time()
        return [Started(await self._work.input_tokens() if self._work.estimate else 0), *held]

    async def _end(self, end: Fact | None) -> list[Event]:
        if isinstance(end, Failed):
            self.problem = end.problem
            return []
        return await self._finish(end) if isinstance(end, Ended) else []

    async def _finish(self, end: Ended) -> list[Event]:
        if not self._sequencer.has_content and end.finish not in _CUT_SHORT:
            self.problem = _SAID_NOTHING
            return []
        finish = Finish.TOOL_CALLS if self._sequencer.called and end.finish is Finish.STOP else end.finish
        usage = end.usage or await self._count()
        self._report.usage, self._report.finish = usage, finish.value
        return [Finished(finish, usage, end.stop_sequence)]

    async def _count(self) -> Usage:
        output, reasoning = self._measure.totals() if self._measure is not None else (0, 0)
        return Usage(input=await self._work.input_tokens(), output=max(output, 1), reasoning=reasoning)
