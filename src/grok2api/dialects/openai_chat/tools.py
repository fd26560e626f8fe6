"""The tools of a chat completion request and which of them may or must be called.

Reads `tools` and `tool_choice` in every form in use, and the older `functions` and `function_call`.
A type that the client does not run itself becomes a `HostedTool`; the upstream says what it can do.
"""

from collections.abc import Mapping
from typing import Any

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import HostedTool, Tool, ToolChoice
from grok2api.dialects.declared import bounded, distinct, hosted, schema, tool_name
from grok2api.dialects.reading import Object

_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


def read_tools(body: Object) -> tuple[tuple[Tool, ...], tuple[HostedTool, ...]]:
    """The tools that the client runs, and those that the upstream shall run."""
    bounded(body, "tools")
    bounded(body, "functions")
    mine: list[tuple[Tool, str]] = []
    theirs: list[HostedTool] = []
    for item in body.objects("tools"):
        kind = item.text("type") or ("function" if item.has("function") else None)
        if kind is None:
            raise item.missing("type")
        if kind in ("function", "custom"):
            holder = item.child(kind) or item
            mine.append(((_function if kind == "function" else _custom)(holder), holder.at("name")))
        else:
            theirs.append(hosted(kind[:64], item.raw))
    mine.extend((_function(item), item.at("name")) for item in body.objects("functions"))
    distinct(mine)
    if body.has("web_search_options") and not any(tool.kind == "web_search" for tool in theirs):
        theirs.append(_search(body))
    return tuple(tool for tool, _ in mine), tuple(theirs)


def _search(body: Object) -> HostedTool:
    options = body.child("web_search_options")
    return hosted("web_search", options.raw if options is not None else {})


def _function(item: Object) -> Tool:
    return Tool(
        name=tool_name(item),
        description=item.text("description") or "",
        schema=schema(item, "parameters"),
        strict=item.flag("strict"),
    )


def _custom(item: Object) -> Tool:
    shape = item.child("format")
    grammar: Mapping[str, Any] | None = None
    if shape is not None and shape.text("type") == "grammar":
        inner = shape.child("grammar") or shape
        grammar = {"syntax": inner.need_text("syntax"), "definition": inner.need_text("definition")}
    return Tool(name=tool_name(item), description=item.text("description") or "", custom=True, grammar=grammar)


def read_choice(body: Object, tools: tuple[Tool, ...], any_hosted: bool) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """What must be called, and the tools that may be."""
    key = "tool_choice" if body.has("tool_choice") else "function_call"
    value = body.raw.get(key)
    if value is None:
        return ToolChoice(), tools
    if type(value) is str:
        choice = _mode(value, key)
    elif type(value) is dict:
        choice, tools = _chosen(Object(value, key), tools)
    else:
        raise body.wrong(key, "a string or an object", value)
    if choice.demands_call and not tools and not any_hosted:
        raise invalid(f"{key} demands a call, but no tools are given", key)
    return choice, tools


def _mode(value: str, path: str) -> ToolChoice:
    mode = _MODES.get(value)
    if mode is None:
        raise invalid(f"{path} must be auto, none, required, or an object that names a tool", path)
    return ToolChoice(mode)  # type: ignore[arg-type]


def _chosen(item: Object, tools: tuple[Tool, ...]) -> tuple[ToolChoice, tuple[Tool, ...]]:
    kind = item.text("type") or "function"
    if kind in _MODES:
        return _mode(kind, item.path), tools
    if kind == "allowed_tools":
        return _allowed(item.child("allowed_tools") or item, tools)
    if kind not in ("function", "custom"):
        raise invalid(f"{item.at('type')} must be function, custom or allowed_tools", item.at("type"))
    return ToolChoice("named", _known_name(item.child(kind) or item, tools)), tools


def _allowed(item: Object, tools: tuple[Tool, ...]) -> tuple[ToolChoice, tuple[Tool, ...]]:
    names = set()
    for entry in item.objects("tools"):
        kind = entry.text("type") or "function"
        if kind in ("function", "custom"):
            names.add(_known_name(entry.child(kind) or entry, tools))
    mode = item.choice("mode", ("auto", "required")) or "auto"
    return _mode(mode, item.at("mode")), tuple(tool for tool in tools if tool.name in names)


def _known_name(holder: Object, tools: tuple[Tool, ...]) -> str:
    name = holder.need_text("name")
    if all(tool.name != name for tool in tools):
        path = holder.at("name")
        raise invalid(f"{path} names {name[:128]!r}, which is not among the tools", path)
    return name
