"""Our own count of pictures and files."""

import base64

import pytest

from files import png
from grok2api.canonical.request import File, Image, Inline, Message, Part, Request, Role, Text, ToolResult
from grok2api.gateway.counting import count_input
from grok2api.gateway.file_tokens import LOOKED_AT, MOST_OF_A_PICTURE, PER_PAGE, SAMPLE
from grok2api.gateway.tokens import count


def cost(*parts: Part) -> int:
    """Tokens that the parts add to an empty request."""
    return total(*parts) - total()


def total(*parts: Part) -> int:
    return list(count_input(Request(model="m", messages=(Message(Role.USER, parts),)), count))[-1]


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


@pytest.mark.parametrize("size", [SAMPLE, LOOKED_AT])
def test_of_a_large_file_the_beginning_speaks_for_the_rest(size: int) -> None:
    words = b"one two three " * (size // 7)
    assert cost(File(inline(words, "text/plain"))) == pytest.approx(3 * size // 7, rel=0.02)
