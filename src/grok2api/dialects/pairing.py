"""Calls and their results, put in order: every call answered, every answer belonging to a call (C3).

Clients lose results (an interrupted turn) and calls (a trimmed history), and upstreams refuse both. A call
without a result gets one that says so, directly after its turn; a result without a call is a 400 that
names the id, because nobody can guess what was asked. Ids may be used again in a later turn.
"""

from collections.abc import Sequence

import msgspec

from grok2api.canonical.problem import Refusal, invalid
from grok2api.canonical.request import Message, Role, Text, ToolCall, ToolResult

NO_RESULT = "No result was given for this call."


def pair(messages: Sequence[Message], id_field: str) -> tuple[Message, ...]:
    """The same turns with every call answered. `id_field` is the client's name for a result's call id."""
    waiting: dict[str, tuple[int, ToolCall]] = {}
    lost: list[tuple[int, ToolCall]] = []
    turns: list[Message] = []
    for index, message in enumerate(messages):
        if message.role is Role.TOOL:
            message = _answer(message, waiting, id_field)
        for part in message.parts:
            if isinstance(part, ToolCall):
                _open(index, part, waiting, lost)
        turns.append(message)
    lost.extend(waiting.values())
    return _repaired(turns, lost)


def _open(
    index: int, call: ToolCall, waiting: dict[str, tuple[int, ToolCall]], lost: list[tuple[int, ToolCall]]
) -> None:
    before = waiting.get(call.id)
    if before is not None:
        lost.append(before)
    waiting[call.id] = (index, call)


def _answer(message: Message, waiting: dict[str, tuple[int, ToolCall]], id_field: str) -> Message:
    parts = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            opened = waiting.pop(part.call_id, None)
            if opened is None:
                raise _orphan(message.path, part.call_id, id_field)
            if opened[1].custom:
                part = msgspec.structs.replace(part, custom=True)
        parts.append(part)
    return msgspec.structs.replace(message, parts=tuple(parts))


def _orphan(path: str, call_id: str, id_field: str) -> Refusal:
    return invalid(
        f"{path} is the result of the call {call_id[:128]!r}, which no earlier turn has open: "
        f"send the assistant's turn with that call before it, or remove the result",
        f"{path}.{id_field}",
        code="orphan_tool_result",
    )


def _repaired(turns: Sequence[Message], lost: Sequence[tuple[int, ToolCall]]) -> tuple[Message, ...]:
    if not lost:
        return tuple(turns)
    missing: dict[int, list[ToolResult]] = {}
    for index, call in lost:
        result = ToolResult(call.id, (Text(NO_RESULT),), is_error=True, custom=call.custom)
        missing.setdefault(index, []).append(result)
    out: list[Message] = []
    for index, message in enumerate(turns):
        out.append(message)
        if index in missing:
            out.append(Message(Role.TOOL, tuple(missing[index]), message.path))
    return tuple(out)
