"""The scenarios of the load, and the figures that they add up to.

A32: whole answers of 50 tokens over 32 connections. A1: one at a time. B32: 200 tokens sent at once, streamed, over
32 connections. C: streams at 50 tokens a second. The names and the work are those of the project's targets.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from bench import asking
from bench.answers import MARK, Wire
from bench.asking import DIALECTS, MODELS, PATHS, Dialect
from bench.client import Listeners, LoadError, ask, closed_loop
from bench.processes import Program
from bench.stats import percentile
from bench.upstream import FakeUpstream

RATE = 50.0
PACED_STREAMS = (100, 300, 500)
SLOW_PACED_STREAMS = (10, 20, 30)
WHOLE_TOKENS, BURST_TOKENS = 50, 200
_PATIENCE = 60.0


class Options(NamedTuple):
    """How much is measured: rounds, seconds of one closed loop, seconds of one paced run."""

    rounds: int = 3
    seconds: float = 1.0
    paced_seconds: float = 2.5
    paced_rounds: int = 2
    litellm: Path | None = None


class Peer(NamedTuple):
    """Something that answers. `wire` is what it asks the upstream; `program` is None for the upstream itself."""

    name: str
    port: int
    key: str
    wire: Wire
    program: Program | None
    pace: float = 1.0

    @property
    def model(self) -> str:
        return MODELS[self.wire]

    def request(self, dialect: Dialect, *, stream: bool, wire: Wire | None = None, number: int = 0) -> bytes:
        """The bytes of one request; a peer that hands bytes on is asked on the upstream's own path."""
        path = PATHS["responses"] if self.hands_on and wire == "console" else PATHS[dialect]
        model = MODELS[wire] if wire is not None else self.model
        return asking.http(path, asking.body(dialect, model, stream=stream, number=number), self.key)

    @property
    def hands_on(self) -> bool:
        return self.name in ("direct", "nginx")


class Results:
    """Figures by name and peer, one for each round."""

    def __init__(self) -> None:
        self._figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.notes: list[str] = []

    def add(self, figure: str, peer: str, value: float) -> None:
        self._figures[figure][peer].append(value)

    def of(self, figure: str, peer: str) -> list[float]:
        """The rounds of one figure; empty when it was not measured."""
        return self._figures.get(figure, {}).get(peer, [])

    def names(self) -> list[str]:
        return list(self._figures)

    def peers(self) -> list[str]:
        return list(dict.fromkeys(peer for figure in self._figures.values() for peer in figure))


