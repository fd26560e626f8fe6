"""Our own count of requests: made once, and of a burst of long ones beside a running loop."""

import asyncio
import time
from collections.abc import Iterable

import pytest

from grok2api.canonical.request import Message, Request, Role, Text, Tool
from grok2api.gateway.counting import count_input
from grok2api.gateway.input_count import InputCount, InputCounter
from grok2api.gateway.tokens import count
from grok2api.transport.tasks import spawn

PROSE = "The quick brown fox, as ever, jumps over 13 lazy dogs.\n" * 4000


def request(*texts: str, tools: tuple[Tool, ...] = ()) -> Request:
    return Request(model="m", messages=(Message(Role.USER, tuple(map(Text, texts))),), tools=tools)


def cost(tool: Tool) -> int:
    """Tokens that a tool adds to an empty request."""
    (*_, with_it), (*_, without) = count_input(request(tools=(tool,)), count), count_input(request(), count)
    return with_it - without


def test_tools_count_unless_they_are_deferred() -> None:
    assert cost(Tool("Fetch", "Fetches a page", {"type": "object"})) > 5
    assert cost(Tool("Fetch", "Fetches a page", {"type": "object"}, deferred=True)) == 0


async def test_a_count_is_made_once() -> None:
    asked: list[str] = []

    def counting(text: str) -> int:
        asked.append(text)
        return 1

    counted = InputCount(request("hi"), InputCounter(counting))
    assert await counted.value() == await counted.value()
    assert asked == ["", "hi"]  # the first loads the tokenizer


@pytest.mark.parametrize(
    ("texts", "apart", "turns"),
    [
        ([PROSE] * 24, 0, 100),
        ([f"{number} {PROSE}" for number in range(24)], 19, 200),
    ],
    ids=["the same", "different"],
)
async def test_a_burst_of_long_requests_leaves_the_loop_free(texts: Iterable[str], apart: int, turns: int) -> None:
    counter = InputCounter(count)
    await counter.tokens(request("x"))
    burst = asyncio.gather(*(counter.tokens(request(text)) for text in texts))
    gaps, last = [], time.perf_counter()
    while not burst.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        gaps.append(now - last)
        last = now
    assert max(await burst) - min(await burst) <= apart
    # together they take hundreds of milliseconds; the loop turned all the while
    assert len(gaps) > turns
    assert sorted(gaps)[len(gaps) // 2] < 0.02


async def test_who_leaves_in_his_turn_leaves_it_to_the_next() -> None:
    counter = InputCounter(count)
    await counter.tokens(request("x"))
    leaving = [spawn(counter.tokens(request(f"{number} {PROSE}")), "a count") for number in range(3)]
    await asyncio.sleep(0)
    for task in leaving:  # the first holds the turn, the others wait for it
        task.cancel()
    assert await asyncio.wait_for(counter.tokens(request("one two three")), 5) > 0
    left = await asyncio.gather(*leaving, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in left)
