"""Requests for pictures: what is to be drawn, and how it is told.

In a conversation the last words of the user are the prompt, progress is thinking, and the pictures stand in the text.
At the endpoints of pictures they are events of their own. The lite model draws one picture a run, so several of its
pictures are several runs side by side, perhaps with different accounts.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import msgspec

from grok2api.accounts.leases import Need
from grok2api.canonical.attachment import Attachment
from grok2api.canonical.choices import image_ratio
from grok2api.canonical.events import (
    Ended,
    Event,
    Failed,
    Finish,
    Finished,
    Previewed,
    Produced,
    Progressed,
    Said,
    Started,
    Thought,
    Usage,
)
from grok2api.canonical.media import Completed, EditRequest, ImageRequest, Kept
from grok2api.canonical.problem import Kind, Problem, invalid
from grok2api.canonical.request import Drawing, Image, Message, Request, Role, Text
from grok2api.canonical.sequence import Sequencer
from grok2api.catalog import Model, Surface
from grok2api.gateway.counting import Count
from grok2api.gateway.keeping import Format, Keeping, is_here, link
from grok2api.gateway.many import merge
from grok2api.gateway.policy import Policy
from grok2api.gateway.respond import Batch
from grok2api.gateway.sketching import Fact, Order, Tools, sketch
from grok2api.gateway.turns import Report

LITE = "lite"
MOST_EDITS, MOST_LITE, MOST_OTHERS = 2, 4, 10
#: Pictures that an edit may start from.
MOST_SOURCES = 7
#: A text above this many characters holds a picture itself; it is not counted as words.
_WORDS = 8192

#: The surface that each endpoint of pictures is for.
ENDPOINTS = {"generations": Surface.IMAGE, "edits": Surface.IMAGE_EDIT}


class Sketch(msgspec.Struct, frozen=True, kw_only=True):
    """Pictures to be made. `request` holds the prompt and the pictures to start from; `base`: where links begin."""

    request: Request
    prompt: str
    n: int
    ratio: str
    model: Model
    need: Need
    base: str
    shows_progress: bool
    input_tokens: Callable[[], Awaitable[int]]

    @property
    def drawing(self) -> Drawing:
        """What the client said of the pictures."""
        return self.request.drawing or Drawing()


class Studio:
    """Draws, with the accounts of the pool."""

    def __init__(self, tools: Tools, keeping: Keeping, policy: Callable[[], Policy], count: Count) -> None:
        self._tools = tools
        self._keeping = keeping
        self._policy = policy
        self._count = count

    def answer(self, work: Sketch, report: Report) -> AsyncGenerator[Batch, None]:
        """Yield the events of the answer."""
        teller = _AtEndpoint(work, self._keeping) if work.drawing.endpoint else _InWords(work, self._keeping)
        return self._answer(work, teller, report)

    async def _answer(
        self, work: Sketch, teller: "_AtEndpoint | _InWords", report: Report
    ) -> AsyncGenerator[Batch, None]:
        started = False
        async with aclosing(self._draw(work, teller.here, report)) as batches:
            async for facts in batches:
                last = facts[-1]
                events = [event for fact in facts for event in await teller.tell(fact)]
                if isinstance(last, Completed):
                    events += await self._end(work, teller, report)
                if events and not started:
                    started = True
                    events = [Started(await work.input_tokens()), *events]
                if isinstance(last, Failed):
                    events += [*teller.close(), last]
                if events:
                    yield 0, events

    async def _end(self, work: Sketch, teller: "_AtEndpoint | _InWords", report: Report) -> list[Event]:
        text = teller.text
        output = max(1, self._count(text) if len(text) < _WORDS else 1)
        usage = Usage(input=await work.input_tokens(), output=output)
        report.usage, report.finish = usage, Finish.STOP.value
        return [*teller.close(), Finished(Finish.STOP, usage)]

    def _draw(self, work: Sketch, here: bool, report: Report) -> AsyncGenerator[list[Fact], None]:
        policy = self._policy()
        if work.model.upstream_name != LITE or work.n == 1:
            return sketch(self._order(work, work.n, here), self._tools, policy, report)
        runs = [sketch(self._order(work, 1, here), self._tools, policy, report) for _ in range(work.n)]
        return _side_by_side(runs)

    def _order(self, work: Sketch, n: int, here: bool) -> Order:
        make = EditRequest if work.model.surface is Surface.IMAGE_EDIT else ImageRequest
        return Order(
            request=make(prompt=work.prompt, n=n, ratio=work.ratio),
            model=work.model,
            need=work.need,
            files=work.request.attachments(),
            here=here,
        )


class _InWords:
    """Facts as the events of a conversation."""

    def __init__(self, work: Sketch, keeping: Keeping) -> None:
        self._work = work
        self._keeping = keeping
        self._style: Format = keeping.style(inline=work.drawing.inline)
        self._sequencer = Sequencer()
        self.here = is_here(self._style)
        self.text = ""

    async def tell(self, fact: Fact) -> list[Event]:
        match fact:
            case Progressed(percent) if self._work.shows_progress:
                return self._sequencer.feed([Thought(f"Drawing: {percent} %\n")])
            case Kept(result):
                gap = "\n" if self.text else ""
                words = gap + await self._keeping.words(result, self._style, self._work.base)
                self.text += words
                produced = Produced(link(result, self._work.base), result.kind, result.id)
                return [*self._sequencer.feed([Said(words)]), produced]
            case _:
                return []

    def close(self) -> list[Event]:
        """What is open ends."""
        return self._sequencer.feed([Ended()])


class _AtEndpoint:
    """Facts as the events of pictures; a stream, and who asks for them, gets the files themselves."""

    def __init__(self, work: Sketch, keeping: Keeping) -> None:
        self._work = work
        self._keeping = keeping
        self._shown: dict[int, int] = {}
        self.here = bool(work.drawing.inline or work.request.stream)
        self.text = ""

    async def tell(self, fact: Fact) -> list[Event]:
        match fact:
            case Previewed(slot):
                shown = self._shown[slot] = self._shown.get(slot, 0) + 1
                return [fact] if shown <= self._work.drawing.previews else []
            case Kept(result):
                data = await self._keeping.read(result) if self.here else b""
                url = link(result, self._work.base)
                return [Produced(url, result.kind, result.id, data=data, mime=result.mime)]
            case _:
                return []

    def close(self) -> list[Event]:
        """Nothing is ever open."""
        return []


async def _side_by_side(runs: Sequence[AsyncGenerator[list[Fact], None]]) -> AsyncGenerator[list[Fact], None]:
    """The facts of runs of one picture each, as those of one run."""
    percents = [0] * len(runs)
    told = made = withheld = 0
    problems: list[Problem] = []
    async with aclosing(merge([_numbered(number, run) for number, run in enumerate(runs)])) as batches:
        async for number, facts in batches:
            out: list[Fact] = []
            for fact in facts:
                match fact:
                    case Progressed(percent, what):
                        percents[number] = percent
                        average = sum(percents) // len(percents)
                        if average > told:
                            told = average
                            out.append(Progressed(average, what))
                    case Previewed():
                        out.append(msgspec.structs.replace(fact, slot=number))
                    case Kept(result):
                        out.append(Kept(result, number))
                    case Completed():
                        made, withheld = made + fact.made, withheld + fact.withheld
                    case Failed(problem):
                        problems.append(problem)
            if out:
                yield out
    yield [Completed(made, withheld) if made else Failed(_plainest(problems))]


async def _numbered(number: int, run: AsyncGenerator[list[Fact], None]) -> AsyncGenerator[tuple[int, list[Fact]], None]:
    async with aclosing(run):
        async for facts in run:
            yield number, facts


def _plainest(problems: Sequence[Problem]) -> Problem:
    """Of several failures the one that tells the client most: a refusal, if there is one."""
    return next((problem for problem in problems if problem.kind is Kind.REFUSED), problems[-1])


# --- what is asked for


def read(request: Request, model: Model) -> tuple[Request, str, int, str]:
    """What of a request matters to a model that draws: the request cut down to it, its prompt, number and ratio.

    Raises `Refusal` naming the field at fault.
    """
    drawing = request.drawing or Drawing()
    if request.n > 1:
        raise invalid(f"n must be 1 with {model.name}: say in image_config.n how many pictures you want", "n")
    limit = _most(model)
    n = 1 if drawing.n is None else drawing.n
    if not 1 <= n <= limit:
        field = f"{drawing.path}n"
        raise invalid(f"{field} must be between 1 and {limit} for {model.name}, not {n}", field)
    ratio = image_ratio(drawing.size, f"{drawing.path}size")
    prompt, sources = last_words(request), _sources(request)
    if model.surface is Surface.IMAGE_EDIT:
        sources = _startable(sources, request)
    else:
        _refuse_sources(request, model)
        sources = []
    message = Message(Role.USER, (Text(prompt), *sources), request.messages[-1].path)
    return msgspec.structs.replace(request, messages=(message,)), prompt, n, ratio


def belongs(request: Request, model: Model) -> None:
    """Raises `Refusal` for a model that the endpoint is not for."""
    endpoint = request.drawing.endpoint if request.drawing is not None else ""
    if endpoint and model.surface is not ENDPOINTS[endpoint]:
        does = {"generations": "draws from words", "edits": "changes pictures"}[endpoint]
        raise invalid(f"The model {model.name!r} is not one that {does}; /v1/models lists those that are", "model")


def _most(model: Model) -> int:
    if model.surface is Surface.IMAGE_EDIT:
        return MOST_EDITS
    return MOST_LITE if model.upstream_name == LITE else MOST_OTHERS


def last_words(request: Request, do: str = "draw") -> str:
    """The last words of the user. Raises `Refusal` when there are none."""
    for message in reversed(request.messages):
        words = "\n".join(part.text for part in message.parts if isinstance(part, Text)).strip()
        if message.role is Role.USER and words:
            return words
    field = "prompt" if request.drawing is not None and request.drawing.endpoint else "messages"
    raise invalid(f"There are no words that say what to {do}", field, code="missing_required_parameter")


def _sources(request: Request) -> list[Image | Attachment]:
    """The pictures that the user sent, in order."""
    users = (message for message in request.messages if message.role is Role.USER)
    return [part for message in users for part in message.parts if isinstance(part, Image | Attachment)]


def _startable(sources: list[Image | Attachment], request: Request) -> list[Image | Attachment]:
    at_endpoint = request.drawing is not None and bool(request.drawing.endpoint)
    if not sources:
        field = "image" if at_endpoint else "messages"
        raise invalid("Send at least one picture to start from", field, code="missing_required_parameter")
    if at_endpoint and len(sources) > MOST_SOURCES:
        path = sources[MOST_SOURCES].path
        raise invalid(f"{path} is one picture too many: at most {MOST_SOURCES} are possible", path)
    return sources[-MOST_SOURCES:]


def _refuse_sources(request: Request, model: Model) -> None:
    """A picture that comes with the prompt is meant; one of an earlier turn need not be."""
    last = request.messages[-1]
    part = next((part for part in last.parts if isinstance(part, Image | Attachment)), None)
    if part is not None:
        message = f"{model.name} draws from words only; use grok-imagine-image-edit to start from a picture"
        raise invalid(message, part.path, code="unsupported_content")
