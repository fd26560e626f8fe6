"""What the adapters of grok.com do alike: wait within limits, read whole answers, judge refusals, keep sockets open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.transport.tasks import spawn
from grok2api.upstreams.base import Http, HttpAnswer, HttpCall, TransportError
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.refusals import classify

_T = TypeVar("_T")

_LARGEST_ANSWER = 16 * 1024 * 1024


class Pace:
    """The patience of one piece of work: so long between two signs of life, and so long altogether, in seconds.

    It begins when it is made. Waiting longer raises `TransportError` of kind TIMEOUT.
    """

    def __init__(self, total: float, silence: float | None = None) -> None:
        self._silence = total if silence is None else silence
        self._until = asyncio.get_running_loop().time() + total

    async def wait(self, coming: Awaitable[_T], silence: float | None = None) -> _T:
        """What comes; `silence` is another patience for this once."""
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(self._until, now + (self._silence if silence is None else silence))):
                return await coming
        except TimeoutError:
            raise TransportError(_slow()) from None

    async def enter(self, stack: AsyncExitStack, context: AbstractAsyncContextManager[_T]) -> _T:
        """Enter a context, which the stack leaves."""
        return await self.wait(stack.enter_async_context(context))


async def whole(http: Http, call: HttpCall, within: float) -> bytes:
    """The body of a good answer. Raises `Refusal` for any other, `TransportError` for the way there."""
    pace = Pace(within)
    async with AsyncExitStack() as stack:
        answer = await pace.enter(stack, http.send(call))
        if answer.status not in (200, 201, 204):
            raise Refusal(await refusal(answer))
        return await pace.wait(_body(answer))


async def refusal(answer: HttpAnswer) -> Problem:
    """What an answer means that is not the one that was hoped for."""
    try:
        body = await answer.head()
    except TransportError:
        body = b""
    return classify(answer.status, answer.headers, body, what=WHAT)


@asynccontextmanager
async def beating(beat: Callable[[], Awaitable[None]], every: float) -> AsyncIterator[None]:
    """Keep a socket open meanwhile, with a beat every so many seconds; when it breaks, its reader notices."""

    async def go_on() -> None:
        try:
            while True:
                await asyncio.sleep(every)
                await beat()
        except TransportError:
            return

    heart = spawn(go_on(), "grok_web heartbeat")
    try:
        yield
    finally:
        heart.cancel()


async def _body(answer: HttpAnswer) -> bytes:
    pieces, size = [], 0
    async for piece in answer.chunks():
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST_ANSWER:
            raise Refusal(Problem(kind=Kind.UPSTREAM, message=f"{WHAT} sent an answer of unreasonable length"))
    return b"".join(pieces)


def _slow() -> Problem:
    return Problem(kind=Kind.TIMEOUT, message=f"{WHAT} took longer than allowed; try again later")
