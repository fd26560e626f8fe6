"""Several answers to one request (`n`), merged into one stream.

Each choice is an answer of its own with its own lease; they run side by side. The first failure fails the
whole, since half of what was asked for is not an answer.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from grok2api.canonical.events import Event, Failed
from grok2api.transport.tasks import spawn

Batch = list[Event]


async def merge(answers: Sequence[AsyncGenerator[Batch, None]]) -> AsyncGenerator[tuple[int, Batch], None]:
    """Yield `(choice, events)` as they come, until all have ended or one has failed."""
    queue: asyncio.Queue[tuple[int, Batch | Exception | None]] = asyncio.Queue(maxsize=len(answers))
    pumps = [spawn(_pump(choice, answer, queue), f"choice-{choice}") for choice, answer in enumerate(answers)]
    left = len(pumps)
    try:
        while left:
            choice, batch = await queue.get()
            if batch is None:
                left -= 1
                continue
            if isinstance(batch, Exception):
                raise batch
            yield choice, batch
            if isinstance(batch[-1], Failed):
                return
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def one(answer: AsyncGenerator[Batch, None]) -> AsyncGenerator[tuple[int, Batch], None]:
    """The same shape for the usual case of a single answer."""
    async with aclosing(answer):
        async for batch in answer:
            yield 0, batch


async def _pump(
    choice: int, answer: AsyncGenerator[Batch, None], queue: asyncio.Queue[tuple[int, Batch | Exception | None]]
) -> None:
    try:
        async with aclosing(answer):
            async for batch in answer:
                await queue.put((choice, batch))
    except Exception as error:  # a bug of ours: the reader of the queue raises it where it is rendered
        await queue.put((choice, error))
    else:
        await queue.put((choice, None))
