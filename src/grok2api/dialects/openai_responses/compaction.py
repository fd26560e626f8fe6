"""Compaction: a conversation becomes a summary that the client sends back in its place.

Asked for in two ways: `POST /v1/responses/compact`, whose answer is the new window (the user's messages as far as they
fit, then one compaction item), and an input item `compaction_trigger`, whose answer has the compaction item as its only
output. Either way the model is asked like for any answer, with the history and a last message that wants a summary.
Tools are left away, since nobody would run them. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from grok2api.canonical.events import Event, Failed, Finish, Finished, PartDelta, PartKind, PartStarted, Started
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.request import Format, Message, Request, Role, Text, ToolChoice
from grok2api.canonical.sequence import Answer
from grok2api.dialects.base import Envelope
from grok2api.dialects.openai_responses.encode import ResponseEncoder, settled
from grok2api.dialects.openai_responses.resource import COMPACTS, Resource, usage
from grok2api.dialects.openai_responses.sealed import seal
from grok2api.dialects.reading import Object
from grok2api.dialects.sse import encode_json

TRIGGER = "compaction_trigger"
#: Tokens of a summary, reasoning included where the upstream counts it in.
_SUMMARY_TOKENS = 16_000
#: Characters of the user's own messages in a compacted window: some 20,000 tokens.
_KEPT = 80_000
#: What the client set and a summary still obeys.
_OBEYED = ("effort", "temperature", "top_p")

_ASK = """\
This conversation has grown too long. It will be replaced by what you write now, so write a summary from which another \
model can go on with the work without having seen the rest. As far as they apply, say:
- what the user wants in the end, with every constraint and preference that was given;
- what was done, found out and decided, and why;
- the exact names, paths, commands, values and pieces of code that are still needed;
- what failed, and how;
- what is left to do, the next step first.
The user's own messages are kept beside the summary: do not repeat them. Write plain text only. Do not go on with the \
task, and call no tool."""

_EMPTY = Problem(kind=Kind.EMPTY, message="Grok wrote no summary; ask again", code="empty_response")


def triggered(body: Object) -> bool:
    """Whether an `input` that could be read ends in a demand to compact it; one in mid-input was answered long ago."""
    value = body.raw.get("input")
    return type(value) is list and bool(value) and value[-1].get("type") == TRIGGER


def summarising(request: Request, window: Iterable[Mapping[str, Any]] = ()) -> Request:
    """The request that asks for a summary of `request`; `window` is what the answer keeps beside it."""
    return msgspec.structs.replace(
        request,
        messages=(*request.messages, Message(Role.USER, (Text(_ASK),))),
        tools=(),
        hosted_tools=(),
        tool_choice=ToolChoice("none"),
        parallel_tool_calls=None,
        max_tokens=_SUMMARY_TOKENS,
        thinking=False,
        format=Format(),
        include_encrypted=False,
        given={name: request.given[name] for name in _OBEYED if name in request.given},
        extra={},
        echo={**request.echo, COMPACTS: tuple(window)},
    )


def compacts(request: Request) -> bool:
    """Whether `request` asks for a summary."""
    return COMPACTS in request.echo


def kept(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The user's messages among items that could be read, the newest as far as there is room; words only."""
    found: list[dict[str, Any]] = []
    room = _KEPT
    for item in reversed(items):
        if item.get("role") != "user" or item.get("type") not in (None, "message"):
            continue
        words = _words(item.get("content"))[:room]
        if words:
            room -= len(words)
            found.append({"id": item.get("id"), "content": [{"type": "input_text", "text": words}]})
        if room <= 0:
            break
    return found[::-1]


def _words(content: Any) -> str:
    if type(content) is str:
        return content
    return "\n".join(part["text"] for part in content or () if type(part.get("text")) is str)


def _item(ident: str, summary: str) -> dict[str, Any]:
    return {"id": ident, "type": "compaction", "encrypted_content": seal(summary)}


def _summary(answer: Answer) -> str:
    words = answer.text().strip()
    if not words:
        raise Refusal(_EMPTY)
    return words


def whole_window(request: Request, answer: Answer, envelope: Envelope) -> bytes:
    """The `response.compaction` object, as JSON. Raises `Refusal` when there is no summary."""
    messages = [
        {
            "id": message["id"] if isinstance(message["id"], str) else envelope.new_id("msg_"),
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": message["content"],
        }
        for message in request.echo[COMPACTS]
    ]
    window = {
        "id": envelope.new_id("resp_"),
        "object": "response.compaction",
        "created_at": envelope.created,
        "output": [*messages, _item(envelope.new_id("cmp_"), _summary(answer))],
        "usage": usage(answer.usage),
    }
    return encode_json(window)


def whole_response(request: Request, answer: Answer, envelope: Envelope) -> bytes:
    """The response object whose only output is the compaction item, as JSON. Raises `Refusal` as above."""
    resource = Resource(request, envelope)
    item = _item(resource.item_id("cmp_"), _summary(answer))
    return settled(resource.finished([item], Finish.STOP, answer.usage, ()), {}, envelope.settle)


class CompactionEncoder(ResponseEncoder):
    """The same as a stream: the item is announced at once, and carries the summary when that is whole."""

    def __init__(self, request: Request, envelope: Envelope) -> None:
        super().__init__(request, envelope)
        self._ident = self._resource.item_id("cmp_")
        self._parts: set[int] = set()
        self._summary: list[str] = []

    def feed(self, events: Iterable[Event], _choice: int = 0) -> bytes:
        out: list[bytes] = []
        for event in events:
            match event:
                case Started():
                    self._begin(out)
                    self._announce(out)
                case PartStarted(index, PartKind.TEXT):
                    self._parts.add(index)
                case PartDelta(index, text) if index in self._parts:
                    self._summary.append(text)
                case Finished():
                    self._close(event, out)
                case Failed(problem):
                    self._fail(problem, out)
                case _:
                    pass
        return b"".join(out)

    def _announce(self, out: list[bytes]) -> None:
        item = {"id": self._ident, "type": "compaction", "encrypted_content": ""}
        self._send("response.output_item.added", out, output_index=0, item=item)
        self._send("response.compaction.compacting", out, output_index=0, item_id=self._ident)

    def _close(self, event: Finished, out: list[bytes]) -> None:
        summary = "".join(self._summary).strip()
        if not summary:
            self._fail(_EMPTY, out)
            return
        item = _item(self._ident, summary)
        self._records.append(item)
        self._send("response.output_item.done", out, output_index=0, item=item)
        self._finish(msgspec.structs.replace(event, finish=Finish.STOP), out)
