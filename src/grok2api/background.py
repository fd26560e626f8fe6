"""What makes answers in the background, put together from the running gateway's parts; `app` holds the result."""

from collections.abc import Callable

from grok2api import options
from grok2api.config.live import Live
from grok2api.coordination.base import Coordinator
from grok2api.dialects.openai_responses.background import ended
from grok2api.gateway.background import BEAT_SEC, EXPIRE_SEC, LOOK_SEC, Background
from grok2api.gateway.exchange import Gateway
from grok2api.jobs import Job
from grok2api.storage.responses import ResponseStore
from grok2api.web.options import State

#: The message that says that an answer is to end, wherever it is made.
_END = "background-end"


def background_of(
    gateway: Gateway,
    responses: ResponseStore,
    live: Live,
    coordinator: Coordinator,
    state: State,
    now: Callable[[], float],
    holder: str,
) -> Background:
    """All background answers; `holder` names this process."""

    async def tell(ident: str) -> None:
        await coordinator.tell(_END, ident.encode())

    async def heard(message: bytes) -> None:
        background.heard(message.decode())

    background = Background(
        gateway.answer,
        lambda exchange: gateway.pool.refuses(exchange.work.need),
        responses,
        ended,
        options.kept(options.background, lambda: live.current),
        now,
        holder,
        state,
        tell,
    )
    coordinator.handle({_END: heard})
    return background


def background_jobs(background: Background) -> tuple[Job, ...]:
    """The periodic work of background answers."""
    return (
        Job(
            name="background-write",
            help="Writes what background answers have come to, and that they are still worked on.",
            every=lambda: BEAT_SEC,
            work=background.beat,
        ),
        Job(
            name="background-look",
            help="Says of background answers whose process is gone that they have failed.",
            every=lambda: LOOK_SEC,
            work=background.look,
        ),
        Job(
            name="background-expire",
            help="Forgets the streams of background answers; the answers themselves stay.",
            every=lambda: EXPIRE_SEC,
            work=background.expire,
        ),
    )
