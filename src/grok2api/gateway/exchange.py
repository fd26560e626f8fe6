"""From a decoded request to the work that answers it: model, plan, need, stages.

Decides everything that can be decided before an account is touched, and refuses what cannot be served.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from typing import Protocol

import msgspec

from grok2api.accounts.leases import Need, Pool
from grok2api.canonical.events import Failed
from grok2api.canonical.problem import Problem, Refusal
from grok2api.canonical.request import Request
from grok2api.catalog import Model, Surface
from grok2api.gateway.continuing import Continue, asked_on
from grok2api.gateway.counting import Count
from grok2api.gateway.input_count import InputCount, InputCounter
from grok2api.gateway.keeping import Keeping
from grok2api.gateway.many import merge
from grok2api.gateway.naming import Naming, with_effort
from grok2api.gateway.options import Options
from grok2api.gateway.respond import Batch, Work, respond
from grok2api.gateway.screening import Screen, Screening, read_film
from grok2api.gateway.shedding import with_newest_files
from grok2api.gateway.stages import HideThinking, Limit, Measure, Stage, Stop
from grok2api.gateway.studio import ENDPOINTS, Sketch, Studio, belongs, read
from grok2api.gateway.turns import Report
from grok2api.gateway.watch import Watch
from grok2api.tools import heed, prompt, structured
from grok2api.tools.heed import Heed
from grok2api.tools.sieve import Sieve
from grok2api.upstreams.base import Plan, Upstream

#: Left-out files that a header names.
_NAMED = 8


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request, ready to be answered: in words, or with pictures."""

    request: Request
    model: Model
    plan: Plan
    work: Work | Sketch | Screen
    report: Report


class Attacher(Protocol):
    """Makes the files of a request ready: fetched, checked, bounded."""

    def attached(self, request: Request) -> AbstractAsyncContextManager[Request]:
        """The request with attachments in place of pictures and files. Raises `Refusal` naming the field at fault."""
        ...


class Gateway:
    """Turns requests into answers, with the pool and the upstreams it was given."""

    def __init__(
        self,
        pool: Pool,
        upstreams: Mapping[Surface, Upstream],
        options: Callable[[], Options],
        count: Count,
        new_id: Callable[[str], str],
        watch: Watch,
        attacher: Attacher,
        keeping: Keeping | None = None,
        studio: Studio | None = None,
        screening: Screening | None = None,
    ) -> None:
        self.pool = pool
        self.watch = watch
        self._upstreams = upstreams
        self._options = options
        self._count = count
        self._counter = InputCounter(count)
        self._new_id = new_id
        self._attacher = attacher
        self._keeping = keeping
        self._studio = studio
        self._screening = screening
        drawn = ENDPOINTS.values() if studio is not None else ()
        surfaces = {*upstreams, *drawn, *((Surface.VIDEO,) if screening is not None else ())}
        self.models = Naming(pool, options, surfaces)

    def prepare(
        self, request: Request, request_id: str, *, estimate: bool, base: str = "", instead: str = ""
    ) -> Exchange:
        """Decide how to answer. Raises `Refusal` for what cannot be served.

        base: where links to here begin. instead: the model's name that decides, when it is not that of the request.
        """
        name = instead or request.model
        endpoint = request.drawing.endpoint if request.drawing is not None else ""
        choice = self.models.find(name, ENDPOINTS.get(endpoint))
        model, request = choice.model, with_effort(request, choice)
        belongs(request, model)
        need = self.models.need(name, model, request.sticky, request.before)
        if model.surface in self._upstreams:
            return self._prepare(request, model, need, request_id, estimate=estimate, base=base)
        return (self._screen if model.surface is Surface.VIDEO else self._sketch)(request, model, need, base)

    async def input_tokens(self, request: Request, instead: str = "") -> int:
        """Our own count of a request's input, as its answer would be told; as it stands when it names no model."""
        if not request.model and not instead:
            return await self._counter.tokens(request)
        return await self.prepare(request, "", estimate=True, instead=instead).work.input_tokens()

    def _prepare(
        self, request: Request, model: Model, need: Need, request_id: str, *, estimate: bool, base: str
    ) -> Exchange:
        options = self._options()
        upstream = self._upstreams[model.surface]
        plan = upstream.plan(request, model)
        shown = asked_on(request)
        if plan.most_files is not None:
            shown, left_out = with_newest_files(shown, plan.most_files)
            plan = msgspec.structs.replace(plan, ignored=(*plan.ignored, *left_out[:_NAMED]))
        if plan.emulate_format:
            shown = structured.instruct(shown)
        if plan.emulate_tools:
            shown = prompt.inject(shown)
        work = Work(
            request=shown,
            model=model,
            need=need,
            upstream=upstream,
            stages=_Stages(request, plan, options, self._count, self._new_id).build,
            reask=_reask(request, plan),
            estimate=estimate,
            input_tokens=InputCount(shown, self._counter).value,
            request_id=request_id,
            show=None if self._keeping is None else partial(self._keeping.show, base=base),
        )
        return Exchange(request=request, model=model, plan=plan, work=work, report=Report())

    def _sketch(self, request: Request, model: Model, need: Need, base: str) -> Exchange:
        options = self._options()
        shown, prompt, n, ratio = read(request, model)
        work = Sketch(
            request=shown,
            prompt=prompt,
            n=n,
            ratio=ratio,
            model=model,
            need=need,
            base=base,
            shows_progress=request.thinking if request.thinking is not None else options.thinking,
            input_tokens=InputCount(shown, self._counter).value,
        )
        plan = Plan(ignored=_unused(request, "image_config"))
        return Exchange(request=request, model=model, plan=plan, work=work, report=Report())

    def _screen(self, request: Request, model: Model, need: Need, base: str) -> Exchange:
        options = self._options()
        shown, video = read_film(request, model)
        work = Screen(
            request=shown,
            video=video,
            model=model,
            need=need,
            base=base,
            shows_progress=request.thinking if request.thinking is not None else options.thinking,
            input_tokens=InputCount(shown, self._counter).value,
        )
        plan = Plan(ignored=_unused(request, "video_config"))
        return Exchange(request=request, model=model, plan=plan, work=work, report=Report())

    def answer(self, exchange: Exchange) -> AsyncGenerator[Batch, None]:
        """Yield the events of the answer, or of its `n` answers."""
        work = exchange.work
        return self._answer(exchange, work) if next(work.request.files(), None) is None else self._with_files(exchange)

    def _answer(self, exchange: Exchange, work: Work | Sketch | Screen) -> AsyncGenerator[Batch, None]:
        if isinstance(work, Sketch):
            assert self._studio is not None
            return self._studio.answer(work, exchange.report)
        if isinstance(work, Screen):
            assert self._screening is not None
            return self._screening.answer(work, exchange.report)
        policy = self._options().policy
        choices = [
            respond(work, self.pool, policy, self.watch, exchange.report, choice)
            for choice in range(max(1, exchange.request.n))
        ]
        return choices[0] if len(choices) == 1 else merge(choices, lambda batch: isinstance(batch[1][-1], Failed))

    async def _with_files(self, exchange: Exchange) -> AsyncGenerator[Batch, None]:
        """The same, after what the request points to has been fetched and checked: once, and before any account."""
        try:
            async with self._attacher.attached(exchange.work.request) as request:
                work = msgspec.structs.replace(exchange.work, request=request)
                async with aclosing(self._answer(exchange, work)) as batches:
                    async for batch in batches:
                        yield batch
        except Refusal as refusal:
            yield 0, [Failed(refusal.problem)]


