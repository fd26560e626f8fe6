"""Reasoning as grok.com tells it: whole lines of several agents, mixed, and partly repeated.

Each agent's turn gets a line that names it, a leading dash goes, a repeat of the same agent's same words is dropped,
and a tool that the upstream runs is one line. Reasoning that comes in pieces of words (the older stream without
agents and steps, and the WebSocket) passes as it stands.
"""

import re
from typing import Any

from grok2api.canonical.events import Fact, Thought

_REMEMBERED = 4096
_UPPER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_XML_NAME = re.compile(r"<xai:tool_name>\s*(?:<!\[CDATA\[)?([^<\]]*)")
_XML_ARGS = re.compile(r"<xai:tool_args>\s*(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?\s*</xai:tool_args>", re.DOTALL)
_XML_ID = re.compile(r"<xai:tool_usage_card_id>([^<]*)")
_TAGS = re.compile(r"<grok:render\b.*?</grok:render>", re.DOTALL)

#: Tool -> the argument that tells what it does.
_ARGUMENTS = {
    "web_search": "query",
    "x_search": "query",
    "x_keyword_search": "query",
    "x_semantic_search": "query",
    "browse_page": "url",
    "search_images": "imageDescription",
    "image_search": "imageDescription",
    "chatroom_send": "message",
}


class Tool:
    """A tool that the upstream runs, as its card tells it."""

    __slots__ = ("argument", "card_id", "name")

    def __init__(self, card_id: str, name: str, argument: str) -> None:
        self.card_id = card_id
        self.name = name
        self.argument = argument


class Reasoning:
    """The reasoning of one answer."""

    __slots__ = ("_at_line_start", "_rollout", "_told")

    def __init__(self) -> None:
        self._rollout: str | None = None
        self._at_line_start = True
        self._told: dict[int, None] = {}

    def line(self, text: str, rollout: str, out: list[Fact]) -> None:
        """A whole line of `rollout`'s."""
        line = _TAGS.sub("", text).removeprefix("- ").rstrip("\n")
        if line.strip() and self._is_new(rollout, line):
            self._turn(rollout, out)
            out.append(Thought(f"{line}\n" if self._at_line_start else f"\n{line}\n"))
            self._at_line_start = True

    def piece(self, text: str, out: list[Fact]) -> None:
        """A piece of running words."""
        if text:
            out.append(Thought(text))
            self._at_line_start = text.endswith("\n")

    def tool(self, tool: Tool, rollout: str, out: list[Fact]) -> None:
        """A tool runs."""
        who = f"[{rollout}] " if rollout else ""
        what = f": {' '.join(tool.argument.split())}" if tool.argument.strip() else ""
        line = f"{who}{tool.name}{what}"
        if self._is_new("", line):
            out.append(Thought(f"{line}\n" if self._at_line_start else f"\n{line}\n"))
            self._at_line_start = True

    def _turn(self, rollout: str, out: list[Fact]) -> None:
        if rollout and self._rollout and rollout != self._rollout:
            out.append(Thought(f"[{rollout}]\n" if self._at_line_start else f"\n[{rollout}]\n"))
            self._at_line_start = True
        self._rollout = rollout or self._rollout

    def _is_new(self, rollout: str, line: str) -> bool:
        key = hash((rollout, line))
        if key in self._told:
            return False
        self._told[key] = None
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]
        return True


def read_tool(card: Any, card_id: str, xml: str, decode: Any) -> Tool | None:
    """The tool in a `toolUsageCard`, or in its XML when there is only that. `decode` reads a JSON text."""
    if isinstance(card, dict):
        for key, value in card.items():
            if isinstance(value, dict):
                name = _UPPER.sub("_", key).lower()
                own = card.get("toolUsageCardId", card.get("tool_usage_card_id"))
                args = value.get("args")
                return Tool(own if isinstance(own, str) else card_id, name, _argument(name, args))
    found = _XML_NAME.search(xml)
    if found is None:
        return None
    name, args, ident = found.group(1).strip(), _XML_ARGS.search(xml), _XML_ID.search(xml)
    own = ident.group(1).strip() if ident else ""
    return Tool(card_id or own, name, _argument(name, decode(args.group(1)) if args else None))


def _argument(name: str, args: Any) -> str:
    if not isinstance(args, dict) or name not in _ARGUMENTS:
        return ""
    key = _ARGUMENTS[name]
    value = args.get(key, args.get(_UPPER.sub("_", key).lower()))
    return value if isinstance(value, str) else ""
