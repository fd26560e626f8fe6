"""What the pure hot path costs, without any socket: microseconds per token, per request, per kilobyte.

Each figure is the fastest of several timings: what the code costs when nothing disturbs it.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from bench import answers, asking, pool
from bench.answers import Wire
from bench.asking import DIALECTS, MODELS, Dialect
from bench.stats import best, shown, table
from grok2api.accounts.leases import Need
from grok2api.accounts.model import Kind, new_account
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.pool import AccountPool
from grok2api.canonical.events import Ended, Event, Fact, Finish, Finished, Said, Started, Usage
from grok2api.canonical.request import Request, Tool
from grok2api.canonical.sequence import Fold, Sequencer
from grok2api.catalog import Tier
from grok2api.dialects import base
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.dialects.openai_chat import CHAT
from grok2api.dialects.openai_responses import RESPONSES
from grok2api.gateway.stages import Measure, Stage
from grok2api.gateway.tokens import count
from grok2api.tools.sieve import Sieve
from grok2api.upstreams.grok_web.chat_wire import Parser as WebParser
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.responses_wire.parse import Parser as ConsoleParser
from grok2api.upstreams.responses_wire.tools import ToolNames

TOKENS = 320
PER_READ = (1, 4, 32)
WIRES: tuple[Wire, ...] = ("web", "console")
WIRE_NAMES = {"web": "grok.com", "console": "console.x.ai"}
CODECS: dict[Dialect, base.Dialect] = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES}

_WEB_OPTIONS = WebOptions()
_END: list[Event] = [Finished(Finish.STOP, Usage(input=8, output=TOKENS))]
_TOOL = Tool(name="get_weather", description="The weather of a place", schema={"type": "object"})


def micro(runs: int = 9) -> str:
    """All tables."""
    count("the tokenizer is loaded at its first use")
    parts = [
        ("Per token, by how many tokens one read brings (µs)", ["step", *map(str, PER_READ)], _steps(runs)),
        ("The whole chain, bytes to bytes, per token (µs)", ["chain", *map(str, PER_READ)], _chains(runs)),
        ("The chain by the length of the answer, 4 tokens a read, per token (µs)", _LENGTH_HEAD, _lengths(runs)),
        ("Decoding a request by its size (µs per KB)", ["dialect", *(name for name, _ in _SIZES)], _sizes(runs)),
        ("One lease, taken and settled, by accounts in the pool (µs)", ["", *map(str, _POOLS)], _leases(runs)),
    ]
    tables = [(title, table(head, rows)) for title, head, rows in parts]
    tables += [
        ("One lease among accounts in every state: median, 99th percentile and longest (µs)", pool.leases_table()),
        ("What very many accounts take", pool.holding_table()),
    ]
    return "\n\n".join(f"{title}\n\n{shown_table}" for title, shown_table in tables)


def reads(wire: Wire, per_read: int, tokens: int = TOKENS) -> list[bytes]:
    """An answer as the reads that would bring it, so many tokens in each."""
    spoken = answers.spoken(wire, tokens)
    told = [b"".join(spoken.tokens[at : at + per_read]) for at in range(0, tokens, per_read)]
    return [spoken.opening, *told, spoken.closing]


def parser(wire: Wire) -> WebParser | ConsoleParser:
    """A fresh parser of this wire."""
    return WebParser(_WEB_OPTIONS) if wire == "web" else ConsoleParser(ToolNames(()), "console.x.ai")


def request_of(dialect: Dialect, wire: Wire = "web") -> Request:
    return CODECS[dialect].decode(asking.body(dialect, MODELS[wire], stream=True), {})


def encoder_of(dialect: Dialect, request: Request) -> base.Encoder:
    return CODECS[dialect].encoder(request, _envelope())


def _envelope() -> base.Envelope:
    return base.Envelope(
        model="grok-4.3-fast", created=1767225600, now=lambda: 1767225600.0, new_id=lambda prefix: prefix + "0" * 24
    )


def chain(dialect: Dialect, wire: Wire, stages: Callable[[], Sequence[Stage]]) -> Callable[[Sequence[bytes]], bytes]:
    """A function that takes the reads of one answer all the way, and returns the client's bytes."""
    request = request_of(dialect, wire)

    def run(data: Sequence[bytes]) -> bytes:
        parse, sequencer, encoder = parser(wire), Sequencer(), encoder_of(dialect, request)
        steps = stages()
        out = [encoder.feed([Started(8)])]
        for read in data:
            facts = parse.feed(read)
            for stage in steps:
                facts = stage.feed(facts)
            if facts:
                out.append(encoder.feed(sequencer.feed(facts)))
            if parse.over:
                break
        out.append(encoder.feed(_END))
        return b"".join(out)

    return run


def _cost(work: Callable[[], object], runs: int) -> float:
    """Microseconds of one call."""
    return best(work, time.perf_counter, runs=runs, least=0.002) * 1e6


def _row(name: str, works: Sequence[Callable[[], object]], runs: int, per: float = TOKENS) -> list[str]:
    return [name, *(shown(_cost(work, runs) / per) for work in works)]


def _batches(per_read: int) -> list[list[Fact]]:
    pieces = answers.words(TOKENS).split(" ")
    return [[Said(" " + piece) for piece in pieces[at : at + per_read]] for at in range(0, TOKENS, per_read)]


def _events(per_read: int) -> list[list[Event]]:
    sequencer = Sequencer()
    events = [sequencer.feed(batch) for batch in _batches(per_read)]
    return [[Started(8)], *events, [*sequencer.feed([Ended()]), *_END]]


