"""The exchanges whose bytes are kept in `tests/golden/openai_responses/`: those of `goldens`, and some that only
Responses tell apart. `python tests/dialects/responses_goldens.py` writes the files anew.
"""

import itertools
import json
import sys
from collections.abc import Mapping

from goldens import EXCHANGES as SHARED
from goldens import FOLDER as GOLDENS

from grok2api.canonical.events import (
    CallOpened,
    Event,
    Finish,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Searched,
    Source,
    Started,
    Usage,
)
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import fold
from grok2api.dialects.base import Envelope
from grok2api.dialects.openai_responses import RESPONSES

FOLDER = GOLDENS / "openai_responses"
BODY = {
    "model": "grok-4.3-console",
    "input": "hi",
    "instructions": "Be brief.",
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "metadata": {"trace": "1"},
    "tools": [
        {"type": "function", "name": "read", "description": "Reads.", "parameters": {"type": "object"}, "strict": True},
        {"type": "custom", "name": "apply_patch"},
        {"type": "namespace", "name": "agents", "description": "", "tools": [{"type": "function", "name": "close"}]},
    ],
}
REQUEST = RESPONSES.decode(json.dumps(BODY).encode(), {})

EXCHANGES: Mapping[str, list[Event]] = {
    **SHARED,
    "custom_and_namespaced_calls": [
        Started(7),
        PartStarted(0, PartKind.CALL, CallOpened("call_a", "apply_patch", custom=True)),
        PartDelta(0, "*** Begin Patch\n"),
        PartDelta(0, "*** End Patch"),
        PartEnded(0),
        PartStarted(1, PartKind.CALL, CallOpened("call_b", "close")),
        PartDelta(1, '{"id":1}'),
        PartEnded(1),
        Finished(Finish.TOOL_CALLS, Usage(input=8, output=20)),
    ],
    "search_inside_the_words": [
        Started(7),
        PartStarted(0, PartKind.TEXT),
        PartDelta(0, "Let me look: "),
        Searched("x_search", "grok", (Source("https://x.com/a/status/1", "a post", "x_post"),)),
        PartDelta(0, "found."),
        PartEnded(0),
        Finished(Finish.STOP, Usage(input=8, output=5)),
    ],
}


#: Exchanges whose request asks for answers of other items: what was asked, and what came.
ASKED: Mapping[str, tuple[Request, list[Event]]] = {
    "client_tools": (
        RESPONSES.decode(
            json.dumps(
                {**BODY, "tools": [{"type": kind} for kind in ("local_shell", "shell", "apply_patch")]}
            ).encode(),
            {},
        ),
        [
            Started(7),
            PartStarted(0, PartKind.CALL, CallOpened("call_a", "shell")),
            PartDelta(0, '{"commands":["ls",'),
            PartDelta(0, '"pwd"]}'),
            PartEnded(0),
            PartStarted(1, PartKind.CALL, CallOpened("call_b", "apply_patch")),
            PartDelta(1, '{"type":"delete_file","path":"a.py"}'),
            PartEnded(1),
            PartStarted(2, PartKind.CALL, CallOpened("call_c", "local_shell")),
            PartDelta(2, '{"command":["ls"]}'),
            PartEnded(2),
            Finished(Finish.TOOL_CALLS, Usage(input=8, output=20)),
        ],
    ),
    "compaction": (
        RESPONSES.decode(
            json.dumps({**BODY, "input": [{"role": "user", "content": "hi"}, {"type": "compaction_trigger"}]}).encode(),
            {},
        ),
        [
            Started(7),
            PartStarted(0, PartKind.TEXT),
            PartDelta(0, "The user "),
            PartDelta(0, "said hi."),
            PartEnded(0),
            Finished(Finish.STOP, Usage(input=8, output=5)),
        ],
    ),
}


def envelope() -> Envelope:
    count = itertools.count(1)
    return Envelope(
        model="grok-4.3-console",
        created=1767225600,
        now=lambda: 1767225607.9,
        new_id=lambda prefix: f"{prefix}{next(count):04}",
    )


def streamed(events: list[Event], request: Request = REQUEST) -> bytes:
    return RESPONSES.encoder(request, envelope()).feed(events)


def whole(events: list[Event], request: Request = REQUEST) -> bytes:
    """The whole answer, or the error body of the failure that the events end in."""
    answer = fold(events)
    if answer.problem is not None:
        return b"%d %s" % RESPONSES.problem(answer.problem)
    return RESPONSES.whole(request, [answer], envelope())


def every() -> dict[str, tuple[Request, list[Event]]]:
    """All kept exchanges with what was asked."""
    return {**{name: (REQUEST, events) for name, events in EXCHANGES.items()}, **ASKED}


def write() -> None:
    for name, (request, events) in every().items():
        (FOLDER / f"{name}.sse").write_bytes(streamed(events, request))
        (FOLDER / f"{name}.json").write_bytes(whole(events, request) + b"\n")


if __name__ == "__main__":
    write()
    print("written", file=sys.stderr)
