"""Counting tokens where the upstream does not.

Pure but for the tokenizer, which is an argument (`count`). Text is counted in windows as it passes, so
that memory does not grow with the answer (M4) and the cost per token stays small (H2).
"""

from collections.abc import Callable, Iterator

import msgspec

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.request import File, Image, Message, Request, Text, Thinking, ToolCall, ToolResult
from grok2api.gateway.file_tokens import file_tokens

Count = Callable[[str], int]

#: Characters gathered before the tokenizer is called.
WINDOW = 2048

#: Characters that are counted at one go: about a millisecond.
STEP = 16_384

#: What a chat format adds around each message and around the whole, in tokens.
_PER_MESSAGE = 4
_PER_REQUEST = 3

_encode = msgspec.json.Encoder().encode


class Meter:
    """Counts text that passes by."""

    __slots__ = ("_count", "_length", "_pending", "_total")

    def __init__(self, count: Count) -> None:
        self._count = count
        self._pending: list[str] = []
        self._length = 0
        self._total = 0

    def add(self, text: str) -> None:
        self._pending.append(text)
        self._length += len(text)
        if self._length >= WINDOW:
            self._flush()

    def at_most(self) -> int:
        """A cheap upper bound: no token is shorter than one byte, few characters are longer than three."""
        return self._total + 3 * self._length

    def total(self) -> int:
        """Tokens so far."""
        if self._length:
            self._flush()
        return self._total

    def _flush(self) -> None:
        self._total += self._count("".join(self._pending))
        self._pending.clear()
        self._length = 0


def pieces(request: Request) -> Iterator[str]:
    """Every text of the request that costs input tokens."""
    for message in request.messages:
        yield from _message(message)
    for tool in request.tools:
        if tool.deferred:
            continue
        yield f"{tool.name} {tool.description}"
        if tool.schema is not None:
            yield _encode(tool.schema).decode()
    if request.format.schema is not None:
        yield _encode(request.format.schema).decode()


def _message(message: Message) -> Iterator[str]:
    for part in message.parts:
        match part:
            case Text(text) | Thinking(text):
                yield text
            case ToolCall():
                yield part.name
                yield part.arguments
            case ToolResult():
                yield part.text
            case Image() | File() | Attachment():
                pass


def count_input(request: Request, count: Count) -> Iterator[int]:
    """Input tokens of a request by our own count, as far as they are counted; the last is the whole, and never zero.

    The caller may do something else after every step: the tokenizer holds the interpreter while it counts. Long texts
    are cut before a space or a line break, where tokens begin.
    """
    total = _PER_MESSAGE * len(request.messages) + _PER_REQUEST
    since = 0
    for text in pieces(request):
        for window in _windows(text):
            total += count(window)
            since += len(window)
            if since >= STEP:
                since = 0
                yield total
    for part in request.files():
        total += file_tokens(part, count)
        yield total
    yield total


def _windows(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > STEP:
        end = start + STEP
        at = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
        end = at if at > start else end
        yield text[start:end]
        start = end
    yield text[start:] if start else text
