"""Which of the declared tools the model is shown: deferred ones only once the conversation has brought them up.

Claude Code declares most tools with `defer_loading` and a client tool that searches among them; its result names
what was found (`tool_reference`). Until then a deferred tool costs nothing. It stays callable: what the model calls by
a name that it was never shown is still the client's tool.

All are shown when nothing could bring them up: when the search is a server's (`tool_search_tool_*`), which no upstream
of ours has, and when there is no other tool. `tool_addition` and `tool_removal` blocks show and hide tools the same
way.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec

from grok2api.canonical.request import HostedTool, Tool
from grok2api.dialects.reading import Object

_SERVER_SEARCH = "tool_search_tool_"


def shown(tools: Iterable[Tool], hosted: Iterable[HostedTool], top: Object, demanded: str | None) -> tuple[Tool, ...]:
    """The tools, `deferred` only where the model is really not to see them yet. `demanded`: the tool that must be."""
    every = tuple(tools)
    brought, removed = _brought_up(top)
    searched_elsewhere = any(tool.kind.startswith(_SERVER_SEARCH) for tool in hosted)
    all_deferred = all(tool.deferred for tool in every)

    def hides(tool: Tool) -> bool:
        if tool.name == demanded or tool.name in brought:
            return False
        return tool.name in removed or (tool.deferred and not searched_elsewhere and not all_deferred)

    return tuple(msgspec.structs.replace(tool, deferred=hides(tool)) for tool in every)


def inline(top: Object) -> Iterator[Object]:
    """Tools that a `tool_addition` in the conversation defines."""
    turns = (turn for turn in top.objects("messages") if any(map(_adds, _dicts(turn.raw.get("content")))))
    for block in chain.from_iterable(turn.objects("content") for turn in turns):
        tool = block.child("tool") if _adds(block.raw) else None
        definition = tool.child("definition") if tool is not None else None
        if definition is not None:
            yield definition


def _adds(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "tool_addition"


def _brought_up(top: Object) -> tuple[set[str], set[str]]:
    """The names that were found, called or added, and those that were removed, by what was said of them last."""
    state: dict[str, bool] = {}
    for turn in top.objects("messages"):
        for block in _dicts(turn.raw.get("content")):
            names = _NAMES.get(str(block.get("type")))
            if names is not None:
                state.update(names(block))
    return {name for name, is_there in state.items() if is_there}, {name for name, on in state.items() if not on}


def _dicts(value: Any) -> Iterator[Mapping[str, Any]]:
    return (item for item in value if type(item) is dict) if type(value) is list else iter(())


def _named(holder: Mapping[str, Any], key: str, is_there: bool = True) -> Iterator[tuple[str, bool]]:
    name = holder.get(key)
    if type(name) is str:
        yield name, is_there


def _found(block: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    for item in _dicts(block.get("content")):
        if item.get("type") == "tool_reference":
            yield from _named(item, "tool_name")


def _found_elsewhere(block: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    content = block.get("content")
    for item in _dicts(content.get("tool_references") if type(content) is dict else None):
        yield from _named(item, "tool_name")


def _changed(block: Mapping[str, Any], is_there: bool) -> Iterator[tuple[str, bool]]:
    tool = block.get("tool")
    if type(tool) is not dict:
        return
    definition = tool.get("definition")
    yield from _named(definition if type(definition) is dict else tool, "name", is_there)


_NAMES: Mapping[str, Callable[[Mapping[str, Any]], Iterator[tuple[str, bool]]]] = {
    "tool_use": lambda block: _named(block, "name"),
    "tool_result": _found,
    "tool_search_tool_result": _found_elsewhere,
    "tool_addition": lambda block: _changed(block, True),
    "tool_removal": lambda block: _changed(block, False),
}
