"""Our own count: made once, in turns, and of a burst of long requests beside a running loop."""

import asyncio
import time

import msgspec

from grok2api.canonical.request import Message, Request, Role, Text, Tool
from grok2api.gateway.counting import count_input
from grok2api.gateway.input_count import InputCount, InputCounter
from grok2api.gateway.tokens import count
from grok2api.transport.tasks import spawn

PROSE = "The quick brown fox, as ever, jumps over 13 lazy dogs.\n" * 4000


def asked(text: str) -> Request:
    return Request(model="m", messages=(Message(Role.USER, (Text(text),)),))


def test_tools_count_unless_they_are_deferred() -> None:
    def cost(tool: Tool) -> int:
        *_, total = count_input(msgspec.structs.replace(asked(""), tools=(tool,)), count)
        *_, without = count_input(asked(""), count)
        return total - without

    assert cost(Tool("Fetch", "Fetches a page", {"type": "object"})) > 5
    assert cost(Tool("Fetch", "Fetches a page", {"type": "object"}, deferred=True)) == 0


async def test_a_count_is_made_once() -> None:
    seen: list[str] = []

    def counting(text: str) -> int:
        seen.append(text)
        return 1

    counted = InputCount(asked("hi"), InputCounter(counting))
    assert await counted.value() == await counted.value()
    assert seen == ["", "hi"]  # the first loads the tokenizer


async def test_a_burst_of_long_requests_leaves_the_loop_free() -> None:
    counter = InputCounter(count)
    await counter.tokens(asked("x"))
    different = (f"{number} {PROSE}" for number in range(24))
    burst = asyncio.gather(*(counter.tokens(asked(text)) for text in different))
    gaps, last = [], time.perf_counter()
    while not burst.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        gaps.append(now - last)
        last = now
    assert max(await burst) - min(await burst) < 20
    # together they take hundreds of milliseconds; the loop turned all the while
    assert len(gaps) > 200
    assert sorted(gaps)[len(gaps) // 2] < 0.02


async def test_who_leaves_in_his_turn_leaves_it_to_the_next() -> None:
    counter = InputCounter(count)
    await counter.tokens(asked("x"))
    leaving = [spawn(counter.tokens(asked(f"{number} {PROSE}")), "a count") for number in range(3)]
    await asyncio.sleep(0)
    for task in leaving:  # the first holds the turn, the others wait for it
        task.cancel()
    assert await asyncio.wait_for(counter.tokens(asked("one two three")), 5) > 0
    assert all(
        isinstance(left, asyncio.CancelledError) for left in await asyncio.gather(*leaving, return_exceptions=True)
    )
