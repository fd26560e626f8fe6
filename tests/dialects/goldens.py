"""The exchanges whose bytes are kept in `tests/golden/<dialect>/`, as tables of events.

`python tests/dialects/goldens.py` writes the files anew; the tests compare with what is there.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from grok2api.canonical.events import (
    CallOpened,
    Cited,
    Event,
    Failed,
    Finish,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Progressed,
    Searched,
    Source,
    Started,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.sequence import fold
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.dialects.base import Dialect, Envelope
from grok2api.dialects.openai_chat import CHAT

FOLDER = Path(__file__).parent.parent / "golden"
TEXT, THINKING, CALL = PartKind.TEXT, PartKind.THINKING, PartKind.CALL
PROMPT = b'"model":"grok-4.3-fast","messages":[{"role":"user","content":"hi"}]'
CHAT_BODY = b"{" + PROMPT + b',"stream_options":{"include_usage":true}}'
BODIES: Mapping[str, bytes] = {
    "openai_chat": CHAT_BODY,
    "anthropic_messages": b"{" + PROMPT + b',"max_tokens":100}',
    "anthropic_messages_searching": b"{" + PROMPT + b',"tools":[{"type":"web_search_20250305","name":"web_search"}]}',
}
DIALECTS: Mapping[str, Dialect] = {
    "openai_chat": CHAT,
    "anthropic_messages": MESSAGES,
    "anthropic_messages_searching": MESSAGES,
}

EXCHANGES: Mapping[str, list[Event]] = {
    "plain": [
        Started(7),
        PartStarted(0, TEXT),
        PartDelta(0, "Hello"),
        PartDelta(0, ', "w\u00f6rld"\n\U0001f600'),
        PartEnded(0),
        Finished(Finish.STOP, Usage(input=8, output=5)),
    ],
    "thinking_and_citations": [
        Started(7),
        PartStarted(0, THINKING),
        PartDelta(0, "Let me "),
        PartDelta(0, "look."),
        PartEnded(0, "b3BhcXVl", "rs_1"),
        Searched("web_search", "grok", (Source("https://x.ai/", "xAI"),), "ws_1"),
        PartStarted(1, TEXT),
        PartDelta(1, "It is "),
        PartDelta(1, "xAI's."),
        Cited("https://x.ai/", "xAI", 6, 11, 1),
        PartEnded(1),
        Finished(Finish.LENGTH, Usage(input=8, output=9, reasoning=4, cached=3, exact=True)),
    ],
    "parallel_calls": [
        Started(7),
        PartStarted(0, TEXT),
        PartDelta(0, "I will look."),
        PartEnded(0),
        PartStarted(1, CALL, CallOpened("call_a", "read")),
        PartDelta(1, '{"path":'),
        PartDelta(1, '"a \\"b\\""}'),
        PartEnded(1),
        PartStarted(2, CALL, CallOpened("call_b", "list")),
        PartEnded(2),
        Finished(Finish.TOOL_CALLS, Usage(input=8, output=20)),
    ],
    "stop_sequence": [
        Started(7),
        PartStarted(0, TEXT),
        PartDelta(0, "one"),
        PartEnded(0),
        Finished(Finish.STOP_SEQUENCE, Usage(input=8, output=1), "END"),
    ],
    "filtered": [Started(7), Progressed(50), Finished(Finish.CONTENT_FILTER, Usage(input=8, output=1))],
    "searches": [
        Started(7),
        PartStarted(0, THINKING),
        PartDelta(0, "Let me look."),
        Searched("web_search", "moons of Mars", (Source("https://example.org/a", "Moons"),), "ws_1"),
        PartDelta(0, " Twice."),
        PartEnded(0, "b3BhcXVl", "rs_1"),
        PartStarted(1, TEXT),
        PartDelta(1, "There is "),
        PartDelta(1, "more:"),
        Searched("x_search", 'the "moons"', (Source("https://x.com/a/status/1", "", "x_post"),), "ws_2"),
        Searched("web_search", "nothing", (), "ws_3"),
        Cited("https://example.org/lost", "Between two blocks", 0, 5, 1),
        PartDelta(1, " two"),
        PartDelta(1, " moons."),
        Cited("https://example.org/a", "Moons", 14, 17, 1),
        Cited("https://x.com/a/status/1", "", 14, 17, 1),
        PartEnded(1),
        PartStarted(2, CALL, CallOpened("call_a", "note")),
        PartDelta(2, '{"n":'),
        Searched("web_search", "late", (), "ws_4"),
        PartDelta(2, "2}"),
        PartEnded(2),
        Finished(Finish.TOOL_CALLS, Usage(input=80, output=9, reasoning=4, cached=30, exact=True)),
    ],
    "cut_in_text": [
        Started(7),
        PartStarted(0, TEXT),
        PartDelta(0, "Half an ans"),
        PartEnded(0),
        Failed(Problem(kind=Kind.CUT, message="The upstream's answer broke off", evidence=b"secret")),
    ],
    "cut_in_call": [
        Started(7),
        PartStarted(0, CALL, CallOpened("call_a", "read")),
        PartDelta(0, '{"path":'),
        PartEnded(0),
        Failed(Problem(kind=Kind.TIMEOUT, message="The upstream was silent for 60 s")),
    ],
}


def envelope() -> Envelope:
    return Envelope(
        model="grok-4.3-fast", created=1767225600, now=lambda: 1767225600.0, new_id=lambda prefix: f"{prefix}0001"
    )


def streamed(dialect: str, events: list[Event]) -> bytes:
    wire = DIALECTS[dialect]
    return wire.encoder(wire.decode(BODIES[dialect], {}), envelope()).feed(events)


def whole(dialect: str, events: list[Event]) -> bytes:
    """The whole answer, or the error body of the failure that the events end in."""
    wire, answer = DIALECTS[dialect], fold(events)
    if answer.problem is not None:
        status, body = wire.problem(answer.problem)
        return b"%d %s" % (status, body)
    return wire.whole(wire.decode(BODIES[dialect], {}), [answer], envelope())


def write() -> None:
    for dialect in DIALECTS:
        (FOLDER / dialect).mkdir(exist_ok=True)
        for name, events in EXCHANGES.items():
            (FOLDER / dialect / f"{name}.sse").write_bytes(streamed(dialect, events))
            (FOLDER / dialect / f"{name}.json").write_bytes(whole(dialect, events) + b"\n")


if __name__ == "__main__":
    write()
    print("written", file=sys.stderr)
