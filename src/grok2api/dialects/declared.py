"""What dialects have in common when they read the tools and limits that a client declares.

Promises the same bounds and words of complaint everywhere; the shapes differ and stay with each dialect.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import HostedTool, Tool
from grok2api.dialects.reading import Object

#: Agents with many servers behind them bring hundreds; an upstream that takes fewer says so itself.
MAX_TOOLS = 1024
MAX_STOPS = 16
#: More than any model of ours can write; keeps integers that no upstream can read out.
MAX_OUTPUT = 2**31 - 1
#: Spellings of effort that mean the same to our upstreams.
EFFORTS: Mapping[str, str] = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "xhigh",
}

_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")


def tool_name(holder: Object, longest: int = 64) -> str:
    """The `name` of a tool that a model can be asked to call."""
    name = holder.need_text("name")
    if len(name) > longest or not _NAME.match(name):
        path = holder.at("name")
        raise invalid(f"{path} must be 1 to {longest} letters, digits, '_' or '-'", path)
    return name


def schema(holder: Object, key: str) -> Mapping[str, Any] | None:
    """A JSON schema, which must be an object; `None` when the tool takes no arguments."""
    child = holder.child(key)
    return None if child is None else child.raw


def hosted(kind: str, declared: Mapping[str, Any], leave_out: Iterable[str] = ()) -> HostedTool:
    """A tool that the upstream runs. Dated spellings of the two searches are one kind each."""
    for plain in ("web_search", "x_search"):
        if kind.startswith(plain):
            kind = plain
    skipped = {"type", "cache_control", *leave_out}
    return HostedTool(kind, {key: value for key, value in declared.items() if key not in skipped and value is not None})


def bounded(body: Object, key: str = "tools", most: int = MAX_TOOLS) -> None:
    """At most so many entries."""
    too_many(len(body.array(key) or ()), body.at(key), most)


def too_many(count: int, path: str, most: int = MAX_TOOLS) -> None:
    """Raises `Refusal` for more tools than can be offered."""
    if count > most:
        raise invalid(f"{path} has {count} entries; at most {most} are possible", path)


def distinct(tools: Iterable[tuple[Tool, str]]) -> None:
    """No two tools of one name: a call could not be told apart. Takes tools with the paths of their names."""
    seen: set[tuple[str | None, str]] = set()
    for tool, path in tools:
        key = (tool.namespace, tool.name)
        if key in seen:
            raise invalid(f"{path}: there are two tools named {tool.name!r}", path)
        seen.add(key)


def stops(body: Object, key: str) -> tuple[str, ...]:
    """Stop sequences: a string or an array of strings, none of them empty."""
    value = body.raw.get(key)
    if value is None:
        return ()
    items = [value] if type(value) is str else value
    if type(items) is not list:
        raise body.wrong(key, "a string or an array of strings", value)
    if len(items) > MAX_STOPS:
        raise invalid(f"{body.at(key)} has {len(items)} entries; at most {MAX_STOPS} are possible", body.at(key))
    for index, item in enumerate(items):
        if type(item) is not str or not item:
            path = body.at(key) if items is not value else f"{body.at(key)}.{index}"
            raise invalid(f"{path} must be a string that is not empty", path)
    return tuple(items)


def effort(body: Object, key: str) -> str | None:
    """How hard to think, in our upstreams' words."""
    value = body.choice(key, tuple(EFFORTS))
    return None if value is None else EFFORTS[value]
