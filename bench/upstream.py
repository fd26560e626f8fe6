"""A fake upstream that costs next to nothing: prepared bytes for grok.com, console.x.ai and an OpenAI server.

Two shapes. `burst`: the whole answer in one write. `pace`: an answer begins with its first token when it is asked
for; from `run` on every open stream gets tokens at the same rate, spread evenly over time. It notes when each token
was written, so that the load, which lives in the same process and shares its clock, can tell how long it took.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import cast

from bench import answers, asking
from bench.answers import CONTENT_TYPES, WIRES, Spoken, Wire

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n"
_WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
_LAST = b"0\r\n\r\n"
_PATHS: Mapping[bytes, Wire] = {b"/v1/responses": "console", b"/openai/chat/completions": "openai"}
_SLOTS = 20


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class _Prepared:
    """One wire's answer, framed for HTTP."""

    def __init__(self, wire: Wire, spoken: Spoken) -> None:
        head = _HEAD % CONTENT_TYPES[wire]
        self.burst = head + _chunk(spoken.whole) + _LAST
        self.opening = head + _chunk(spoken.opening + spoken.tokens[0])
        self.tokens = [_chunk(token) for token in spoken.tokens[1:]]
        self.closing = _chunk(spoken.closing) + _LAST


class FakeUpstream:
    """Serves; `served` counts requests. `sent` holds, per stream number, when each token was written (seconds)."""

    def __init__(self) -> None:
        self._prepared: dict[Wire, _Prepared] = {}
        self._whole = b""
        self._paced = False
        self.open: list[Connection] = []
        self.sent: dict[int, list[float]] = {}
        self.served = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    def burst(self, tokens: int) -> None:
        """From now on answers of so many tokens come whole, in one write."""
        self._prepare(tokens)
        self._paced = False

    def pace(self, tokens: int) -> None:
        """From now on answers begin and then wait for `run`; they have so many tokens at most."""
        self._prepare(tokens)
        self._paced = True
        self.open.clear()
        self.sent.clear()

    def _prepare(self, tokens: int) -> None:
        self._prepared = {wire: _Prepared(wire, answers.spoken(wire, tokens)) for wire in WIRES}
        body = answers.completion(tokens)
        self._whole = _WHOLE % (len(body), body)

    def answer(self, connection: "Connection", path: bytes, body: bytes) -> None:
        """Begin, and mostly end, one answer."""
        self.served += 1
        wire = _PATHS.get(path, "web")
        prepared = self._prepared[wire]
        if wire == "openai" and b'"stream":true' not in body.replace(b" ", b""):
            connection.write(self._whole)
        elif not self._paced:
            connection.write(prepared.burst)
        else:
            connection.begin(prepared, asking.stream_of(body))

    async def run(self, rate: float, seconds: float) -> int:
        """Feed all open streams `rate` tokens a second each, then let them end. The tokens that were written."""
        begun, step, turn, written = time.perf_counter(), 1.0 / rate / _SLOTS, 0, 0
        lanes = [self.open[slot::_SLOTS] for slot in range(_SLOTS)]
        while (now := time.perf_counter()) < begun + seconds:
            while begun + turn * step <= now:
                for connection in lanes[turn % _SLOTS]:
                    written += connection.next_token()
                turn += 1
            await asyncio.sleep(max(0.0, begun + turn * step - time.perf_counter()))
        return written

    def end(self) -> None:
        """Say the end of every open stream."""
        for connection in self.open:
            connection.end()
        self.open.clear()


class Connection(asyncio.Protocol):
    """One connection of a gateway: one request at a time, no more of HTTP than is needed."""

    def __init__(self, upstream: FakeUpstream) -> None:
        self._upstream = upstream
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._prepared: _Prepared | None = None
        self._place = 0
        self._times: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(buffer) < end + 4 + length:
            return
        self._buffer = b""
        self._upstream.answer(self, head.split(b" ", 2)[1], buffer[end + 4 :])

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def begin(self, prepared: _Prepared, number: int) -> None:
        """Say the opening and the first token, then wait."""
        self._prepared, self._place = prepared, 0
        self._times = self._upstream.sent[number] = [time.perf_counter()]
        self._upstream.open.append(self)
        self.write(prepared.opening)

    def next_token(self) -> int:
        """Say one more token: 1, or 0 when there is nobody or nothing left."""
        prepared = self._prepared
        if self._transport is None or prepared is None or self._place >= len(prepared.tokens):
            return 0
        self._times.append(time.perf_counter())
        self._transport.write(prepared.tokens[self._place])
        self._place += 1
        return 1

    def end(self) -> None:
        if self._prepared is not None:
            self.write(self._prepared.closing)
            self._prepared = None
