"""The tools of a Messages request and which of them may or must be called.

A tool with a schema is the client's. A typed tool is Anthropic's invention: those that the client runs
(bash, the text editor, memory, the computer) become ordinary tools; those that a server runs become
`HostedTool`s, and the upstream says what it can do with them.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import HostedTool, Tool, ToolChoice
from grok2api.dialects.anthropic_messages import mcp
from grok2api.dialects.anthropic_messages.loading import inline, shown
from grok2api.dialects.anthropic_messages.typed_tools import client_tool, stand_in
from grok2api.dialects.declared import bounded, distinct, hosted, schema, too_many, tool_name
from grok2api.dialects.reading import Object

#: Anthropic allows longer names than OpenAI, and MCP clients use them.
_LONGEST_NAME = 128
#: Deferred tools cost nothing, so there may be many more than are shown.
_MOST = 4096
#: Members of a typed tool that say nothing about what it does.
_NAMING = ("name", "defer_loading")


class Tools(msgspec.Struct, frozen=True):
    """What a request declares, and what must be called of it; `parallel`: whether several calls may come at once."""

    mine: tuple[Tool, ...]
    hosted: tuple[HostedTool, ...]
    choice: ToolChoice
    parallel: bool | None


def read_tools(body: Object) -> Tools:
    """The tools that the client runs, those that the upstream shall run, and the choice among them."""
    bounded(body, most=_MOST)
    mine: list[tuple[Tool, str]] = []
    named: dict[str, HostedTool] = {}
    theirs: list[HostedTool] = []
    for item in _declared(body):
        kind = item.text("type") or "custom"
        known = client_tool(kind, item.raw)
        if known is not None and not item.has("input_schema"):
            mine.append((Tool(tool_name(item, _LONGEST_NAME), known.description, known.schema), item.at("name")))
        elif kind == "custom" or item.has("input_schema"):
            mine.append((_tool(item), item.at("name")))
        elif kind != mcp.TOOLSET:
            theirs.append(_hosted(kind, item.raw))
            named[str(item.raw.get("name"))] = theirs[-1]
    distinct(mine)
    theirs += mcp.servers(body)
    tools = tuple(tool for tool, _ in mine)
    choice, parallel = _choice(body, tools, named, bool(theirs))
    tools = shown(tools, theirs, body, choice.name)
    too_many(sum(not tool.deferred for tool in tools), "tools")
    return Tools(tools, tuple(theirs), choice, parallel)


def _declared(body: Object) -> Iterator[Object]:
    """The tools, and those that are defined in the middle of the conversation unless they are known already."""
    known = set()
    for item in chain(body.objects("tools"), inline(body)):
        name = str(item.raw.get("name"))
        if name not in known or item.path.startswith("tools."):
            known.add(name)
            yield item


def _hosted(kind: str, declared: Mapping[str, Any]) -> HostedTool:
    ours = stand_in(kind)
    if ours is None:
        return hosted(kind[:64], declared, _NAMING)
    # a search's settings mean the same to both; a sandbox's are about Anthropic's own
    settings = declared if ours == "web_search" else {}
    return msgspec.structs.replace(hosted(ours, settings, _NAMING), spelled=f"tools.{kind[:64]}")


def _tool(item: Object) -> Tool:
    return Tool(
        name=tool_name(item, _LONGEST_NAME),
        description=item.text("description") or "",
        schema=schema(item, "input_schema"),
        strict=item.flag("strict"),
        deferred=item.flag("defer_loading") is True,
    )


_MODES = {"auto": "auto", "any": "required", "none": "none", "tool": "named"}


def _choice(
    body: Object, tools: tuple[Tool, ...], named: Mapping[str, HostedTool], any_hosted: bool
) -> tuple[ToolChoice, bool | None]:
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
    if name in named:
        return ToolChoice(hosted=named[name].kind, path=item.at("name")), parallel
    raise invalid(f"{item.at('name')} names {name[:128]!r}, which is not among the tools", item.at("name"))
