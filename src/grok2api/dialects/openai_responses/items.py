"""The `input` of a Responses request, read into turns.

Promises that the order of items survives, that consecutive items of the assistant (reasoning, words, calls)
become one turn, that calls and results fit together (`pairing`: every call without a result gets one, also
the last, since an answer is asked for), and errors that name the part at fault (`input.3.content.0.type`).
A compaction of ours is read as the summary that it holds; those of others cannot be read, and have no effect.
Items that the upstream made for itself (searches and the like) and unknown types carry nothing that can be sent on,
and are passed over. Items of earlier responses come first. An `item_reference` is the item that it names; one that
names what nobody knows is refused, unless it names reasoning: the turn keeps its words and calls without it, and
clients that send calls whole refer to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import File, Image, Message, Part, Role, Text, Thinking, ToolCall, ToolResult
from grok2api.dialects.openai_responses.parts import picture, read_parts
from grok2api.dialects.openai_responses.recalled import COMPACTIONS, REFERENCE, Known
from grok2api.dialects.openai_responses.sealed import Damaged, is_ours, unseal
from grok2api.dialects.openai_responses.tools import Declared
from grok2api.dialects.pairing import pair
from grok2api.dialects.reading import Object
from grok2api.dialects.sse import encode_json

_ROLES: Mapping[str, Role] = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
}

_SUMMARY = "Earlier turns of this conversation were replaced by this summary of them:\n\n{}"

#: How the ids of reasoning items begin, in our answers and in everybody's.
_REASONING = "rs_"
#: Where items of earlier responses stand, for errors.
_EARLIER = "previous_response_id"


def read_input(body: Object, declared: Declared, known: Known, *, may_be_empty: bool = False) -> tuple[Message, ...]:
    """Every turn, in order: what came before, then `input`. Items that add tools add them to `declared`."""
    value = body.raw.get("input")
    if value is None and not known.before:
        raise body.missing("input")
    if value is not None and type(value) not in (str, list):
        raise body.wrong("input", "a string or an array of items", value)
    turns = _merged(_turns(body, value, _History(declared, known)))
    if not turns and not may_be_empty:
        raise invalid("input must not be empty", "input")
    return pair(turns, "call_id")


def check(holder: Object, key: str) -> None:
    """Read every item of `holder[key]` as it will be read later. Raises `Refusal` naming the part at fault."""
    history = _History(Declared(), Known())
    for item in holder.objects(key):
        history.read(item)


def _turns(body: Object, value: object, history: "_History") -> Iterator[Message | None]:
    for index, item in enumerate(history.before):
        yield history.read(Object(dict(item), f"{_EARLIER}.{index}"))
    if type(value) is str:
        yield Message(Role.USER, (Text(value),), "input") if value else None
    elif value is not None:
        yield from (history.read(item) for item in body.objects("input"))


def compacted_elsewhere(body: Object) -> bool:
    """Whether an `input` that could be read has a compaction that only its maker can read."""
    value = body.raw.get("input")
    return type(value) is list and any(
        item.get("type") in COMPACTIONS and not is_ours(item.get("encrypted_content")) for item in value
    )


def _merged(messages: Iterable[Message | None]) -> list[Message]:
    runs: list[tuple[Message, list[Part]]] = []
    for message in messages:
        if message is None or not message.parts:
            continue
        if runs and message.role is Role.ASSISTANT and runs[-1][0].role is Role.ASSISTANT:
            runs[-1][1].extend(message.parts)
        else:
            runs.append((message, list(message.parts)))
    return [msgspec.structs.replace(first, parts=tuple(parts)) for first, parts in runs]


class _History:
    """Reads items one by one, and remembers what later ones refer to."""

    def __init__(self, declared: Declared, known: Known) -> None:
        self.declared = declared
        self.before = known.before or ()
        self.known = known.items
        self.said: set[str] = set()  # ids of items that were read: a reference to what is there already adds nothing
        self.call_ids: dict[str, str] = {}  # an item's own id -> its call id: local shell results name either
        self.calls: set[str] = set()  # those call ids

    def read(self, item: Object) -> Message | None:
        kind = item.text("type") or ("message" if item.has("role") else REFERENCE if item.has("id") else None)
        if kind is None:
            raise item.missing("type")
        if kind != REFERENCE and type(ident := item.raw.get("id")) is str:
            self.said.add(ident)
        reader = _ITEMS.get(kind)
        return None if reader is None else reader(item, self)


def _message(item: Object, _: _History) -> Message:
    role = _ROLES.get(item.need_text("role"))
    if role is None:
        raise invalid(f"{item.at('role')} must be one of {', '.join(_ROLES)}", item.at("role"))
    value = item.raw.get("content")
    if value is None and role is not Role.ASSISTANT:
        raise item.missing("content")
    parts: tuple[Part, ...] = () if value is None else read_parts(item, "content")
    if role is Role.USER:
        if not parts:
            raise invalid(f"{item.at('content')} must not be empty", item.at("content"))
    else:
        parts = tuple(part for part in parts if part != Text(""))
    return Message(role, parts, item.path)


def _reasoning(item: Object, _: _History) -> Message | None:
    pieces = [
        entry.text("text") or "" for key in ("content", "summary") if item.has(key) for entry in item.objects(key)
    ]
    text = "\n\n".join(piece for piece in pieces if piece)
    encrypted = item.text("encrypted_content")
    if not text and not encrypted:
        return None
    return Message(Role.ASSISTANT, (Thinking(text, encrypted, item.text("id")),), item.path)


def _function_call(item: Object, _: _History) -> Message:
    value = item.raw.get("arguments")
    arguments = encode_json(value).decode() if type(value) is dict else item.text("arguments") or "{}"
    call = ToolCall(item.need_text("call_id"), item.need_text("name"), arguments, namespace=item.text("namespace"))
    return Message(Role.ASSISTANT, (call,), item.path)


def _custom_call(item: Object, _: _History) -> Message:
    call = ToolCall(
        item.need_text("call_id"),
        item.need_text("name"),
        item.text("input") or "",
        custom=True,
        namespace=item.text("namespace"),
    )
    return Message(Role.ASSISTANT, (call,), item.path)


def _result(item: Object, _: _History) -> Message:
    parts = read_parts(item, "output")
    kept = tuple(part for part in parts if isinstance(part, Text | Image | File))
    custom = item.raw.get("type") == "custom_tool_call_output"
    return Message(Role.TOOL, (ToolResult(item.need_text("call_id"), kept, custom=custom),), item.path)


def _compaction(item: Object, _: _History) -> Message | None:
    try:
        summary = unseal(item.text("encrypted_content") or "")
    except Damaged:
        path = item.at("encrypted_content")
        raise invalid(f"{path} is not as it was made here: send it back unchanged", path) from None
    return None if summary is None else Message(Role.USER, (Text(_SUMMARY.format(summary)),), item.path)


def _reference(item: Object, history: _History) -> Message | None:
    ident = item.need_text("id")
    if ident in history.said:
        return None
    found = history.known.get(ident)
    if found is not None and found.get("type") != REFERENCE:
        return history.read(Object(dict(found), item.path))
    if ident.startswith(_REASONING):
        return None
    raise invalid(
        f"{item.path} refers to the stored item {ident[:128]!r}, which is not here: "
        f"send the item itself (most clients do when they are told store: false)",
        item.at("id"),
        code="item_not_found",
    )


def _more_tools(item: Object, history: _History) -> None:
    history.declared.read(item)


def _found_tools(item: Object, history: _History) -> Message | None:
    """Tools that a search found: they can be called, and the model is told where it asked for them itself."""
    history.declared.read(item)
    named = item.text("call_id")
    if named is None or named not in history.calls:
        return None
    names = ", ".join(str(tool.raw.get("name") or tool.raw.get("type")) for tool in item.objects("tools"))
    words = f"These tools can be called now: {names}" if names else "No tool was found."
    return Message(Role.TOOL, (ToolResult(named, (Text(words),)),), item.path)


def _client_call(name: str, member: str) -> Callable[[Object, _History], Message | None]:
    """Reads a call of one of OpenAI's own tools that run at the client: shells, patches and the like."""

    def read(item: Object, history: _History) -> Message | None:
        if name == "tool_search" and not item.has("call_id"):
            return None  # searched by a server
        call_id = item.text("call_id") or item.need_text("id")
        history.call_ids[item.text("id") or call_id] = call_id
        history.calls.add(call_id)
        arguments = encode_json(item.raw.get(member) or {}).decode()
        return Message(Role.ASSISTANT, (ToolCall(call_id, name, arguments),), item.path)

    return read


