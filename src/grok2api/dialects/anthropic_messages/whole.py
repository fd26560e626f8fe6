"""A whole message, and the pieces that the streamed form has in common with it.

Promises no null where Anthropic's schema has none: a text block has no `citations` at all. URL citations
have no exact form here and are left out; the answer's words are the same.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.canonical.events import Finish, PartKind, Usage
from grok2api.canonical.sequence import Answer, AnswerPart
from grok2api.dialects.anthropic_messages.signature import sign
from grok2api.dialects.base import Envelope
from grok2api.dialects.sse import encode_json

STOP_REASONS: Mapping[Finish, str] = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.CONTENT_FILTER: "refusal",
    Finish.STOP_SEQUENCE: "stop_sequence",
}


def whole(answer: Answer, envelope: Envelope) -> bytes:
    """The `message` object."""
    message = opening(envelope, usage(answer.usage))
    message["content"] = [_block(part) for part in answer.parts]
    message.update(ending(answer.finish or Finish.STOP, answer.stop_sequence))
    return encode_json(message)


def opening(envelope: Envelope, spent: Mapping[str, Any]) -> dict[str, Any]:
    """A message of which nothing has been said."""
    return {
        "id": envelope.new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": envelope.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": spent,
    }


def ending(finish: Finish, stop_sequence: str | None) -> dict[str, Any]:
    return {"stop_reason": STOP_REASONS[finish], "stop_sequence": stop_sequence}


def usage(spent: Usage) -> dict[str, Any]:
    """Tokens, the reasoning among them named only when there was any."""
    told: dict[str, Any] = {
        "input_tokens": spent.input,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": spent.output,
    }
    if spent.reasoning:
        told["output_tokens_details"] = {"thinking_tokens": spent.reasoning}
    return told


def _block(part: AnswerPart) -> dict[str, Any]:
    if part.kind is PartKind.TEXT:
        return {"type": "text", "text": part.text}
    if part.kind is PartKind.THINKING:
        return {"type": "thinking", "thinking": part.text, "signature": sign(part.encrypted, part.id)}
    assert part.call is not None
    given = {"input": part.text} if part.call.custom else _parsed(part.text)
    return {"type": "tool_use", "id": part.call.id, "name": part.call.name, "input": given}


def _parsed(arguments: str) -> dict[str, Any]:
    """The arguments as an object; what is none, and cannot be sent as one, under the name `input`."""
    try:
        value = msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        value = arguments
    return value if isinstance(value, dict) else {"input": value}