def _steps(runs: int) -> Iterator[list[str]]:
    for wire in WIRES:
        works = [_feeding(lambda wire=wire: parser(wire).feed, reads(wire, many)) for many in PER_READ]
        yield _row(f"{WIRE_NAMES[wire]} parser", works, runs)
    batches = [_batches(many) for many in PER_READ]
    yield _row("measure (our own token count)", [_feeding(lambda: Measure(count).feed, b) for b in batches], runs)
    yield _row("sieve (tools in words)", [_feeding(lambda: _sieve().feed, b) for b in batches], runs)
    yield _row("sequencer", [_feeding(lambda: Sequencer().feed, b) for b in batches], runs)
    for dialect in DIALECTS:
        request = request_of(dialect)
        works = [_feeding(lambda d=dialect, r=request: encoder_of(d, r).feed, _events(many)) for many in PER_READ]
        yield _row(f"{dialect} encoder, streamed", works, runs)
    for dialect in DIALECTS:
        request = request_of(dialect)
        works = [_whole(dialect, request, _events(many)) for many in PER_READ]
        yield _row(f"{dialect} encoder, whole", works, runs)


def _feeding(make: Callable[[], Callable[[Any], object]], data: Sequence[Any]) -> Callable[[], object]:
    def work() -> None:
        feed = make()
        for item in data:
            feed(item)

    return work


def _whole(dialect: Dialect, request: Request, events: list[list[Event]]) -> Callable[[], object]:
    def work() -> bytes:
        fold = Fold()
        for batch in events:
            fold.feed(batch)
        return CODECS[dialect].whole(request, [fold.answer()], _envelope())

    return work


def _sieve() -> Sieve:
    return Sieve((_TOOL,), request_of("chat").tool_choice, True, lambda prefix: prefix + "0")


def stages_of(wire: Wire, *, tools: bool = False) -> Sequence[Stage]:
    """The stages that a request goes through on this upstream."""
    measured: list[Stage] = [Measure(count)] if wire == "web" else []
    return [*measured, _sieve()] if tools else measured


def _chains(runs: int) -> Iterator[list[str]]:
    for wire in WIRES:
        for dialect in DIALECTS:
            run = chain(dialect, wire, partial(stages_of, wire))
            works = [partial(run, reads(wire, many)) for many in PER_READ]
            yield _row(f"{WIRE_NAMES[wire]} → {dialect}", works, runs)
    run = chain("chat", "web", partial(stages_of, "web", tools=True))
    works = [partial(run, reads("web", many)) for many in PER_READ]
    yield _row("grok.com → chat, with tools", works, runs)


_LENGTHS = (50, 500, 5_000, 50_000)
_LENGTH_HEAD = ["chain", *(f"{length:,} tokens" for length in _LENGTHS)]


def _lengths(runs: int) -> Iterator[list[str]]:
    for wire in WIRES:
        for dialect in DIALECTS:
            run = chain(dialect, wire, partial(stages_of, wire))
            cells = [
                shown(_cost(partial(run, reads(wire, 4, length)), max(3, runs // 4)) / length) for length in _LENGTHS
            ]
            yield [f"{WIRE_NAMES[wire]} → {dialect}", *cells]


_TOOLS = 50
_SIZES = (("2 KB", 2_000), ("64 KB", 64_000), ("1 MB", 1_000_000), ("5 MB", 5_000_000))


def _sizes(runs: int) -> Iterator[list[str]]:
    for dialect in DIALECTS:
        cells = []
        for _, history in _SIZES:
            body = asking.body(dialect, MODELS["web"], stream=True, history=history)
            cost = _cost(partial(CODECS[dialect].decode, body, {}), max(3, runs // 4))
            cells.append(shown(cost / (len(body) / 1000)))
        yield [dialect, *cells]
    bodies = [_schemas(size) for _, size in _SIZES]
    costs = [_cost(partial(CHAT.decode, body, {}), max(3, runs // 4)) / (len(body) / 1000) for body in bodies]
    yield ["chat, in tool schemas", *map(shown, costs)]


def _schemas(size: int) -> bytes:
    """A chat body whose size is in the schemas of its tools."""
    tools_count = min(_TOOLS, 1 + size // 2000)
    many = size // 100 // tools_count
    fields = {f"field_{number}": {"type": "string", "description": "what is " * 6} for number in range(many)}
    schema = {"type": "object", "properties": fields, "required": ["field_0"]}
    tools = [
        {"type": "function", "function": {"name": f"tool_{number}", "description": "does it", "parameters": schema}}
        for number in range(tools_count)
    ]
    turns = [{"role": "user", "content": asking.question(0)}]
    return msgspec.json.encode({"model": MODELS["web"], "messages": turns, "tools": tools})


_POOLS = (1, 1_000, 100_000)


def _leases(runs: int) -> Iterator[list[str]]:
    need = Need(tiers=(Tier.SUPER,), modes=("fast",))
    works = []
    for size in _POOLS:
        accounts = (new_account(f"acc_{n}", f"t{n}", Kind.WEB, Tier.SUPER, 0.0) for n in range(size))
        options = PoolOptions(strategy="random")
        many = AccountPool(accounts, lambda options=options: options, time.time, random.Random(7), lambda _: None)
        works.append(partial(_lease, many, need))
    yield _row("random", works, runs, 1)


def _lease(many: AccountPool, need: Need) -> None:
    held = many.acquire(need, ())
    held.lease.succeeded()
    many.release(held)
