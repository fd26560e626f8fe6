"""Films in a conversation: the user's last words are filmed, progress is thinking, and the film stands in the text.

Such a film is not kept as an order: it belongs to the request, and ends with it when the client leaves.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from html import escape
from typing import Literal

import msgspec

from grok2api.accounts.leases import Need
from grok2api.canonical.choices import VIDEO_PRESETS, VIDEO_RESOLUTIONS, VIDEO_SECONDS, video_ratio
from grok2api.canonical.events import (
    Ended,
    Event,
    Failed,
    Finish,
    Finished,
    Produced,
    Progressed,
    Said,
    Started,
    Thought,
    Usage,
)
from grok2api.canonical.media import Checkpoint, VideoRequest
from grok2api.canonical.problem import invalid
from grok2api.canonical.request import Image, Message, Request, Role, Shot, Text
from grok2api.canonical.sequence import Sequencer
from grok2api.catalog import Model
from grok2api.gateway.counting import Count
from grok2api.gateway.filming import Filmed, Filming, Order
from grok2api.gateway.respond import Batch
from grok2api.gateway.studio import last_words
from grok2api.gateway.turns import Report
from grok2api.media.names import url

MOST_PICTURES = 7

Format = Literal["grok_url", "local_url", "grok_html", "local_html"]


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """A film to be made and shown. `request` holds the prompt and the pictures; `base`: where links begin."""

    request: Request
    video: VideoRequest
    model: Model
    need: Need
    base: str
    shows_progress: bool
    input_tokens: Callable[[], Awaitable[int]]


class Screening:
    """Makes films for conversations; `style` tells how they stand in the text."""

    def __init__(self, filming: Filming, style: Callable[[], Format], count: Count) -> None:
        self._filming = filming
        self._style = style
        self._count = count

    async def answer(self, work: Screen, report: Report) -> AsyncGenerator[Batch, None]:
        """Yield the events of the answer."""
        order = Order(request=work.video, model=work.model, need=work.need, pictures=work.request.attachments())
        sequencer, started = Sequencer(), False
        async with aclosing(self._filming.film(order, _unkept, report)) as steps:
            async for step in steps:
                events: list[Event] = []
                match step:
                    case Progressed(percent) if work.shows_progress:
                        events = sequencer.feed([Thought(f"Filming: {percent} %\n")])
                    case Filmed(file):
                        events = await self._shown(work, file, sequencer, report)
                    case Failed():
                        events = [*(sequencer.feed([Ended()]) if started else ()), step]
                    case _:
                        pass
                if events and not started and not isinstance(events[0], Failed):
                    started = True
                    events = [Started(await work.input_tokens()), *events]
                if events:
                    yield 0, events

    async def _shown(self, work: Screen, file: str, sequencer: Sequencer, report: Report) -> list[Event]:
        words = show(url(work.base, "video", file), self._style())
        usage = Usage(input=await work.input_tokens(), output=max(1, self._count(words)))
        report.usage, report.finish = usage, Finish.STOP.value
        produced = Produced(url(work.base, "video", file), "video", file)
        return [*sequencer.feed([Said(words)]), produced, *sequencer.feed([Ended()]), Finished(Finish.STOP, usage)]


async def _unkept(_account: str, _checkpoint: Checkpoint) -> None:
    """Nobody comes back to such a film."""


def show(link: str, style: Format) -> str:
    """A film as it stands in a text. A film at Grok opens for its account only, so the link always leads here."""
    if style in ("grok_url", "local_url"):
        return link
    source = escape(link, quote=True)
    return f'<video controls preload="metadata" poster="{source}&amp;thumbnail=1" src="{source}"></video>'


def read_film(request: Request, model: Model) -> tuple[Request, VideoRequest]:
    """What of a request matters to a model that films. Raises `Refusal` naming the field at fault."""
    if request.n > 1:
        raise invalid(f"n must be 1 with {model.name}: it makes one film", "n")
    wanted = request.shot or Shot()
    prompt, last = last_words(request, "film"), request.messages[-1]
    pictures = [part for part in last.parts if isinstance(part, Image)]
    if len(pictures) > MOST_PICTURES:
        path = pictures[MOST_PICTURES].path
        raise invalid(f"{path} is one picture too many: a film takes {MOST_PICTURES}", path, code="too_many_files")
    video = VideoRequest(
        prompt=prompt,
        seconds=wanted.seconds or VIDEO_SECONDS[0],
        ratio=video_ratio(wanted.size, f"{wanted.path}size"),
        resolution=wanted.resolution or VIDEO_RESOLUTIONS[0],
        preset=wanted.preset or VIDEO_PRESETS[0],
    )
    message = Message(Role.USER, (Text(prompt), *pictures), last.path)
    return msgspec.structs.replace(request, messages=(message,)), video
