"""The forms in which a call may come as JSON, and what every form comes to: drafts.

A JSON object with `tool_calls`, an array of calls, or one call; a call has a name and `arguments`,
`parameters` or `input`, itself or under `function`. Only calls of offered tools count, and one that is
none makes the whole value none: it is somebody's data.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.canonical.request import Tool
from grok2api.tools.arguments import compact
from grok2api.tools.mend import free_text, mend
from grok2api.tools.offers import Offers

_LISTS = ("tool_calls", "function_calls", "calls")
_SINGLES = ("function", "function_call", "tool_call")
_NAMES = ("name", "tool_name", "tool", "function_name")
_ARGUMENTS = ("arguments", "parameters", "input", "args", "tool_input", "params")
_COMPANIONS = ("id", "type", "index", "call_id")
_FIRST_KEYS = frozenset((*_LISTS, *_SINGLES, *_NAMES, *_ARGUMENTS, *_COMPANIONS))

_BEGINNING = re.compile(r"(?:\[\s{0,16})?\{\s{0,16}[\"']([^\"']*)([\"']?)")
_BEGINNING_SO_FAR = re.compile(r"(?:\[\s{0,16})?(?:\{\s{0,16})?")


class Draft(msgspec.Struct, frozen=True):
    """A call that was read. `arguments` is JSON text, or free text for a custom tool; None: it cannot be mended."""

    tool: Tool
    arguments: str | None


def may_be_calls(text: str, at: int = 0) -> bool | None:
    """Whether JSON that begins like this at `at` can be calls; None when its first key is not known yet."""
    match = _BEGINNING.match(text, at)
    if match is None:
        return None if _BEGINNING_SO_FAR.fullmatch(text, at) else False
    key, closed = match.groups()
    if closed:
        return key in _FIRST_KEYS
    return None if any(name.startswith(key) for name in _FIRST_KEYS) else False


def calls_in(text: str, offers: Offers, *, marked: bool = False) -> list[Draft] | None:
    """The calls that a whole JSON value holds; None when it is not calls, or not of offered tools.

    marked: what stands around the value says that it is calls; a name without arguments is one then.
    """
    written = compact(text)
    if written is None:
        return None
    if written[0] == "[":
        return _each(_items(written), offers, marked)
    members = _members(written)
    if members is None:
        return None
    listed = next((members[key] for key in _LISTS if key in members), None)
    if listed is not None:
        return _each(_items(listed), offers, True)
    return _each([members], offers, marked)


def with_parameters(tool: Tool, values: Mapping[str, str]) -> str:
    """The arguments that were given one by one as text; what the schema calls a string is not read as JSON."""
    if tool.custom:
        return free_text("\n".join(values.values()))
    types = _types(tool)
    read = {name: value if types.get(name) == "string" else _read(value) for name, value in values.items()}
    return json.dumps(read, ensure_ascii=False, separators=(",", ":"))


def input_of(arguments: str) -> str | None:
    """The free text of a custom tool's call that came as JSON: its one member `input`, or the string it is."""
    try:
        value = json.loads(arguments, strict=False)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    return value if isinstance(value, str) else None


def _each(entries: list[Any] | None, offers: Offers, marked: bool) -> list[Draft] | None:
    """Drafts of all entries, or nothing: one that is no call shows that the value is no list of calls."""
    drafts = []
    for entry in entries or ():
        members = entry if isinstance(entry, dict) else _members(entry)
        draft = None if members is None else _draft(members, offers, marked)
        if draft is None:
            return None
        drafts.append(draft)
    return drafts or None


def _draft(members: dict[str, msgspec.Raw], offers: Offers, marked: bool) -> Draft | None:
    for key in _SINGLES:
        inner = _members(members[key]) if key in members else None
        if inner is not None:
            return _draft(inner, offers, marked)
    name = next((text for key in _NAMES if key in members and (text := _text(members[key])) is not None), None)
    given = next((members[key] for key in _ARGUMENTS if key in members), None)
    tool = offers.find(name.strip()) if name is not None else None
    if tool is None or (given is None and not marked):
        return None
    written = "" if given is None else str(bytes(given), "utf-8")
    return Draft(tool, input_of(written) if tool.custom else mend("" if written == "null" else written))


def _members(raw: "str | msgspec.Raw") -> dict[str, msgspec.Raw] | None:
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return None


def _items(raw: "str | msgspec.Raw") -> list[msgspec.Raw] | None:
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return None


def _text(raw: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError:
        return None


def _types(tool: Tool) -> dict[str, Any]:
    properties = (tool.schema or {}).get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {name: rule.get("type") for name, rule in properties.items() if isinstance(rule, Mapping)}


def _read(value: str) -> Any:
    try:
        return msgspec.json.decode(value.strip())
    except (msgspec.DecodeError, RecursionError):
        return value
