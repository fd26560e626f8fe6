"""What dialects have in common when they read the tools and limits that a client declares.

Promises the same bounds and words of complaint everywhere; the shapes differ and stay with each dialect.
"""

import re
from collections.abc import Collection, Iterable, Mapping
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

#: Headers in which clients name their conversation: Claude Code, Codex in its several spellings, opencode, xAI's own.
_SESSION_HEADERS = (
    "x-claude-code-session-id",
    "session_id",
    "session-id",
    "thread-id",
    "conversation_id",
    "x-session-id",
    "x-session-affinity",
    "x-grok-conv-id",
)

#: Parameters that belong to one API or to other people's servers, and are sent to another all the same.
_FOREIGN = (
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "min_p",
    "n",
    "presence_penalty",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "seed",
    "stop",
    "stop_sequences",
    "top_k",
)

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


def session(headers: Mapping[str, str]) -> str | None:
    """What the client calls its conversation, where a header says so."""
    return next((headers[name] for name in _SESSION_HEADERS if headers.get(name)), None)


def misplaced(body: Object, own: Collection[str]) -> dict[str, str]:
    """Parameters of other APIs that ask for something here, to be reported: they have no effect (H1).

    own: those of them that this API has. The names on the left are canonical parameters of nobody.
    """
    asked = {name: body.raw.get(name) for name in _FOREIGN if name not in own}
    return {f"misplaced.{name}": name for name, value in asked.items() if not _asks_nothing(name, value)}


def _asks_nothing(name: str, value: object) -> bool:
    return value is None or value is False or value in ("", [], {}) or (name == "n" and value == 1)
