"""A whole message, and the pieces that the streamed form has in common with it.

Promises no null where Anthropic's schema has none: a text block without citations has no `citations` at all.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from grok2api.canonical.events import Finish, Usage
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import Answer
from grok2api.dialects.anthropic_messages.layout import Added, Closed, Layout, Opened, Step
from grok2api.dialects.base import Envelope
from grok2api.dialects.sse import encode_json

STOP_REASONS: Mapping[Finish, str] = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.CONTENT_FILTER: "refusal",
    Finish.REFUSAL: "refusal",
    Finish.STOP_SEQUENCE: "stop_sequence",
}


def whole(request: Request, answer: Answer, envelope: Envelope) -> bytes:
    """The `message` object."""
    layout, content = Layout(request, envelope.new_id), Content()
    for event in answer.trail:
        for step in layout.steps(event):
            content.take(step)
    message = opening(envelope, usage(answer.usage, layout.searches))
    message["content"] = content.blocks
    message.update(ending(answer.finish or Finish.STOP, answer.stop_sequence))
    return encode_json(message)


def opening(envelope: Envelope, spent: Mapping[str, Any]) -> dict[str, Any]:
    """A message of which nothing has been said. Nothing is ever written to a cache that the client could ask for."""
    return {
        "id": envelope.new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": envelope.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**spent, "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}},
    }


def ending(finish: Finish, stop_sequence: str | None) -> dict[str, Any]:
    return {"stop_reason": STOP_REASONS[finish], "stop_sequence": stop_sequence}


def usage(spent: Usage, searches: int = 0) -> dict[str, Any]:
    """Tokens in Anthropic's reading, where input is what no cache had; reasoning and searches only when there were any.

    The sum of the three kinds of input is what the upstream calls input.
    """
    told: dict[str, Any] = {
        "input_tokens": max(0, spent.input - spent.cached),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": min(spent.cached, spent.input),
        "output_tokens": spent.output,
    }
    if spent.reasoning:
        told["output_tokens_details"] = {"thinking_tokens": spent.reasoning}
    if searches:
        told["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 0}
    return told


class Content:
    """Blocks, put together from the steps that a stream would send."""

    def __init__(self) -> None:
        self.blocks: list[dict[str, Any]] = []
        self._input: list[str] = []

    def take(self, step: Step) -> None:
        match step:
            case Opened(_, block):
                self.blocks.append(block)
                self._input.clear()
            case Added(_, delta):
                self._GROW[delta["type"]](self, self.blocks[-1], delta)
            case Closed():
                if self._input:
                    self.blocks[-1]["input"] = _parsed("".join(self._input) or "{}")

    def _text(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        block["text"] += delta["text"]

    def _thinking(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        block["thinking"] += delta["thinking"]

    def _signature(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        block["signature"] = delta["signature"]

    def _argue(self, _: dict[str, Any], delta: dict[str, Any]) -> None:
        self._input.append(delta["partial_json"])

    def _cite(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        block.setdefault("citations", []).append(delta["citation"])

    _GROW: Mapping[str, Callable[["Content", dict[str, Any], dict[str, Any]], None]] = {
        "text_delta": _text,
        "thinking_delta": _thinking,
        "signature_delta": _signature,
        "input_json_delta": _argue,
        "citations_delta": _cite,
    }


def _parsed(arguments: str) -> dict[str, Any] | msgspec.Raw:
    """The arguments as an object; what is none, and cannot be sent as one, under the name `input`.

    An object is passed on letter by letter, as in a stream: also one that only a lenient reader takes (half of a
    surrogate pair), and one that is nested about as deep as can be read.
    """
    try:
        value = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        value = {} if _is_object(arguments) else arguments
    return msgspec.Raw(arguments.encode()) if isinstance(value, dict) else {"input": value}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_constant=_no_json), dict)
    except (ValueError, RecursionError):
        return False


def _no_json(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
