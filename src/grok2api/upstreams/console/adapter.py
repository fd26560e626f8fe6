"""console.x.ai as an upstream: answers over the Responses wire, paid for by a web session.

Promises one non-empty list of facts for each read, the last of them `Ended` or `Failed`, and that closing it closes
the connection. What this upstream demands of a call besides the session (a proof, a new token, doing without the
searches that were added) is settled here, before any output, and is never a fault of the account.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any

import msgspec

from grok2api.canonical.events import Fact, Failed
from grok2api.canonical.problem import Kind, Problem, Refusal, invalid
from grok2api.canonical.request import File, Request
from grok2api.catalog import Model
from grok2api.upstreams.base import Http, HttpAnswer, Plan, Task, TransportError
from grok2api.upstreams.console.access import WHAT, Access
from grok2api.upstreams.console.call import responses_call, responses_url
from grok2api.upstreams.console.options import ConsoleOptions
from grok2api.upstreams.refusals import DPOP_REQUIRED, classify
from grok2api.upstreams.responses_wire.build import Shape, build_body
from grok2api.upstreams.responses_wire.files import no_sound
from grok2api.upstreams.responses_wire.parse import Parser
from grok2api.upstreams.responses_wire.tools import ToolNames, demands_hosted, hosted_tools

#: Canonical parameters that this upstream or the gateway honours; every other that the client set has no effect.
_HONOURED = frozenset(
    {"temperature", "top_p", "max_tokens", "stop", "n", "effort", "format", "tool_choice", "parallel_tool_calls"}
)
_EFFORTS: Mapping[str, str] = {
    "none": "none",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "xhigh",
}
_SEARCHES: tuple[Mapping[str, Any], ...] = (
    {"type": "web_search", "enable_image_understanding": True},
    {"type": "x_search", "enable_video_understanding": True},
)
#: How a refusal of the searches that we added can look: a caller's error, or one without a kind of its own.
_ABOUT_TOOLS = frozenset({Kind.UPSTREAM_INVALID, Kind.UPSTREAM, Kind.FORBIDDEN, Kind.MODE_REFUSED, Kind.OUT_OF_CREDITS})
_TOOL_WORDS = (b"web_search", b"x_search", b"web search", b"duplicate tool", b"search tool", b"server-side tool")
_NO_SEARCH_SEC = 3600.0
#: Tools that one call may declare (upstream protocol, 9.2).
_MOST_TOOLS = 128
#: A body that ends this soon after its last event leaves its connection for the next call.
_LAST_BYTES_SEC = 0.1


class _Try(msgspec.Struct):
    """What the next call of one attempt will do, and what it may still give up."""

    search: bool
    may_renew: bool = True
    authorization: Mapping[str, str] = {}


class Console:
    """The `Upstream` of console.x.ai. `now` in seconds since the epoch; `new_id` makes unique ids."""

    name = "console"

    def __init__(
        self,
        http: Http,
        options: Callable[[], ConsoleOptions],
        now: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._http = http
        self._options = options
        self._now = now
        self.access = Access(http, now, new_id)

    def plan(self, request: Request, model: Model) -> Plan:
        """Tools, formats and limits are native; stop sequences are the gateway's.

        Raises `Refusal` for sound, and for a demand of a server tool that there is not.
        """
        for part in request.files():
            if isinstance(part, File) and part.kind == "audio":
                raise no_sound(part.path)
        names = ToolNames(request.tools)
        hosted = hosted_tools(request.hosted_tools, names)
        has_tools = bool(request.tools or hosted.tools)
        shown = sum(not tool.deferred for tool in request.tools)
        if (number := shown + len(hosted.tools)) > _MOST_TOOLS:
            message = f"tools has {number} entries; {WHAT} takes {_MOST_TOOLS}, grok.com models any number"
            raise invalid(message, "tools", code="too_many_tools")
        without_effect = {
            "effort": _effort(request.effort, model) != _EFFORTS.get(request.effort or ""),
            "tool_choice": (not has_tools and request.tool_choice.mode != "auto")
            or (bool(request.tool_choice.hosted) and not demands_hosted(request, names)),
        }
        ignored = [
            spelled
            for name, spelled in request.given.items()
            if name not in _HONOURED or without_effect.get(name, False)
        ]
        return Plan(
            ignored=tuple(dict.fromkeys([*ignored, *hosted.ignored])),
            emulate_stop=bool(request.stop),
            counts=True,
        )

    async def converse(self, task: Task) -> AsyncGenerator[list[Fact], None]:
        """The facts of one attempt."""
        options = self._options()
        names = ToolNames(task.request.tools)
        account = self.access.state(task.credential.account_id)
        attempt = _Try(search=options.search_tools == "auto" and self._now() >= account.no_search_until)
        try:
            while True:
                problem: Problem | None = None
                async with aclosing(self._call(task, names, options, attempt)) as batches:
                    told = False
                    async for facts in batches:
                        if not told and type(facts[0]) is Failed:
                            problem = facts[0].problem
                            break
                        told = True
                        yield facts
                if problem is None:
                    return
                if not self._again(problem, task, options, attempt):
                    yield [Failed(_explained(problem, options))]
                    return
        except TransportError as error:
            yield [Failed(error.problem)]
        except Refusal as refusal:
            yield [Failed(refusal.problem)]

    async def _call(
        self, task: Task, names: ToolNames, options: ConsoleOptions, attempt: _Try
    ) -> AsyncGenerator[list[Fact], None]:
        """The facts of one call. Raises `TransportError` before its first, and `Refusal`."""
        authorization = await self.access.authorize(task.credential, options, "POST", responses_url(options))
        if isinstance(authorization, Problem):
            yield [Failed(authorization)]
            return
        attempt.authorization = authorization
        body = build_body(task.request, _shape(task.request, task.model, attempt.search), names)
        async with self._http.send(responses_call(body, task.credential, options, authorization)) as answer:
            self.access.read_clock(answer.headers)
            if answer.status != 200:
                head = await answer.head()
                yield [Failed(classify(answer.status, answer.headers, head, what=WHAT))]
                return
            async for facts in _read(answer, names):
                yield facts

    def _again(self, problem: Problem, task: Task, options: ConsoleOptions, attempt: _Try) -> bool:
        """Whether the same account is worth another call at once, and what changes in it."""
        account_id = task.credential.account_id
        sent = attempt.authorization
        if self.access.mends(problem, account_id, sent, options, may_renew=attempt.may_renew):
            attempt.may_renew = "DPoP" not in sent
            return True
        if attempt.search and _adds_search(task.request) and _refuses_search(problem):
            attempt.search = False
            self.access.state(account_id).no_search_until = self._now() + _NO_SEARCH_SEC
            return True
        return False


async def _read(answer: HttpAnswer, names: ToolNames) -> AsyncGenerator[list[Fact], None]:
    parser = Parser(names, WHAT)
    chunks = answer.chunks()
    try:
        async for chunk in chunks:
            facts = parser.feed(chunk)
            if parser.over:
                await _finish(chunks)
            if facts:
                yield facts
            if parser.over:
                return
    except TransportError as error:
        yield [Failed(error.problem)]
        return
    yield parser.close()


async def _finish(chunks: AsyncIterator[bytes]) -> None:
    """Read what may follow the last event, so that the connection can be used again."""
    with suppress(TransportError, TimeoutError):
        async with asyncio.timeout(_LAST_BYTES_SEC):
            async for _ in chunks:
                pass


def _shape(request: Request, model: Model, search: bool) -> Shape:
    return Shape(
        model=model.upstream_name,
        effort=_effort(request.effort, model),
        max_output=model.max_output,
        search=_SEARCHES if search and _adds_search(request) else (),
    )


def _effort(wanted: str | None, model: Model) -> str | None:
    """What is sent: the model's fixed one, the caller's, the model's default; nothing to models without the field."""
    if model.effort is None or model.effort_fixed or wanted is None:
        return model.effort
    return _EFFORTS.get(wanted, model.effort)


def _adds_search(request: Request) -> bool:
    return not request.tools and not request.hosted_tools and request.tool_choice.mode == "auto"


def _refuses_search(problem: Problem) -> bool:
    evidence = problem.evidence.lower()
    return problem.kind in _ABOUT_TOOLS and any(word in evidence for word in _TOOL_WORDS)


def _explained(problem: Problem, options: ConsoleOptions) -> Problem:
    """A demand for proof that could not be met is the operator's to solve."""
    if problem.code != DPOP_REQUIRED:
        return problem
    message = (
        f"{WHAT} demands a proof of possession (DPoP): set upstream.console.auth to auto"
        if options.auth == "bearer"
        else f"{WHAT} did not accept the proof of possession (DPoP): check that the clock of this machine is right"
    )
    return msgspec.structs.replace(problem, message=message)
