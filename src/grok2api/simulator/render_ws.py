"""Scripts as server events of the WebSocket chat gateway.

Pure. Frames are whole text messages `{"session_id", "event": {"type", …}}` carrying `response.chunk` events and
the final `response.done`. The handshake and the client's messages are `grok_socket`'s.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from grok2api.simulator import drawing
from grok2api.simulator.render import Frame, FrameKind, Ids, InBand, Rendered, RenderOptions, encode
from grok2api.simulator.script import (
    Call,
    Cite,
    Decline,
    Picture,
    Say,
    Script,
    Search,
    Step,
    Think,
    calls_as_text,
    tokens,
)

_ANSWER, _ANALYSIS = "CHANNEL_ASSISTANT_RESPONSE", "CHANNEL_ANALYSIS"


def message(session: str, event: dict[str, Any]) -> bytes:
    """One server message."""
    return encode({"session_id": session, "event": event})


def render(script: Script, asked: str, ids: Ids, options: RenderOptions) -> Rendered:
    """The messages of one answer."""
    numbers = itertools.count(1)
    frames = [
        Frame(message(ids.conversation, event), kind) for kind, event in _events(script.steps, ids, options, numbers)
    ]
    return Rendered(frames, {})


def error(problem: InBand, session: str = "") -> bytes:
    """The `error` event, a stream error inside the output, or a response that failed."""
    fault = {"code": problem.code, "message": problem.message}
    shapes: dict[str, dict[str, Any]] = {
        "top": {"type": "error", "error": fault},
        "nested": {"type": "response.grok.output", "output": {"stream_error": fault}},
        "late": {
            "type": "response.done",
            "response": {"status": "failed", "status_details": {"reason": problem.message}},
        },
    }
    return message(session, shapes[problem.place])


def _events(
    steps: tuple[Step, ...], ids: Ids, options: RenderOptions, numbers: "itertools.count[int]"
) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
    yield "meta", {"type": "response.created", "response": {"id": ids.answer, "status": "in_progress"}}
    if options.unknown:
        yield "meta", {"type": "response.something_new", "novelty": 1}
    drawn = itertools.count()
    for step in steps:
        if isinstance(step, Picture):
            for chunk in drawing.steps(step, next(drawn), ids):
                yield (
                    "card",
                    {"type": "response.grok.output", "output": {"card_attachment": drawing.card("ig-1", chunk)}},
                )
        yield from _step(step, numbers)
    if options.ends:
        done = {"id": ids.answer, "status": "completed", "status_details": {"reason": "stop"}}
        yield "end", {"type": "response.done", "response": done}


def _chunk(kind: FrameKind, **members: Any) -> tuple[FrameKind, dict[str, Any]]:
    return kind, {"type": "response.chunk", "chunk": members}


def _words(text: str) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
    for piece in tokens(text):
        yield _chunk("token", text={"text": piece, "channel": _ANSWER})


def _step(step: Step, numbers: "itertools.count[int]") -> Iterator[tuple[FrameKind, dict[str, Any]]]:
    match step:
        case Think(text):
            yield _chunk("thought", text={"text": f"{text}\n", "channel": _ANALYSIS})
        case Say(text) | Decline(text):
            yield from _words(text)
        case Call():
            yield from _words(calls_as_text((step,)))
        case Search():
            yield from _search(step, f"tc-{next(numbers)}")
        case Cite(url):
            number = next(numbers)
            kind = "CITATION_KIND_X_POST" if url.startswith("https://x.com/") else "CITATION_KIND_WEB_PAGE"
            yield _chunk(
                "card", render_citation={"id": f"ci-{number}", "kind": kind, "url": url, "citation_id": number}
            )


def _search(step: Search, card: str) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
    tool = "x_search" if step.on_x else "web_search"
    asked = {"tool_usage_card_id": card, tool: {"args": {"query": step.query}}}
    yield _chunk("card", tool_usage_card=asked)
    if step.web:
        pages = [{"url": hit.url, "title": hit.title, "snippet": hit.preview} for hit in step.web]
        yield _chunk("card", tool_result={"tool_call_id": card, "web_search": {"webpages": pages}})
    if step.posts:
        posts = [
            {"userhandle": post.username, "name": post.username, "text": post.text, "post_id": post.post_id}
            for post in step.posts
        ]
        yield _chunk("card", tool_result={"tool_call_id": card, "x_post": {"posts": posts}})
