"""Counting the input of requests without holding anybody up.

The tokenizer holds the interpreter while it works, so a long request is counted in a thread, in slices, and only one
request at a time: a burst of them costs running streams no more than one does.
"""

import asyncio

from grok2api.canonical.request import Request
from grok2api.gateway.counting import Count, count_input, length

#: Above this many characters counting would hold the loop for over a millisecond.
_OFF_LOOP = 16_384


class InputCounter:
    """Counts requests for one event loop. The tokenizer is loaded by the first."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._turn = asyncio.Semaphore(1)
        self._loaded = False

    async def tokens(self, request: Request) -> int:
        """Input tokens by our own count."""
        if self._loaded and next(request.files(), None) is None and length(request) <= _OFF_LOOP:
            return count_input(request, self._count)
        async with self._turn:
            counted = await asyncio.to_thread(count_input, request, self._count)
            self._loaded = True
            return counted


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
