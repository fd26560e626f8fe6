"""The body of an answer as its reader sees it: chunks with the content coding undone, and an honest end.

Shared by the two clients; each brings a `read` that returns what arrived since the last time, nothing at a clean end,
and raises `BrokenOff` when the end was not clean.
"""

import asyncio
from collections.abc import Awaitable, Callable

from grok2api.canonical.problem import Kind, Problem
from grok2api.transport.decoding import CodingError, Decoder, decoder_for
from grok2api.upstreams.base import TransportError

#: An error answer that does not say its reason within this time is judged by what it has said.
_PATIENCE_SEC = 5.0


class BrokenOff(Exception):  # noqa: N818 - becomes a `TransportError` with the host's name
    """The body ended before its end; the text says how."""


class Chunks:
    """The reads of one body. Not a generator: a reader that leaves in the middle owes it no farewell."""

    __slots__ = ("_coding", "_decoder", "_host", "_read")

    def __init__(self, read: Callable[[], Awaitable[bytes]], coding: str, host: str) -> None:
        self._read = read
        self._coding = coding
        self._host = host
        self._decoder: Decoder | None = None

    def __aiter__(self) -> "Chunks":
        return self

    async def __anext__(self) -> bytes:
        while True:
            try:
                data = await self._read()
            except BrokenOff as error:
                raise self._cut(str(error)) from None
            if not data:
                break
            if self._coding:
                data = self._decoded(data)
            if data:
                return data
        if self._decoder is not None and not self._decoder.whole:
            raise self._cut("the content coding is not finished")
        raise StopAsyncIteration

    def _decoded(self, data: bytes) -> bytes:
        try:
            if self._decoder is None:
                self._decoder = decoder_for(self._coding)
            return data if self._decoder is None else self._decoder.feed(data)
        except CodingError as error:
            raise self._cut(str(error)) from None

    def _cut(self, reason: str) -> TransportError:
        message = f"The answer of {self._host} broke off"
        return TransportError(Problem(kind=Kind.CUT, message=message, code="stream_cut", evidence=reason.encode()))


async def first_bytes(chunks: Chunks, limit: int) -> bytes:
    """At most the first `limit` bytes; fewer when the body breaks off or pauses for long."""
    body = b""
    try:
        async with asyncio.timeout(_PATIENCE_SEC):
            async for chunk in chunks:
                body += chunk
                if len(body) >= limit:
                    break
    except (TransportError, TimeoutError):
        pass
    return body[:limit]
