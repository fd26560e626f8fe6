"""What the tests of the sieve share: tools, cuts of a text, and the answer that facts come to."""

import itertools
import random
from collections.abc import Iterable, Sequence
from typing import Any

from grok2api.canonical.events import (
    CallArgued,
    CallClosed,
    CallOpened,
    Cited,
    Ended,
    Fact,
    Failed,
    Said,
)
from grok2api.canonical.request import Tool, ToolChoice
from grok2api.tools.sieve import Sieve

WEATHER = Tool(
    "get_weather",
    "Says the weather.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
    },
)
WRITE = Tool("write_file", "Writes.", {"type": "object"})
PATCH = Tool("apply_patch", "Patches.", custom=True, grammar={"syntax": "lark", "definition": "start: /.+/"})
CLOSE = Tool("close", "Closes.", {"type": "object"}, namespace="mcp__agents")
TOOLS = (WEATHER, WRITE, PATCH, CLOSE)

AUTO, REQUIRED = ToolChoice(), ToolChoice("required")
NAMED = ToolChoice("named", "get_weather")


def whole(text: str) -> list[str]:
    return [text]


def bytewise(text: str) -> list[str]:
    return list(text)


def ragged(seed: int) -> Any:
    def cut(text: str) -> list[str]:
        rng = random.Random(seed)
        pieces, at = [], 0
        while at < len(text):
            size = rng.choice((1, 2, 3, 5, 8, 40))
            pieces.append(text[at : at + size])
            at += size
        return pieces

    return cut


CUTS = [whole, bytewise, ragged(1), ragged(2), ragged(3)]


def sieve(choice: ToolChoice = AUTO, *, tools: Sequence[Tool] = TOOLS, parallel: bool = True, hold: int = 128) -> Sieve:
    numbers = itertools.count(1)
    return Sieve(tools, choice, parallel, lambda prefix: f"{prefix}{next(numbers)}", hold)


def run(pieces: Iterable[str], choice: ToolChoice = AUTO, *, end: Fact | None = None, **options: Any) -> list[Fact]:
    """All facts of an answer that came in these pieces."""
    made = sieve(choice, **options)
    out = [fact for piece in pieces for fact in made.feed([Said(piece)])]
    return out + made.feed([end or Ended()])


def told(facts: Iterable[Fact]) -> list[list[Any]]:
    """The answer as a list: ["text", words], ["call", name, arguments], ["cited", start, end], ["end", finish],
    ["failed", kind]. Checks that calls are opened and closed one by one."""
    items: list[list[Any]] = []
    is_open = False
    for fact in facts:
        match fact:
            case Said(text):
                assert not is_open
                if items and items[-1][0] == "text":
                    items[-1][1] += text
                else:
                    items.append(["text", text])
            case CallOpened():
                assert not is_open
                is_open = True
                name = f"{fact.namespace}/{fact.name}" if fact.namespace else fact.name
                items.append(["call", name, ""])
            case CallArgued(text):
                assert is_open
                items[-1][2] += text
            case CallClosed():
                assert is_open
                is_open = False
            case Cited():
                items.append(["cited", fact.start, fact.end])
            case Ended():
                items.append(["end", str(fact.finish)])
            case Failed():
                items.append(["failed", str(fact.problem.kind)])
            case _:
                items.append([type(fact).__name__])
    assert not is_open or items[-1][0] == "failed"
    return items


def block(*calls: tuple[str, str]) -> str:
    """Calls in the canonical form."""
    inner = "".join(
        f"  <tool_call>\n    <tool_name>{name}</tool_name>\n    <parameters>{arguments}</parameters>\n  </tool_call>\n"
        for name, arguments in calls
    )
    return f"<tool_calls>\n{inner}</tool_calls>"
