"""The body of a Responses call, from a request.

Pure. Always stateless and always streamed: the whole history goes out, nothing is kept upstream, and a whole answer is
a folded stream. What the caller left out is left out here too, so that the upstream's own defaults hold.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import (
    File,
    Format,
    Image,
    Message,
    Request,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from grok2api.upstreams.responses_wire.tools import CUSTOM_FIELD, ToolNames, functions, hosted_tools, tool_choice

_encode = msgspec.json.Encoder().encode


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a model adds to a request.

    model: its upstream name. effort: sent as `reasoning.effort`, `None` = the field is left out. max_output: the limit
    when the caller sets none, 0 = none. search: server tools to add when the caller declares no tool of any kind.
    """

    model: str
    effort: str | None = None
    max_output: int = 0
    search: tuple[Mapping[str, Any], ...] = ()


def build_body(request: Request, shape: Shape, names: ToolNames) -> bytes:
    """The body of `POST /v1/responses`. Raises `Refusal` for pictures and files."""
    refuse_attachments(request)
    body: dict[str, Any] = {
        "model": shape.model,
        "input": [item for message in request.messages for item in _items(message, names)],
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
    }
    limit = shape.max_output if request.max_tokens is None else request.max_tokens
    optional = (
        ("max_output_tokens", limit or None),
        ("temperature", request.temperature),
        ("top_p", request.top_p),
        ("reasoning", {"effort": shape.effort} if shape.effort is not None else None),
        ("text", _text_format(request.format)),
    )
    body.update((key, value) for key, value in optional if value is not None)
    body.update(_tools(request, shape, names))
    return _encode(body)


def _tools(request: Request, shape: Shape, names: ToolNames) -> dict[str, Any]:
    tools: list[Mapping[str, Any]] = [*functions(names), *hosted_tools(request.hosted_tools, names).tools]
    if not request.tools and not request.hosted_tools:
        tools.extend(shape.search)
    choice = tool_choice(request, names, bool(tools))
    if choice == "required" and not request.tools and not request.hosted_tools:
        choice = "auto"  # a demand for a tool that the client did not ask for would force a search
    members: dict[str, Any] = {"tools": tools} if tools else {}
    if choice is not None:
        members["tool_choice"] = choice
    if tools and request.parallel_tool_calls is not None:
        members["parallel_tool_calls"] = request.parallel_tool_calls
    return members


def _text_format(wanted: Format) -> dict[str, Any] | None:
    if wanted.kind == "text":
        return None
    form: dict[str, Any] = {"type": wanted.kind}
    if wanted.kind == "json_schema":
        form |= {"name": wanted.name, "schema": wanted.schema or {}}
        if wanted.strict is not None:
            form["strict"] = wanted.strict
        if wanted.description is not None:
            form["description"] = wanted.description
    return {"format": form}


def _items(message: Message, names: ToolNames) -> Iterator[dict[str, Any]]:
    """One turn as items, in the order of its parts; texts that follow one another are one message."""
    texts: list[dict[str, str]] = []
    for part in message.parts:
        if isinstance(part, Text):
            texts.append({"type": "input_text", "text": part.text})
            continue
        item = _item(part, names)
        if item is None:
            continue
        if texts:
            yield _message(message.role, texts)
            texts = []
        yield item
    if texts:
        yield _message(message.role, texts)


def _message(role: Role, texts: list[dict[str, str]]) -> dict[str, Any]:
    return {"role": "user" if role is Role.TOOL else role.value, "content": texts}


def _item(part: object, names: ToolNames) -> dict[str, Any] | None:
    match part:
        case ToolCall():
            return _call(part, names)
        case ToolResult():
            return {"type": "function_call_output", "call_id": part.call_id, "output": _output(part)}
        case Thinking(encrypted=str()):
            return _reasoning(part)
        case _:
            return None  # readable thinking without its encrypted form means nothing to the upstream


def _call(call: ToolCall, names: ToolNames) -> dict[str, Any]:
    arguments = _encode({CUSTOM_FIELD: call.arguments}).decode() if call.custom else call.arguments or "{}"
    name = names.name(call.name, call.namespace)
    return {"type": "function_call", "call_id": call.id, "name": name, "arguments": arguments}


def _output(result: ToolResult) -> str:
    text = result.text
    return f"Error: {text}" if result.is_error and text[:5].lower() != "error" else text


def _reasoning(part: Thinking) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": part.text}] if part.text else [],
        "encrypted_content": part.encrypted,
    }
    return item if part.id is None else item | {"id": part.id}


def refuse_attachments(request: Request) -> None:
    """Raises `Refusal` when a turn holds a picture or a file, in the open or inside a tool's result."""
    for message in request.messages:
        for part in message.parts:
            inner = part.parts if isinstance(part, ToolResult) else (part,)
            if any(isinstance(piece, Image | File) for piece in inner):
                raise invalid(
                    "This version does not take pictures or files yet: send text only",
                    f"{message.path}.content" if message.path else "content",
                    code="unsupported_content",
                )
