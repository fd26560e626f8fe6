"""Counting the input of requests without holding anybody up.

The tokenizer holds the interpreter while it works, so a request is counted in steps, with others' work between two of
them, and all requests take turns at every step: a burst of them holds up running streams no longer than one does.
"""

import asyncio

from grok2api.canonical.request import Request
from grok2api.gateway.counting import Count, count_input


class InputCounter:
    """Counts requests for one event loop. The first count of all is in a thread, since it loads the tokenizer."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._turn = asyncio.Semaphore(1)
        self._loaded = False

    async def tokens(self, request: Request) -> int:
        """Input tokens by our own count."""
        if not self._loaded:
            await asyncio.to_thread(self._count, "a")
            self._loaded = True
        steps = count_input(request, self._count)
        total, counted = 0, next(steps, None)
        while counted is not None:
            total = counted
            async with self._turn:
                counted = next(steps, None)
                await asyncio.sleep(0)
        return total


class InputCount:
    """The count of one request, made once and only when somebody wants it."""

    def __init__(self, request: Request, counter: InputCounter) -> None:
        self._request = request
        self._counter = counter
        self._known: int | None = None

    async def value(self) -> int:
        if self._known is None:
            self._known = await self._counter.tokens(self._request)
        return self._known
