"""Events as Messages frames.

Promises the grammar of Anthropic's stream exactly (S11): `message_start` and a `ping`, blocks opened and
closed in index order with one open at a time, deltas that fit their block, one `message_delta`, one
`message_stop`, no `[DONE]`. `layout` decides the blocks; here they become bytes.

The end of a block is held back until the next event shows that the block is whole. Clients run a tool when its
block closes, and an answer that breaks off must not make them run half of one (S4). Claude Code takes a block that
was closed for a finished one: it asks again after a break only if none was.
"""

from collections.abc import Iterable
from typing import Any

from grok2api.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, Started, Usage
from grok2api.canonical.request import Request
from grok2api.dialects import sse
from grok2api.dialects.anthropic_messages import errors
from grok2api.dialects.anthropic_messages.layout import DELTAS, Added, Closed, Layout, Opened, Step
from grok2api.dialects.anthropic_messages.whole import ending, opening, usage
from grok2api.dialects.base import Envelope

PING = sse.named("ping", {"type": "ping"})

_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{'
#: What stands before a delta's text, by kind of part.
_MEMBER = {part: b'"type":"%b","%b":' % (kind.encode(), member.encode()) for part, (kind, member) in DELTAS.items()}
_END = b"}}\n\n"


class Encoder:
    """One streamed answer."""

    def __init__(self, request: Request, envelope: Envelope) -> None:
        self._envelope = envelope
        self._layout = Layout(request, envelope.new_id)
        self._before = b""  # of a delta that only makes the open block longer; empty when there is no such block
        self._held = b""

    def feed(self, events: Iterable[Event], _choice: int = 0) -> bytes:
        """The frames of these events."""
        out: list[bytes] = []
        for event in events:
            if type(event) is PartDelta and self._before:
                out += (self._before, sse.encode_json(event.text), _END)
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
            case Finished():
                delta = ending(event.finish, event.stop_sequence)
                spent = usage(event.usage, self._layout.searches)
                out += (_frame("message_delta", delta=delta, usage=spent), _frame("message_stop"))
            case Failed(problem):
                out.append(sse.named("error", errors.body(problem, self._envelope.request_id)))
            case _:
                self._lay(event, out)

    def _lay(self, event: Event, out: list[bytes]) -> None:
        layout = self._layout
        frames = b"".join(map(_rendered, layout.steps(event)))
        if type(event) is PartEnded:
            self._held = frames
        else:
            out.append(frames)
        kind = layout.streaming
        self._before = b"" if kind is None else _DELTA % layout.index + _MEMBER[kind]


def _rendered(step: Step) -> bytes:
    match step:
        case Opened(index, block):
            return _frame("content_block_start", index=index, content_block=block)
        case Added(index, delta):
            return _frame("content_block_delta", index=index, delta=delta)
        case Closed(index):
            return _frame("content_block_stop", index=index)


def _frame(kind: str, **members: Any) -> bytes:
    return sse.named(kind, {"type": kind, **members})
