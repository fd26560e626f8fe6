"""The `messages` of a chat completion request, read into turns.

Promises errors that name the part at fault (`messages.3.content.0.type`), calls and results that fit
together (`pairing`), and tolerance of everything that clients are known to send: parts for every role,
`developer`, missing assistant content, the older `function_call` and `function` role.
"""

from collections.abc import Callable, Mapping

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import File, Image, Message, Part, Role, Text, Thinking, ToolCall, ToolResult
from grok2api.dialects.attached import document, picture, sound
from grok2api.dialects.pairing import pair
from grok2api.dialects.reading import Object
from grok2api.dialects.sse import encode_json


def read_turns(body: Object) -> tuple[Message, ...]:
    """Every turn, in order."""
    if body.array("messages") is None:
        raise body.missing("messages")
    legacy = _LegacyCalls()
    turns = []
    for item in body.objects("messages"):
        role = item.need_text("role")
        read = _ROLES.get(role)
        if read is None:
            raise invalid(f"{item.at('role')} must be one of {', '.join(_ROLES)}", item.at("role"))
        message = read(item, legacy)
        if message.parts:
            turns.append(message)
    if not turns:
        raise invalid("messages must not be empty", "messages")
    return pair(turns, "tool_call_id")


class _LegacyCalls:
    """Gives the calls of the older shape, which have no ids, ids by their name and place."""

    def __init__(self) -> None:
        self._open: dict[str, list[str]] = {}
        self._count = 0

    def opened(self, name: str) -> str:
        self._count += 1
        ident = f"call_function_{self._count}"
        self.repeated(name, ident)
        return ident

    def repeated(self, name: str, ident: str) -> None:
        """The call has an id: it stands in `tool_calls` too, as in our own answers."""
        self._open.setdefault(name, []).append(ident)

    def answered(self, name: str) -> str:
        waiting = self._open.get(name)
        return waiting.pop(0) if waiting else name


def _system(item: Object, _: _LegacyCalls) -> Message:
    parts = tuple(part for part in _contents(item, needed=True) if part != Text(""))
    return Message(Role.SYSTEM, parts, item.path)


def _user(item: Object, _: _LegacyCalls) -> Message:
    parts = _contents(item, needed=True)
    if not parts:
        raise invalid(f"{item.at('content')} must not be empty", item.at("content"))
    return Message(Role.USER, parts, item.path)


def _assistant(item: Object, legacy: _LegacyCalls) -> Message:
    parts: list[Part] = []
    thinking = item.text("reasoning_content")
    if thinking:
        parts.append(Thinking(thinking))
    parts += (part for part in _contents(item, needed=False) if part != Text(""))
    refusal = item.text("refusal")
    if refusal:
        parts.append(Text(refusal))
    calls = [_call(call) for call in item.objects("tool_calls")]
    former = item.child("function_call")
    if former is not None:
        name = former.need_text("name")
        same = next((call for call in calls if call.name == name), None)
        if same is None:
            calls.append(ToolCall(legacy.opened(name), name, _arguments(former)))
        else:
            legacy.repeated(name, same.id)
    return Message(Role.ASSISTANT, (*parts, *calls), item.path)


def _tool(item: Object, _: _LegacyCalls) -> Message:
    return _result(item, item.need_text("tool_call_id"))


def _function(item: Object, legacy: _LegacyCalls) -> Message:
    return _result(item, legacy.answered(item.need_text("name")))


def _result(item: Object, call_id: str) -> Message:
    parts = tuple(part for part in _contents(item, needed=False) if isinstance(part, Text | Image | File))
    return Message(Role.TOOL, (ToolResult(call_id, parts),), item.path)


_ROLES: Mapping[str, Callable[[Object, _LegacyCalls], Message]] = {
    "system": _system,
    "developer": _system,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
    "function": _function,
}


def _call(item: Object) -> ToolCall:
    kind = item.text("type") or "function"
    ident = item.need_text("id")
    if kind == "custom":
        custom = item.child("custom")
        if custom is None:
            raise item.missing("custom")
        return ToolCall(ident, custom.need_text("name"), custom.text("input") or "", custom=True)
    if kind != "function":
        raise invalid(f"{item.at('type')} must be function or custom", item.at("type"))
    function = item.child("function")
    if function is None:
        raise item.missing("function")
    return ToolCall(ident, function.need_text("name"), _arguments(function))


def _arguments(function: Object) -> str:
    """The arguments as JSON text; some clients send the object itself."""
    value = function.raw.get("arguments")
    if type(value) is dict:
        return encode_json(value).decode()
    return function.text("arguments") or "{}"


def _contents(item: Object, *, needed: bool) -> tuple[Part, ...]:
    value = item.raw.get("content")
    if value is None:
        if needed:
            raise item.missing("content")
        return ()
    if type(value) is str:
        return (Text(value),)
    if type(value) is not list:
        raise item.wrong("content", "a string or an array of parts", value)
    return tuple(_part(part) for part in item.objects("content"))


def _part(item: Object) -> Part:
    kind = item.need_text("type")
    read = _PARTS.get(kind)
    if read is None:
        raise invalid(f"{item.at('type')} must be one of {', '.join(_PARTS)}", item.at("type"))
    return read(item)


def _text(item: Object) -> Part:
    return Text(item.need_text("text"))


def _refusal(item: Object) -> Part:
    return Text(item.need_text("refusal"))


def _thinking(item: Object) -> Part:
    return Thinking(item.text("thinking") or item.text("text") or "")


def _image(item: Object) -> Part:
    if type(item.raw.get("image_url")) is str:
        return picture(item, "image_url", item.text("detail"))
    holder = item.child("image_url")
    if holder is None:
        raise item.missing("image_url")
    return picture(holder, "url", holder.text("detail"))


def _file(item: Object) -> Part:
    holder = item.child("file")
    if holder is None:
        raise item.missing("file")
    return document(holder)


_PARTS: Mapping[str, Callable[[Object], Part]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "thinking": _thinking,
    "reasoning": _thinking,
    "image_url": _image,
    "input_image": _image,
    "input_audio": sound,
    "file": _file,
}
