"""The tools of a request in the Responses wire, and the way back from a call to the client's own tool.

Pure. The wire knows functions and server tools only. A custom tool goes out as a function with one string, `input`;
a namespace is left away and restored, and where two names would meet the namespace becomes part of the name. A server
tool goes out when the upstream has it; which are not sent is told by the client's names (H1).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import HostedTool, Request, Tool, ToolChoice

CUSTOM_FIELD = "input"
_LONGEST_NAME = 64

#: Server tools that may be sent on, and the settings that the upstream documents; `None`: whatever was declared.
_HOSTED: Mapping[str, frozenset[str] | None] = {
    "web_search": frozenset({"allowed_domains", "excluded_domains", "enable_image_understanding"}),
    "x_search": frozenset(
        {
            "allowed_x_handles",
            "excluded_x_handles",
            "from_date",
            "to_date",
            "enable_image_understanding",
            "enable_video_understanding",
        }
    ),
    "mcp": None,
    "shell": None,
    "image_generation": None,
    "collections_search": None,
    "file_search": None,
    "code_execution": None,
    "code_interpreter": None,
}
#: How many entries the upstream takes in a list; a longer one would be refused, and is left away.
_MOST = {"allowed_domains": 5, "excluded_domains": 5, "allowed_x_handles": 10, "excluded_x_handles": 10}
#: Other spellings of settings.
_SPELLED = {"blocked_domains": "excluded_domains"}
#: A hidden tool that image understanding brings along; a function of that name would be its duplicate.
_HIDDEN_TOOL, _BRINGS_HIDDEN = "view_image", "enable_image_understanding"

_ARGUMENTS_OF_CUSTOM = {
    "type": "object",
    "properties": {CUSTOM_FIELD: {"type": "string", "description": "The whole input of the tool, as plain text."}},
    "required": [CUSTOM_FIELD],
    "additionalProperties": False,
}
_NO_ARGUMENTS = {"type": "object", "properties": {}}


class ToolNames:
    """The wire's name of each of the client's tools, and back."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        self._names: dict[tuple[str | None, str], str] = {}
        tools = tuple(tools)
        shared = _shared(tools)
        for tool in tools:
            key = (tool.namespace, tool.name)
            if key not in self._names:
                name = self._free(_wanted(tool, tool.name in shared))
                self._tools[name], self._names[key] = tool, name

    def declared(self) -> Iterable[tuple[str, Tool]]:
        """The wire's name and the tool, for each tool, in the client's order."""
        return self._tools.items()

    def tool(self, name: str) -> Tool | None:
        """The client's tool that the wire calls `name`."""
        return self._tools.get(name)

    def name(self, name: str, namespace: str | None = None) -> str:
        """What the wire calls the client's tool; its own name when it is not declared any more."""
        known = self._names.get((namespace, name))
        if known is None:
            known = next((wire for (_, own), wire in self._names.items() if own == name), name)
        return known

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self._tools:
            number += 1
            free = f"{name[: _LONGEST_NAME - 4]}_{number}"
        return free


def _shared(tools: Iterable[Tool]) -> set[str]:
    seen: set[str] = set()
    shared: set[str] = set()
    for name in {(tool.namespace, tool.name) for tool in tools}:
        (shared if name[1] in seen else seen).add(name[1])
    return shared


def _wanted(tool: Tool, is_shared: bool) -> str:
    return f"{tool.namespace}__{tool.name}"[-_LONGEST_NAME:] if is_shared and tool.namespace else tool.name


class Hosted(msgspec.Struct, frozen=True):
    """Server tools as the wire has them, and what of the client's was left away, in its names."""

    tools: tuple[Mapping[str, Any], ...]
    ignored: tuple[str, ...]


