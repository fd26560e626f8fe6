"""Counting the input of requests without holding anybody up.

The tokenizer holds the interpreter while it works, so a request is counted in steps of about a millisecond, with
everybody else's turn between two of them, and all requests take turns at every step: a burst of them costs running
streams no more than one does.
"""

import asyncio

from grok2api.canonical.request import Request
from grok2api.gateway.counting import Count, count_input


class InputCounter:
    """Counts requests for one event loop. The tokenizer is loaded by the first, in a thread."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._turn = asyncio.Semaphore(1)
        self._loaded = False

    async def tokens(self, request: Request) -> int:
        """Input tokens by our own count."""
        if not self._loaded:
            await asyncio.to_thread(self._count, "")
            self._loaded = True
        steps = count_input(request, self._count)
        total = 0
        while True:
            async with self._turn:
                counted = next(steps, None)
                if counted is None:
                    return total
                total = counted
                await asyncio.sleep(0)


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
