"""Several runs of one request, merged into one stream: the `n` answers, or the pictures that are drawn side by side.

Each is a run of its own with its own lease. What ends the whole is for the caller to say: half of the answers that were
asked for is no answer, while some of the pictures are better than none.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from grok2api.transport.tasks import spawn

T = TypeVar("T")


async def merge(
    runs: Sequence[AsyncGenerator[T, None]], is_last: Callable[[T], bool] = lambda _: False
) -> AsyncGenerator[T, None]:
    """Yield the batches as they come, until all runs have ended, or one batch `is_last`."""
    queue: asyncio.Queue[T | Exception | None] = asyncio.Queue(maxsize=len(runs))
    pumps = [spawn(_pump(run, queue), f"run-{number}") for number, run in enumerate(runs)]
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
            if is_last(item):
                return
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(run: AsyncGenerator[T, None], queue: "asyncio.Queue[T | Exception | None]") -> None:
    """Put batches, then the bug that ended the run, or that it is done."""
    try:
        async with aclosing(run):
            async for batch in run:
                await queue.put(batch)
    except Exception as error:  # a bug of ours: the reader of the queue raises it where it is rendered
        await queue.put(error)
    else:
        await queue.put(None)
