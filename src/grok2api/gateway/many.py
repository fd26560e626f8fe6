"""Several answers to one request (`n`), merged into one stream.

Each choice is an answer of its own with its own lease; they run side by side. The first failure fails the
whole, since half of what was asked for is not an answer.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from grok2api.canonical.events import Failed
from grok2api.gateway.respond import Batch
from grok2api.transport.tasks import spawn

#: What a pump puts: a batch, the bug that ended it, or that it is done.
_Item = Batch | Exception | None


async def merge(answers: Sequence[AsyncGenerator[Batch, None]]) -> AsyncGenerator[Batch, None]:
    """Yield the batches as they come, until all answers have ended or one has failed."""
    queue: asyncio.Queue[_Item] = asyncio.Queue(maxsize=len(answers))
    pumps = [spawn(_pump(answer, queue), f"choice-{choice}") for choice, answer in enumerate(answers)]
    left = len(pumps)
    try:
        while left:
            item = await queue.get()
            if item is None:
                left -= 1
                continue
            if isinstance(item, Exception):
                raise item
            yield item
            if isinstance(item[1][-1], Failed):
                return
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(answer: AsyncGenerator[Batch, None], queue: asyncio.Queue[_Item]) -> None:
    try:
        async with aclosing(answer):
            async for batch in answer:
                await queue.put(batch)
    except Exception as error:  # a bug of ours: the reader of the queue raises it where it is rendered
        await queue.put(error)
    else:
        await queue.put(None)
