"""Long sessions of coding agents: megabytes of history and hundreds of kilobytes of tools, in every request.

One request at a time, streamed, of each dialect on each upstream, by size; beside it the same bytes sent straight to
the fake upstream. *Stall* is the longest that `/health` waited while four such requests were answered at the same time:
what a token of somebody else's stream would have waited.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import msgspec

from bench.asking import DIALECTS, MODELS, PATHS, Dialect
from bench.load import free_port
from bench.processes import LOAD_CORE, Program, gateway, pin
from bench.stats import shown, table
from bench.upstream import FakeUpstream

#: Characters of history and of tools: a young session, a long one, and one that few models could still read.
SIZES = ((100_000, 60_000), (1_000_000, 300_000), (5_000_000, 600_000))
_ROUNDS = 7
_AT_ONCE = 4
_TOOLS = 40
_ANSWER_TOKENS = 50
_PROSE = "def return import class for while self value items request the a of to in error file path line test"
_WORDS = _PROSE.split()


async def sessions() -> str:
    """The table, in Markdown. Raises `CannotStart`."""
    pin(LOAD_CORE)
    with TemporaryDirectory(prefix="grok2api-bench-") as name:
        upstream = FakeUpstream()
        await upstream.start()
        upstream.burst(_ANSWER_TOKENS)
        try:
            program = await gateway(Path(name), free_port(), upstream.port, 100)
            try:
                return await _measured(program, upstream.port)
            finally:
                program.stop()
        finally:
            upstream.close()


async def _measured(program: Program, upstream_port: int) -> str:
    rows: list[list[str]] = []
    headers = {"authorization": f"Bearer {program.key}", "content-type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for history, tools in SIZES:
            for dialect in DIALECTS:
                for wire in ("web", "console"):
                    body = session(dialect, MODELS[wire], history, tools)
                    url = f"http://127.0.0.1:{program.port}{PATHS[dialect]}"
                    direct = f"http://127.0.0.1:{upstream_port}/v1/responses"
                    taken, alone, cpu = await _timed(program, http, url, direct, body)
                    stall = await _stall(program, http, url, body)
                    size = f"{len(body) / 1e6:.1f} MB"
                    figures = [taken * 1e3, (taken - alone) * 1e3, cpu * 1e3, stall * 1e3]
                    rows.append([size, dialect, wire, *map(shown, figures)])
    head = ("size", "dialect", "upstream", "ms a request", "added to direct", "CPU ms", "stall ms")
    return table(head, rows)


async def _timed(
    program: Program, http: aiohttp.ClientSession, url: str, direct: str, body: bytes
) -> tuple[float, float, float]:
    """Seconds of a request, of the same bytes without a gateway, and of the gateway's processor."""
    through: list[float] = []
    alone: list[float] = []
    await _ask(http, url, body)
    before = program.cpu()
    for _ in range(_ROUNDS):
        through.append(await _ask(http, url, body))
        alone.append(await _ask(http, direct, body))
    return median(through), median(alone), (program.cpu() - before) / _ROUNDS


async def _ask(http: aiohttp.ClientSession, url: str, body: bytes) -> float:
    begun = time.perf_counter()
    async with http.post(url, data=body) as answer:
        told = await answer.read()
        assert answer.status == 200, told[:300]
    return time.perf_counter() - begun


async def _stall(program: Program, http: aiohttp.ClientSession, url: str, body: bytes) -> float:
    waits: list[float] = []

    async def watch() -> None:
        while True:
            begun = time.perf_counter()
            async with http.get(f"http://127.0.0.1:{program.port}/health") as answer:
                await answer.read()
            waits.append(time.perf_counter() - begun)
            await asyncio.sleep(0.002)

    with _meanwhile(watch()):
        for _ in range(2):
            await asyncio.gather(*(_ask(http, url, body) for _ in range(_AT_ONCE)))
    return max(waits)


@contextmanager
def _meanwhile(work: Any) -> Iterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()


def session(dialect: Dialect, model: str, history: int, tools: int) -> bytes:
    """A request's body: so many characters of an agent's history, and of tools."""
    rng = random.Random(history)
    turns: list[dict[str, Any]] = [{"role": "user", "content": "Make the tests pass."}]
    size = number = 0
    while size < history:
        read = _code(rng, rng.randint(500, 16_000))
        turns += _turn(dialect, f"call_{number}", _code(rng, 200), read)
        size += len(read) + 300
        number += 1
    declared = [_tool(dialect, rng, number, tools // _TOOLS) for number in range(_TOOLS)]
    told: dict[str, Any] = {"input" if dialect == "responses" else "messages": turns}
    if dialect == "messages":
        told |= {"max_tokens": 32_000, "system": [{"type": "text", "text": _code(rng, 20_000)}]}
    if dialect == "responses":
        told |= {"instructions": _code(rng, 20_000), "store": False}
    return msgspec.json.encode({"model": model, "stream": True, "tools": declared, **told})


def _turn(dialect: Dialect, ident: str, said: str, read: str) -> list[dict[str, Any]]:
    arguments = {"file_path": f"src/{ident}.py"}
    text = msgspec.json.encode(arguments).decode()
    if dialect == "chat":
        call: dict[str, Any] = {"id": ident, "type": "function", "function": {"name": "tool_3", "arguments": text}}
        return [
            {"role": "assistant", "content": said, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": ident, "content": read},
        ]
    if dialect == "responses":
        return [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said}]},
            {"type": "function_call", "call_id": ident, "name": "tool_3", "arguments": text},
            {"type": "function_call_output", "call_id": ident, "output": read},
        ]
    use = {"type": "tool_use", "id": ident, "name": "tool_3", "input": arguments}
    result = {"type": "tool_result", "tool_use_id": ident, "content": [{"type": "text", "text": read}]}
    return [
        {"role": "assistant", "content": [{"type": "text", "text": said}, use]},
        {"role": "user", "content": [result]},
    ]


def _tool(dialect: Dialect, rng: random.Random, number: int, size: int) -> dict[str, Any]:
    members = {
        f"part_{index}": {"type": "string", "description": _code(rng, 120)} for index in range(max(1, size // 190))
    }
    schema = {"type": "object", "properties": members, "required": list(members)[:2]}
    name, description = f"tool_{number}", _code(rng, 300)
    if dialect == "messages":
        return {"name": name, "description": description, "input_schema": schema}
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function} if dialect == "chat" else {"type": "function", **function}


def _code(rng: random.Random, size: int) -> str:
    lines: list[str] = []
    while size > 0:
        line = "    " * rng.randint(0, 4) + " ".join(rng.choice(_WORDS) for _ in range(rng.randint(3, 12)))
        lines.append(line[:size])
        size -= len(line) + 1
    return "\n".join(lines)