def _reask(request: Request, plan: Plan) -> Callable[[Request, Problem, str], Request] | None:
    """How a slip of the model is put to it, where one could be seen."""
    if plan.emulate_tools or plan.emulate_format:
        return prompt.reask
    return heed.reask if heed.demands(request) or request.format.kind != "text" else None


def _unused(request: Request, config: str) -> tuple[str, ...]:
    """What the client set and a model that draws or films has no use for, in the client's words."""
    used = (config, "effort")
    tools = ("tools",) if request.tools or request.hosted_tools else ()
    return tuple(dict.fromkeys([*(said for name, said in request.given.items() if name not in used), *tools]))


class _Stages:
    """Builds the stages of one attempt, outermost last."""

    def __init__(
        self, request: Request, plan: Plan, options: Options, count: Count, new_id: Callable[[str], str]
    ) -> None:
        self._request = request
        self._plan = plan
        self._count = count
        self._new_id = new_id
        shown = request.thinking if request.thinking is not None else options.thinking
        self._hide = not shown

    def build(self) -> tuple[Sequence[Stage], Measure | None]:
        request, plan = self._request, self._plan
        stages: list[Stage] = []
        measure = None if plan.counts else Measure(self._count)
        if measure is not None:
            stages.append(measure)
        if plan.emulate_tools and request.tools and request.tool_choice.mode != "none":
            stages.append(
                Sieve(request.tools, request.tool_choice, request.parallel_tool_calls is not False, self._new_id)
            )
        elif not plan.emulate_tools and request.tools:
            parallel = request.parallel_tool_calls is not False
            stages.append(Heed(request.tool_choice, demanded=heed.demands(request), parallel=parallel))
        if request.prefill:
            stages.append(Continue(request.prefill))
        if request.format.kind != "text":
            stages.append(structured.Verify(request.format, native=not plan.emulate_format))
        if plan.emulate_stop and request.stop:
            stages.append(Stop(request.stop))
        if plan.emulate_limit and request.max_tokens is not None:
            stages.append(Limit(request.max_tokens, self._count))
        if self._hide:
            stages.append(HideThinking(keep_encrypted=request.include_encrypted or request.store))
        return stages, measure
