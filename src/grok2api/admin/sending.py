"""Answers of the admin API as bytes on the wire: JSON, pages, downloads, events, refusals."""

from collections.abc import Iterable, Mapping
from contextlib import aclosing

import msgspec

from grok2api.admin.route import Events, Page, Pieces
from grok2api.canonical.problem import Problem
from grok2api.dialects import openai_errors
from grok2api.web.asgi import Message, Send, answer_whole, pack
from grok2api.web.problems import retry_headers
from grok2api.web.stream import Line

#: On every answer: what the admin sees is nobody else's, and is what it says it is.
PRIVATE = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))

_JSON = "application/json"

_encode = msgspec.json.Encoder().encode


class Sender:
    """One answer. `status` is 0 until its head is out; `bodiless` is for HEAD."""

    def __init__(self, send: Send, *, bodiless: bool) -> None:
        self._send = send
        self._bodiless = bodiless
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """What ASGI calls `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def answer(self, result: object, line: Line) -> None:
        """Send what a handler made."""
        match result:
            case Events():
                await self._events(result, line)
            case Pieces():
                await self._pieces(result)
            case Page():
                await self._whole(result.content, result.kind, result.headers)
            case _:
                await self._whole(_encode(result), _JSON, {})

    async def refuse(self, problem: Problem, methods: Iterable[str]) -> None:
        """Send a refusal; `methods` are those that the path takes."""
        status, body = openai_errors.render(problem)
        headers = [*PRIVATE, *retry_headers(status, problem)]
        if status == 405:
            headers.append(("allow", ", ".join(methods)))
        if status == 401:
            headers.append(("www-authenticate", "Bearer"))
        await answer_whole(self, status, body, headers)

    async def _whole(self, content: bytes, kind: str, headers: Mapping[str, str]) -> None:
        if self._bodiless:
            await self._head(kind, {**headers, "content-length": str(len(content))})
        else:
            await answer_whole(self, 200, content, [*PRIVATE, *headers.items()], kind.encode())

    async def _pieces(self, result: Pieces) -> None:
        """Its first piece is there before the status, so that a failure can still be one."""
        async with aclosing(result.pieces) as pieces:
            first = await anext(pieces, b"")
            if self._bodiless:
                await self._head(result.kind, result.headers)
                return
            await self._start(result.kind, result.headers)
            await self({"type": "http.response.body", "body": first, "more_body": True})
            async for piece in pieces:
                await self({"type": "http.response.body", "body": piece, "more_body": True})
        await self({"type": "http.response.body", "body": b"", "more_body": False})

    async def _events(self, result: Events, line: Line) -> None:
        async with aclosing(result.frames) as frames:
            if self._bodiless:
                await self._head("text/event-stream; charset=utf-8", {})
                return
            line.will_stream()
            await line.open()
            async for frame in frames:
                await line.write(frame)
        await line.finish()

    async def _head(self, kind: str, headers: Mapping[str, str]) -> None:
        await self._start(kind, headers)
        await self({"type": "http.response.body", "body": b""})

    async def _start(self, kind: str, headers: Mapping[str, str]) -> None:
        packed = pack([("content-type", kind), *PRIVATE, *headers.items()])
        await self({"type": "http.response.start", "status": 200, "headers": packed})
