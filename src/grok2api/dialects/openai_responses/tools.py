"""The tools of a Responses request, wherever they are declared, and which of them may or must be called.

Functions and custom tools stand in `tools`, inside a `namespace` tool, or in an input item that adds tools.
OpenAI's own tools that run at the client are functions to the model (`client_tools`), unless a function has the name.
Every other type is a `HostedTool`, known or not: the upstream says what it can do, and nothing is refused here.
Tools marked `defer_loading` are offered at once, since no upstream searches tools for us.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.canonical.problem import Refusal, invalid
from grok2api.canonical.request import HostedTool, Tool, ToolChoice
from grok2api.dialects.declared import MAX_TOOLS, distinct, hosted, schema, tool_name
from grok2api.dialects.openai_responses.client_tools import BUILTINS, offered
from grok2api.dialects.reading import Object

_MODES = ("auto", "none", "required")
_MINE = ("function", "custom")


class Declared:
    """The tools found so far. A tool that an input item adds again replaces the one of the same name."""

    def __init__(self) -> None:
        self._mine: dict[tuple[str | None, str], Tool] = {}
        self._theirs: dict[str, HostedTool] = {}

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(self._mine.values())

    @property
    def hosted_tools(self) -> tuple[HostedTool, ...]:
        return tuple(self._theirs.values())

    def read(self, holder: Object) -> None:
        """Add what the `tools` of `holder` declare."""
        found: list[tuple[Tool, str]] = []
        builtin: dict[str, Object] = {}
        for item in holder.objects("tools"):
            self._entry(item, found, builtin)
        distinct(found)
        self._mine.update(((tool.namespace, tool.name), tool) for tool, _ in found)
        for kind, item in builtin.items():
            self._builtin(kind, item)
        count = len(self._mine) + len(self._theirs)
        if count > MAX_TOOLS:
            path = holder.at("tools")
            raise invalid(f"{path} brings the request to {count} tools; at most {MAX_TOOLS} are possible", path)

    def _entry(self, item: Object, found: list[tuple[Tool, str]], builtin: dict[str, Object]) -> None:
        kind = item.need_text("type")
        if kind == "namespace":
            group = item.need_text("name", longest=64)
            found.extend(_tool(member, member.need_text("type"), group) for member in item.objects("tools"))
        elif kind in _MINE:
            found.append(_tool(item, kind, None))
        elif kind in BUILTINS:
            builtin[kind] = item
        else:
            self._hosted(kind, item)

    def _builtin(self, kind: str, item: Object) -> None:
        tool = offered(item, kind)
        known = self._mine.get((None, kind))
        if tool is None or (known is not None and not known.builtin):
            self._hosted(kind, item)
        else:
            self._mine[None, kind] = tool

    def _hosted(self, kind: str, item: Object) -> None:
        tool = hosted(kind[:64], item.raw)
        label = tool.settings.get("server_label")
        self._theirs[f"{tool.kind}:{label}" if isinstance(label, str) else tool.kind] = tool


def _tool(item: Object, kind: str, namespace: str | None) -> tuple[Tool, str]:
    if kind not in _MINE:
        raise invalid(f"{item.at('type')} must be one of {', '.join(_MINE)} in a namespace", item.at("type"))
    holder = item.child(kind) or item
    tool = _function(holder, namespace) if kind == "function" else _custom(holder, namespace)
    return tool, holder.at("name")


def _function(item: Object, namespace: str | None) -> Tool:
    return Tool(
        name=tool_name(item),
        description=item.text("description") or "",
        schema=schema(item, "parameters"),
        strict=item.flag("strict"),
        namespace=namespace,
    )


def _custom(item: Object, namespace: str | None) -> Tool:
    shape = item.child("format")
    grammar: Mapping[str, Any] | None = None
    if shape is not None and shape.text("type") == "grammar":
        grammar = {"syntax": shape.need_text("syntax"), "definition": shape.need_text("definition")}
    return Tool(
        name=tool_name(item),
        description=item.text("description") or "",
        custom=True,
        grammar=grammar,
        namespace=namespace,
    )


class Chosen(msgspec.Struct, frozen=True):
    """What must be called and what may be.

    moot: the client demands a tool that only the upstream can decide to use, so the demand has no effect.
    """

    choice: ToolChoice
    tools: tuple[Tool, ...]
    hosted_tools: tuple[HostedTool, ...]
    moot: bool = False


def read_choice(body: Object, declared: Declared) -> Chosen:
    """The `tool_choice` of a request; `auto` when it says none."""
    every = Chosen(ToolChoice(), declared.tools, declared.hosted_tools)
    value = body.raw.get("tool_choice")
    if value is None:
        return every
    if type(value) is str:
        mode = body.choice("tool_choice", _MODES)
        chosen = msgspec.structs.replace(every, choice=ToolChoice(mode))  # type: ignore[arg-type]
    elif type(value) is dict:
        chosen = _object(Object(value, "tool_choice"), every)
    else:
        raise body.wrong("tool_choice", "a string or an object", value)
    if chosen.choice.demands_call and not chosen.tools and not chosen.hosted_tools:
        raise invalid("tool_choice demands a call, but no tools are given", "tool_choice")
    return chosen


def _object(item: Object, every: Chosen) -> Chosen:
    kind = item.need_text("type")
    if kind == "allowed_tools":
        return _allowed(item.child(kind) or item, every)
    if kind in _MODES:
        return msgspec.structs.replace(every, choice=ToolChoice(kind))  # type: ignore[arg-type]
    if any(tool.builtin == kind for tool in every.tools):
        return msgspec.structs.replace(every, choice=ToolChoice("named", kind))
    if kind not in _MINE:
        return msgspec.structs.replace(every, moot=True)
    holder = item.child(kind) or item
    name = holder.need_text("name")
    if all(tool.name != name for tool in every.tools):
        raise _unknown(holder.at("name"), name)
    return msgspec.structs.replace(every, choice=ToolChoice("named", name))


def _allowed(item: Object, every: Chosen) -> Chosen:
    known = {tool.name for tool in every.tools}
    names: set[str] = set()
    kinds: set[str] = set()
    for entry in item.objects("tools"):
        kind = entry.need_text("type")
        if kind not in _MINE:
            kinds.add(hosted(kind, {}).kind)
            names.update(tool.name for tool in every.tools if tool.builtin == kind)
            continue
        holder = entry.child(kind) or entry
        name = holder.need_text("name")
        if name not in known:
            raise _unknown(holder.at("name"), name)
        names.add(name)
    mode = item.choice("mode", ("auto", "required")) or "auto"
    return Chosen(
        ToolChoice(mode),  # type: ignore[arg-type]
        tuple(tool for tool in every.tools if tool.name in names),
        tuple(tool for tool in every.hosted_tools if tool.kind in kinds),
    )


def _unknown(path: str, name: str) -> Refusal:
    return invalid(f"{path} names {name[:128]!r}, which is not among the tools", path)