def hosted_tools(declared: Iterable[HostedTool], names: ToolNames) -> Hosted:
    """The server tools to send. One of each kind (an MCP server each), none with the name of a client's function.

    Of two of a kind the one that is declared as such goes out, not the one that it stands in for.
    """
    tools: dict[str, Mapping[str, Any]] = {}
    ignored: list[str] = []
    for tool in sorted(declared, key=lambda tool: bool(tool.spelled)):
        kind = _kind(tool.kind)
        allowed = _HOSTED.get(kind, frozenset())
        key = f"{kind}:{tool.settings.get('server_label')}" if kind == "mcp" else kind
        if kind not in _HOSTED or names.tool(kind) is not None:
            ignored.append(tool.reported)
            continue
        settings = dict(tool.settings) if allowed is None else _settings(tool, allowed, ignored)
        if settings.get(_BRINGS_HIDDEN) and names.tool(_HIDDEN_TOOL) is not None:
            settings[_BRINGS_HIDDEN] = False
            ignored.append(f"{tool.reported}.{_BRINGS_HIDDEN}")
        sent = tools.setdefault(key, {"type": kind, **settings})
        ignored.extend(f"{tool.reported}.{name}" for name, value in settings.items() if sent.get(name) != value)
    return Hosted(tuple(tools.values()), tuple(ignored))


def _kind(kind: str) -> str:
    """Dated and preview spellings of a search are that search."""
    return next((plain for plain in ("web_search", "x_search") if kind.startswith(plain)), kind)


def _settings(tool: HostedTool, allowed: frozenset[str], ignored: list[str]) -> dict[str, Any]:
    filters = tool.settings.get("filters")
    flat = {key: value for key, value in tool.settings.items() if key != "filters"}
    if isinstance(filters, Mapping):
        flat.update(filters)
    settings: dict[str, Any] = {}
    for key, value in flat.items():
        name = _SPELLED.get(key, key)
        if name not in allowed or (isinstance(value, list) and len(value) > _MOST.get(name, len(value))):
            ignored.append(f"{tool.reported}.{key}")
        else:
            settings[name] = value
    return settings


def functions(names: ToolNames) -> list[dict[str, Any]]:
    """The client's tools, flat, without those that are deferred."""
    shown = ((name, tool) for name, tool in names.declared() if not tool.deferred)
    return [_custom(name, tool) if tool.custom else _function(name, tool) for name, tool in shown]


def _function(name: str, tool: Tool) -> dict[str, Any]:
    wire: dict[str, Any] = {"type": "function", "name": name, "parameters": tool.schema or _NO_ARGUMENTS}
    if tool.description:
        wire["description"] = tool.description
    if tool.strict is not None:
        wire["strict"] = tool.strict
    return wire


def _custom(name: str, tool: Tool) -> dict[str, Any]:
    words = [tool.description] if tool.description else []
    if tool.grammar:
        syntax, definition = tool.grammar.get("syntax", ""), tool.grammar.get("definition", "")
        words.append(f"`{CUSTOM_FIELD}` must follow this grammar ({syntax}):\n{definition}")
    return {"type": "function", "name": name, "description": "\n\n".join(words), "parameters": _ARGUMENTS_OF_CUSTOM}


def tool_choice(request: Request, names: ToolNames, any_tool: bool) -> str | dict[str, str] | None:
    """The wire's `tool_choice`; `None` when there is no tool to choose."""
    choice: ToolChoice = request.tool_choice
    if not any_tool:
        return None
    if choice.mode == "named" and choice.name is not None:
        return {"type": "function", "name": names.name(choice.name)}
    return "required" if demands_hosted(request, names) else choice.mode


def demands_hosted(request: Request, names: ToolNames) -> bool:
    """Whether the server tool that the client demands can be demanded: only as the one tool that there is.

    Raises `Refusal` when the upstream has no such tool.
    """
    choice = request.tool_choice
    if not choice.hosted:
        return False
    kinds = [tool["type"] for tool in hosted_tools(request.hosted_tools, names).tools]
    if choice.hosted not in kinds:
        raise invalid(f"{choice.path} demands a tool that this model does not have", choice.path)
    return kinds == [choice.hosted] and not request.tools
