"""The tools of a Messages request and which of them may or must be called.

A tool with a schema is the client's. A typed tool is Anthropic's invention: those that the client runs
(bash, the text editor, memory) become ordinary tools with the schema that the model would know by heart;
those that a server runs become `HostedTool`s, and the upstream says what it can do with them.
"""

from collections.abc import Mapping
from typing import Any

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import HostedTool, Tool, ToolChoice
from grok2api.dialects.declared import bounded, distinct, hosted, schema, tool_name
from grok2api.dialects.reading import Object

#: Anthropic allows longer names than OpenAI, and MCP clients use them.
_LONGEST_NAME = 128


_TEXT: Mapping[str, Any] = {"type": "string"}
_NUMBER: Mapping[str, Any] = {"type": "integer"}
_FLAG: Mapping[str, Any] = {"type": "boolean"}
_RANGE: Mapping[str, Any] = {"type": "array", "items": _NUMBER}


def _typed(description: str, required: tuple[str, ...], **takes: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    return description, {"type": "object", "properties": takes, "required": list(required)}


#: Client tools that are declared by type alone: what they do and what they take (Anthropic's tool reference).
_CLIENT_TYPES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "bash_": _typed(
        "Run a command in a persistent bash session; restart begins a new one.",
        (),
        command=_TEXT,
        restart=_FLAG,
    ),
    "text_editor_": _typed(
        "View, create and edit files. command is view, create, str_replace or insert.",
        ("command", "path"),
        command=_TEXT,
        path=_TEXT,
        file_text=_TEXT,
        old_str=_TEXT,
        new_str=_TEXT,
        insert_line=_NUMBER,
        insert_text=_TEXT,
        view_range=_RANGE,
    ),
    "memory_": _typed(
        "Keep notes in files under /memories. command is view, create, str_replace, insert, delete or rename.",
        ("command",),
        command=_TEXT,
        path=_TEXT,
        file_text=_TEXT,
        old_str=_TEXT,
        new_str=_TEXT,
        insert_line=_NUMBER,
        insert_text=_TEXT,
        old_path=_TEXT,
        new_path=_TEXT,
        view_range=_RANGE,
    ),
}


def read_tools(body: Object) -> tuple[tuple[Tool, ...], tuple[HostedTool, ...]]:
    """The tools that the client runs, and those that the upstream shall run."""
    bounded(body)
    mine: list[tuple[Tool, str]] = []
    theirs: list[HostedTool] = []
    for item in body.objects("tools"):
        kind = item.text("type") or "custom"
        known = next((row for prefix, row in _CLIENT_TYPES.items() if kind.startswith(prefix)), None)
        if known is not None and not item.has("input_schema"):
            mine.append((Tool(tool_name(item, _LONGEST_NAME), known[0], known[1]), item.at("name")))
        elif kind == "custom" or item.has("input_schema"):
            mine.append((_tool(item), item.at("name")))
        else:
            theirs.append(hosted(kind[:64], item.raw, leave_out=("name", "defer_loading")))
    distinct(mine)
    return tuple(tool for tool, _ in mine), tuple(theirs)


def _tool(item: Object) -> Tool:
    return Tool(
        name=tool_name(item, _LONGEST_NAME),
        description=item.text("description") or "",
        schema=schema(item, "input_schema"),
        strict=item.flag("strict"),
    )


_MODES = {"auto": "auto", "any": "required", "none": "none", "tool": "named"}


def read_choice(body: Object, tools: tuple[Tool, ...], any_hosted: bool) -> tuple[ToolChoice, bool | None]:
    """What must be called, and whether several calls may come at once."""
    item = body.child("tool_choice")
    if item is None:
        return ToolChoice(), None
    kind = item.choice("type", tuple(_MODES))
    if kind is None:
        raise item.missing("type")
    single = item.flag("disable_parallel_tool_use")
    parallel = None if single is None else not single
    if kind != "tool":
        if kind == "any" and not tools and not any_hosted:
            raise invalid("tool_choice demands a call, but no tools are given", "tool_choice")
        return ToolChoice(_MODES[kind]), parallel  # type: ignore[arg-type]
    name = item.need_text("name")
    if any(tool.name == name for tool in tools):
        return ToolChoice("named", name), parallel
    if any_hosted:
        return ToolChoice(), parallel  # a server's tool is run by the upstream when it sees fit
    raise invalid(f"{item.at('name')} names {name[:128]!r}, which is not among the tools", item.at("name"))