class Scenarios:
    """The scenarios."""

    def __init__(self, upstream: FakeUpstream, options: Options, results: Results) -> None:
        self._upstream = upstream
        self._options = options
        self._results = results

    async def warm(self, peer: Peer) -> None:
        """One answer of every kind that will be asked for, looked at; then some more. Raises `LoadError`."""
        for wire, dialect, stream in self._kinds(peer):
            body = await ask(peer.port, peer.request(dialect, stream=stream, wire=wire))
            if body.count(MARK) < WHOLE_TOKENS:
                raise LoadError(f"{peer.name} lost tokens in {dialect} from {wire}: {body[-300:]!r}")
        request = peer.request("chat", stream=True)
        await closed_loop(peer.port, request, connections=32, count=max(32, int(640 * peer.pace)), seconds=10.0)

    def _kinds(self, peer: Peer) -> list[tuple[Wire, Dialect, bool]]:
        if peer.name != "gateway":
            return [(peer.wire, "chat", False), (peer.wire, "chat", True)]
        return [(wire, dialect, flag) for wire in ("web", "console") for dialect in DIALECTS for flag in (False, True)]

    async def memory(self, peer: Peer) -> None:
        """What 1,000 open streams add to resident memory after some tokens."""
        if peer.program is None or peer.pace < 1.0:
            return
        before = peer.program.memory()
        async with self._held(peer, 1_000, tokens=20):
            await self._upstream.run(10.0, 1.0)
            added = peer.program.memory() - before
        self._results.add("memory of 1,000 open streams (MB)", peer.name, added)

    async def round(self, peers: Sequence[Peer]) -> None:
        """Whole answers and bursts, each peer in turn."""
        self._upstream.burst(WHOLE_TOKENS)
        for peer in peers:
            await self._whole(peer)
        for peer in peers:
            await self._one(peer)
        self._upstream.burst(BURST_TOKENS)
        for peer in peers:
            if peer.program is not None:
                await self._burst(peer, peer.program)

    async def _whole(self, peer: Peer) -> None:
        program = peer.program
        if program is None:
            return
        kinds: list[tuple[str, Wire, Dialect, int]] = [("A32", peer.wire, "chat", 20_000)]
        if peer.name == "gateway":
            kinds += [("A32 console.x.ai", "console", "chat", 1_200)]
            kinds += [(f"A32 {dialect}", "web", dialect, 2_000) for dialect in DIALECTS[1:]]
        for name, wire, dialect, most in kinds:
            request = peer.request(dialect, stream=False, wire=wire)
            used = program.cpu()
            count = max(64, int(most * peer.pace))
            load = await closed_loop(
                peer.port, request, connections=32, count=count, seconds=self._options.seconds, least=100
            )
            used = program.cpu() - used
            self._results.add(f"{name}: requests/s", peer.name, load.rate)
            self._results.add(f"{name}: CPU per request (µs)", peer.name, used / len(load.latencies) * 1e6)
            self._results.add(f"{name}: share of its core", peer.name, used / load.seconds)

    async def _one(self, peer: Peer) -> None:
        request = peer.request("chat", stream=False)
        count = max(20, int(400 * peer.pace))
        load = await closed_loop(peer.port, request, connections=1, count=count, seconds=self._options.seconds)
        self._results.add("A1: median of one request (ms)", peer.name, percentile(load.latencies, 0.5) * 1e3)

    async def _burst(self, peer: Peer, program: Program) -> None:
        kinds: list[tuple[str, Wire, Dialect]] = [("B32", peer.wire, "chat")]
        if peer.name == "gateway":
            kinds = [(f"B32 {wire} → {dialect}", wire, dialect) for wire in ("web", "console") for dialect in DIALECTS]
            kinds[0] = ("B32", "web", "chat")
        elif peer.name == "nginx":
            kinds.append(("B32 console → chat", "console", "chat"))
        for name, wire, dialect in kinds:
            most = 400 if wire == "console" and peer.name == "gateway" else 4_000
            request = peer.request(dialect, stream=True, wire=wire)
            used = program.cpu()
            load = await closed_loop(
                peer.port,
                request,
                connections=32,
                count=max(64, int(most * peer.pace)),
                seconds=self._options.seconds,
                least=BURST_TOKENS * 10,
            )
            used = program.cpu() - used
            self._results.add(f"{name}: CPU per token (µs)", peer.name, used / len(load.latencies) / BURST_TOKENS * 1e6)

    async def paced(self, peers: Sequence[Peer]) -> None:
        """Streams at `RATE` tokens a second each, by how many are open."""
        for place in range(len(PACED_STREAMS)):
            for peer in peers:
                streams = (PACED_STREAMS if peer.pace == 1.0 else SLOW_PACED_STREAMS)[place]
                try:
                    await self._pace(peer, streams)
                except LoadError as error:
                    self._results.notes.append(f"C, {streams} streams, {peer.name}: {error}")

    async def _pace(self, peer: Peer, streams: int) -> None:
        program, seconds = peer.program, self._options.paced_seconds
        async with self._held(peer, streams, tokens=int(RATE * seconds) + 10) as listeners:
            used = program.cpu() if program is not None else 0.0
            written = await self._upstream.run(RATE, seconds)
            await asyncio.sleep(0.05)
            used = (program.cpu() if program is not None else 0.0) - used
        delays = _delays(self._upstream.sent, listeners.times())
        name = f"C {streams} streams"
        if program is not None:
            self._results.add(f"{name}: CPU per token (µs)", peer.name, used / written * 1e6)
            self._results.add(f"{name}: share of its core", peer.name, used / seconds)
        self._results.add(f"{name}: p50 of a token (ms)", peer.name, percentile(delays, 0.5) * 1e3)
        self._results.add(f"{name}: p99 of a token (ms)", peer.name, percentile(delays, 0.99) * 1e3)
        given = written / (streams * RATE * seconds)
        if given < 0.97:
            self._results.notes.append(f"{name}, {peer.name}: the load gave only {given:.0%} of its tokens")

    @asynccontextmanager
    async def _held(self, peer: Peer, streams: int, tokens: int) -> AsyncIterator[Listeners]:
        """So many open streams, each with its first token; they end with the context. Raises `LoadError`."""
        self._upstream.pace(tokens)
        listeners = Listeners(peer.port)
        try:
            requests = [peer.request("chat", stream=True, number=number) for number in range(streams)]
            await listeners.open(requests, _PATIENCE)
            yield listeners
            self._upstream.end()
            await listeners.ended(_PATIENCE)
        finally:
            listeners.close()


def _delays(sent: Mapping[int, Sequence[float]], arrived: Sequence[Sequence[float]]) -> list[float]:
    """Seconds from the writing of each token to its arrival; of each stream all but the first, which opens it.

    Raises `LoadError` when a stream got fewer tokens than it was sent.
    """
    delays: list[float] = []
    for number, times in enumerate(arrived):
        written = sent[number]
        if len(times) < len(written):
            raise LoadError(f"stream {number} got {len(times)} of {len(written)} tokens")
        delays += [times[place] - written[place] for place in range(1, len(written))]
    return delays