def _client_result(item: Object, history: _History) -> Message:
    named = item.text("call_id") or item.need_text("id")
    failed = item.raw.get("status") == "failed"
    result = ToolResult(history.call_ids.get(named, named), (_outcome(item),), is_error=failed)
    return Message(Role.TOOL, (result,), item.path)


def _outcome(item: Object) -> Text | Image:
    value = item.raw.get("output")
    if value is None:
        return Text(item.text("status") or "")
    if type(value) is str:
        return Text(value)
    if type(value) is dict and value.get("image_url") is not None:
        return picture(Object(value, item.at("output")))
    return Text(encode_json(value).decode())


_ITEMS: Mapping[str, Callable[[Object, _History], Message | None]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _function_call,
    "custom_tool_call": _custom_call,
    "function_call_output": _result,
    "custom_tool_call_output": _result,
    REFERENCE: _reference,
    **dict.fromkeys(COMPACTIONS, _compaction),
    "additional_tools": _more_tools,
    "tool_search_call": _client_call("tool_search", "arguments"),
    "tool_search_output": _found_tools,
    "local_shell_call": _client_call("local_shell", "action"),
    "shell_call": _client_call("shell", "action"),
    "apply_patch_call": _client_call("apply_patch", "operation"),
    "computer_call": _client_call("computer", "action"),
    "local_shell_call_output": _client_result,
    "shell_call_output": _client_result,
    "apply_patch_call_output": _client_result,
    "computer_call_output": _client_result,
}
