"""The body of a Responses call, from a request.

Pure. Always stateless and always streamed: the whole history goes out, nothing is kept upstream, and a whole answer is
a folded stream. What the caller left out is left out here too, so that the upstream's own defaults hold. Pictures and
files stand in the conversation itself; their text is not in the body but read off while that is sent.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.request import (
    Format,
    Message,
    Request,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from grok2api.upstreams.base import Pieces
from grok2api.upstreams.responses_wire.files import content_of, filled
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


def build_body(request: Request, shape: Shape, names: ToolNames) -> bytes | Pieces:
    """The body of `POST /v1/responses`. Raises `Refusal` for files that the upstream cannot take."""
    files: list[Attachment] = []
    body: dict[str, Any] = {
        "model": shape.model,
        "input": list(_input(request.messages, names, files)),
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
    return filled(_encode(body), files) if files else _encode(body)


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


def _input(messages: Iterable[Message], names: ToolNames, files: list[Attachment]) -> Iterator[dict[str, Any]]:
    """All turns as items. What tools gave back as files follows behind the last of their results, as the user's.

    `files` gets those whose text has its place in the items, in the order of these places.
    """
    given: list[Attachment] = []
    for message in messages:
        if given and message.role is not Role.TOOL:
            yield _given_back(given, files)
        yield from _items(message, names, files)
        given += (
            piece
            for part in message.parts
            if isinstance(part, ToolResult)
            for piece in part.parts
            if isinstance(piece, Attachment)
        )
    if given:
        yield _given_back(given, files)


def _given_back(given: list[Attachment], files: list[Attachment]) -> dict[str, Any]:
    content = [{"type": "input_text", "text": "Files that the tools gave back:"}]
    content += (content_of(file, files) for file in given)
    given.clear()
    return {"role": "user", "content": content}


def _items(message: Message, names: ToolNames, files: list[Attachment]) -> Iterator[dict[str, Any]]:
    """One turn as items, in the order of its parts; words and files that follow one another are one message."""
    content: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, Text):
            content.append({"type": "input_text", "text": part.text})
            continue
        if isinstance(part, Attachment):
            content.append(content_of(part, files))
            continue
        item = _item(part, names)
        if item is None:
            continue
        if content:
            yield _message(message.role, content)
            content = []
        yield item
    if content:
        yield _message(message.role, content)


def _message(role: Role, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"role": "user" if role is Role.TOOL else role.value, "content": content}


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
