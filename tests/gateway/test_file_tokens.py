"""Our own count of pictures and files, and of a burst of long requests beside a running loop."""

import asyncio
import base64
import time

import pytest

from files import png
from grok2api.canonical.request import File, Image, Inline, Message, Part, Request, Role, Text, Tool, ToolResult
from grok2api.gateway.counting import count_input
from grok2api.gateway.file_tokens import MOST_OF_A_PICTURE, PER_PAGE, SAMPLE
from grok2api.gateway.input_count import InputCount, InputCounter
from grok2api.gateway.tokens import count

PROSE = "The quick brown fox, as ever, jumps over 13 lazy dogs.\n" * 4000


def request(*parts: Part, tools: tuple[Tool, ...] = ()) -> Request:
    return Request(model="m", messages=(Message(Role.USER, parts),), tools=tools)


def cost(*parts: Part, tools: tuple[Tool, ...] = ()) -> int:
    """Tokens that the parts add to an empty request."""
    return total(request(*parts, tools=tools)) - total(request())


def total(asked: Request) -> int:
    return list(count_input(asked, count))[-1]


def inline(data: bytes, mime: str = "") -> Inline:
    return Inline(base64.b64encode(data).decode(), mime)


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        (Image(inline(png(10, 10))), 512),
        (Image(inline(png(900, 449))), 256 * 7),
        (Image(png(448, 896)), 256 * 3),
        (Image("https://example.org/a.png"), MOST_OF_A_PICTURE),
        (Image(Inline("!", "image/png")), MOST_OF_A_PICTURE),
        (Image(Inline(f"data:image/png;base64,{base64.b64encode(png(10, 10)).decode()}", "image/png", 22)), 512),
        (File(inline(b"one two three", "text/plain")), count("one two three")),
        (File(inline(b"%PDF-1.4 /Type /Pages /Type /Page /Type/Page", "application/pdf")), 2 * PER_PAGE),
        (File(inline(b"%PDF-1.7" + b"\0" * 120_000, "application/pdf")), 3 * PER_PAGE),
        (File("https://example.org/a.pdf"), PER_PAGE),
        (ToolResult("c", (Text("seen"), Image(png(10, 10)))), count("seen") + 512),
    ],
)
def test_C4_pictures_and_files_count_too(part: Part, tokens: int) -> None:
    assert cost(part) == tokens


def test_of_a_large_file_the_beginning_speaks_for_the_rest() -> None:
    words = b"one two three " * (SAMPLE // 7)
    assert cost(File(inline(words, "text/plain"))) == pytest.approx(3 * SAMPLE // 7, rel=0.02)


def test_tools_count_unless_they_are_deferred() -> None:
    tool = Tool("Fetch", "Fetches a page", {"type": "object"})
    assert cost(tools=(tool,)) > 5
    assert cost(tools=(Tool("Fetch", "Fetches a page", {"type": "object"}, deferred=True),)) == 0


async def test_a_count_is_made_once() -> None:
    asked: list[str] = []

    def counting(text: str) -> int:
        asked.append(text)
        return 1

    counted = InputCount(request(Text("hi")), InputCounter(counting))
    assert await counted.value() == await counted.value()
    assert asked.count("hi") == 1


async def test_a_burst_of_long_requests_leaves_the_loop_free() -> None:
    counter = InputCounter(count)
    await counter.tokens(request(Text("x")))
    different = (f"{number} {PROSE}" for number in range(24))
    burst = asyncio.gather(*(counter.tokens(request(Text(text))) for text in different))
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
