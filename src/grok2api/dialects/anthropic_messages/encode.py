"""Events as Messages frames.

Promises the grammar of Anthropic's stream exactly (S11): `message_start` and a `ping`, blocks opened and
closed in index order with one open at a time, deltas that fit their block, one `message_delta`, one
`message_stop`, no `[DONE]`. Parts and blocks are the same thing, so a part's index is its block's.

The end of a call's block is held back until the next event shows that the call is whole: clients run a tool
when its block closes, and an answer that breaks off must not make them run half of one (S4).
"""

from collections.abc import Iterable
from typing import Any

from grok2api.canonical.events import (
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Started,
    Usage,
)
from grok2api.dialects import sse
from grok2api.dialects.anthropic_messages import errors
from grok2api.dialects.anthropic_messages.signature import sign
from grok2api.dialects.anthropic_messages.whole import ending, opening, usage
from grok2api.dialects.base import Envelope

PING = sse.named("ping", {"type": "ping"})

_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{'
#: What stands before a delta's text, by kind of part.
_MEMBER = {
    PartKind.TEXT: b'"type":"text_delta","text":',
    PartKind.THINKING: b'"type":"thinking_delta","thinking":',
    PartKind.CALL: b'"type":"input_json_delta","partial_json":',
}
_END = b"}}\n\n"


class Encoder:
    """One streamed answer."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._kind = PartKind.TEXT
        self._before = b""
        self._custom: list[str] | None = None
        self._said = False
        self._held = b""

    def feed(self, events: Iterable[Event], _choice: int = 0) -> bytes:
        """The frames of these events."""
        out: list[bytes] = []
        for event in events:
            if type(event) is PartDelta:
                if self._custom is None:
                    self._said = True
                    out += (self._before, sse.encode_json(event.text), _END)
                else:
                    self._custom.append(event.text)
            else:
                self._other(event, out)
        return b"".join(out)

    def _other(self, event: Event, out: list[bytes]) -> None:
        if self._held and type(event) is not Failed:
            out.append(self._held)
            self._held = b""
        match event:
            case Started(tokens):
                # A count of nothing makes Claude Code show an empty context and never compact.
                spent = usage(Usage(input=max(1, tokens), output=1))
                out += (_frame("message_start", message=opening(self._envelope, spent)), PING)
            case PartStarted():
                out.append(self._start(event))
            case PartEnded():
                self._end(event, out)
            case Finished():
                delta = ending(event.finish, event.stop_sequence)
                out += (_frame("message_delta", delta=delta, usage=usage(event.usage)), _frame("message_stop"))
            case Failed(problem):
                out.append(sse.named("error", errors.body(problem)))
            case _:
                pass

    def _start(self, event: PartStarted) -> bytes:
        self._kind = event.kind
        self._said = False
        self._custom = [] if event.call is not None and event.call.custom else None
        self._before = _DELTA % event.index + _MEMBER[event.kind]
        return _frame("content_block_start", index=event.index, content_block=_empty(event))

    def _end(self, event: PartEnded, out: list[bytes]) -> None:
        closing = _frame("content_block_stop", index=event.index)
        if self._kind is PartKind.CALL:
            self._held = self._rest_of_call() + closing
            return
        if self._kind is PartKind.THINKING:
            delta = {"type": "signature_delta", "signature": sign(event.encrypted, event.id)}
            out.append(_frame("content_block_delta", index=event.index, delta=delta))
        out.append(closing)

    def _rest_of_call(self) -> bytes:
        """What a call without any delta still owes: a custom call's text as an object, or one empty delta."""
        if self._said:
            return b""
        rest = "" if self._custom is None else sse.encode_json({"input": "".join(self._custom)}).decode()
        self._custom = None
        return self._before + sse.encode_json(rest) + _END


def _empty(event: PartStarted) -> dict[str, Any]:
    """The block as it opens; everything that it will hold comes in deltas."""
    if event.call is not None:
        return {"type": "tool_use", "id": event.call.id, "name": event.call.name, "input": {}}
    if event.kind is PartKind.THINKING:
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _frame(kind: str, **members: Any) -> bytes:
    return sse.named(kind, {"type": kind, **members})
