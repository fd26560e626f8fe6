"""Events as chat completion chunks.

Promises the stream of the API exactly: one role chunk for each choice, thinking and text as they come, every
tool call whole in one delta, one final chunk with `finish_reason`, the usage chunk if it was asked for, and
`[DONE]` once. `id`, `created` and `model` are encoded once for the answer; a token costs the encoding of
its own text and nothing else.

A call is held back until the next event shows that it is whole: when an answer breaks off, the sequencer
closes the open call, and half of its arguments must not look like a call (S4).
"""

from collections.abc import Iterable
from typing import Any

from grok2api.canonical.events import (
    CallOpened,
    Cited,
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Searched,
    Source,
    Sourced,
    Started,
    Usage,
)
from grok2api.canonical.request import Request
from grok2api.dialects import openai_errors, sse
from grok2api.dialects.base import Envelope
from grok2api.dialects.openai_chat import whole

_OPEN = b'},"finish_reason":null}]}\n\n'


class _Choice:
    """Where one choice stands."""

    __slots__ = (
        "annotations",
        "before",
        "before_thinking",
        "call",
        "calls",
        "frames",
        "held",
        "length",
        "pieces",
        "sources",
        "starts",
        "thinks",
        "usage",
    )

    def __init__(self, head: bytes, index: int) -> None:
        self.before = head + b'"choices":[{"index":%d,"delta":{' % index
        #: A text or thinking chunk up to its text; None while no such part is open.
        self.frames: bytes | None = None
        self.call: CallOpened | None = None
        self.pieces: list[str] = []
        self.held = b""
        self.calls = 0
        #: Characters of text so far; those of an open thinking part are taken off again at its end.
        self.length = 0
        self.before_thinking = 0
        self.thinks = False
        self.starts: dict[int, int] = {}
        self.annotations: list[dict[str, Any]] = []
        self.sources: dict[str, Source] = {}
        self.usage: Usage | None = None


class Encoder:
    """One streamed answer of one or more choices."""

    def __init__(self, request: Request, envelope: Envelope) -> None:
        fixed = {
            "id": envelope.new_id("chatcmpl-"),
            "object": "chat.completion.chunk",
            "created": envelope.created,
            "model": envelope.model,
        }
        self._head = b"data: " + sse.encode_json(fixed)[:-1] + b","
        self._choices = [_Choice(self._head, index) for index in range(request.n)]
        self._include_usage = request.include_usage
        self._functions = whole.speaks_functions(request)
        self._over = False

    def feed(self, events: Iterable[Event], choice: int = 0) -> bytes:
        """The chunks of these events of one choice; nothing more once the stream is over."""
        if self._over:
            return b""
        state = self._choices[choice]
        out: list[bytes] = []
        for event in events:
            if type(event) is PartDelta:
                if state.frames is None:
                    state.pieces.append(event.text)
                else:
                    state.length += len(event.text)
                    out += (state.frames, sse.encode_json(event.text), _OPEN)
            else:
                self._other(state, event, out)
        return b"".join(out)

    def _other(self, state: _Choice, event: Event, out: list[bytes]) -> None:
        if state.held and type(event) is not Failed:
            out.append(state.held)
            state.held = b""
        match event:
            case Started():
                out.append(state.before + b'"role":"assistant"' + _OPEN)
            case PartStarted():
                self._start(state, event)
            case PartEnded():
                self._end(state)
            case Cited():
                state.annotations.append(whole.annotation(event, state.starts.get(event.index, 0)))
            case Searched(sources=sources) | Sourced(sources):
                for source in sources:
                    state.sources.setdefault(source.url, source)
            case Finished():
                self._finish(state, event, out)
            case Failed(problem):
                self._over = True
                out += (sse.data(openai_errors.body(problem)), sse.DONE)
            case _:
                pass

    def _start(self, state: _Choice, event: PartStarted) -> None:
        state.call = event.call
        state.thinks = event.kind is PartKind.THINKING
        if event.kind is PartKind.TEXT:
            state.frames = state.before + b'"content":'
            state.starts[event.index] = state.length
        elif event.kind is PartKind.THINKING:
            state.frames = state.before + b'"reasoning_content":'
            state.before_thinking = state.length
        else:
            state.frames = None
            state.pieces = []

    def _end(self, state: _Choice) -> None:
        if state.call is None:
            if state.thinks:
                state.length = state.before_thinking
            return
        arguments = "".join(state.pieces)
        delta: dict[str, Any] = {"tool_calls": [{"index": state.calls, **whole.tool_call(state.call, arguments)}]}
        if self._functions and state.calls == 0:
            delta["function_call"] = whole.function_call(state.call, arguments)
        state.held = state.before + _members(delta) + _OPEN
        state.calls += 1
        state.call = None

    def _finish(self, state: _Choice, event: Finished, out: list[bytes]) -> None:
        if state.annotations:
            out.append(state.before + _members({"annotations": state.annotations}) + _OPEN)
        tail: dict[str, Any] = {"finish_reason": whole.finish_reason(event.finish, self._functions)}
        out.append(state.before + b"}," + _members(tail) + b"}]")
        if state.sources:
            out.append(b"," + _members({"search_sources": whole.search_sources(state.sources.values())}))
        out.append(b"}\n\n")
        state.usage = event.usage
        self._close(out)

    def _close(self, out: list[bytes]) -> None:
        spent = [choice.usage for choice in self._choices if choice.usage is not None]
        if len(spent) < len(self._choices):
            return
        self._over = True
        if self._include_usage:
            usage = whole.usage(whole.together(spent))
            out.append(self._head + _members({"choices": [], "usage": usage}) + b"}\n\n")
        out.append(sse.DONE)


def _members(value: dict[str, Any]) -> bytes:
    """The members of a JSON object without its braces."""
    return sse.encode_json(value)[1:-1]
