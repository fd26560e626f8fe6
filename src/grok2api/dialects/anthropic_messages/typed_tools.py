"""Tools that are declared by a dated type alone: what they are for us (Anthropic's tool reference).

Those that the client runs become ordinary tools, with the schema that the model would know by heart. Those that a
server runs become the upstream's own tool, where one of ours does the same under another name.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

_TEXT: Mapping[str, Any] = {"type": "string"}
_NUMBER: Mapping[str, Any] = {"type": "integer"}
_FLAG: Mapping[str, Any] = {"type": "boolean"}
_PLACE: Mapping[str, Any] = {"type": "array", "items": _NUMBER}


#: What edits of files take, by their command.
_EDITS: Mapping[str, Mapping[str, Any]] = {
    "command": _TEXT,
    "path": _TEXT,
    "file_text": _TEXT,
    "old_str": _TEXT,
    "new_str": _TEXT,
    "insert_line": _NUMBER,
    "insert_text": _TEXT,
    "view_range": _PLACE,
}


class ClientTool(msgspec.Struct, frozen=True):
    """What a tool of the client's does, and what it takes."""

    description: str
    schema: Mapping[str, Any]


def _typed(description: str, required: tuple[str, ...], **takes: Mapping[str, Any]) -> ClientTool:
    return ClientTool(description, {"type": "object", "properties": takes, "required": list(required)})


_CLIENT: Mapping[str, ClientTool] = {
    "bash_": _typed(
        "Run a command in a persistent bash session; restart begins a new one.",
        (),
        command=_TEXT,
        restart=_FLAG,
    ),
    "text_editor_": _typed(
        "View, create and edit files. command is view, create, str_replace or insert.",
        ("command", "path"),
        **_EDITS,
    ),
    "memory_": _typed(
        "Keep notes in files under /memories. command is view, create, str_replace, insert, delete or rename.",
        ("command",),
        **_EDITS,
        old_path=_TEXT,
        new_path=_TEXT,
    ),
    "computer_": _typed(
        "Use a computer through its screen, mouse and keyboard. action is screenshot, left_click, right_click, "
        "middle_click, double_click, triple_click, left_click_drag, mouse_move, cursor_position, scroll, key, "
        "hold_key, type, wait, or another that the screen's owner knows. coordinate is [x, y] in pixels; duration in "
        "seconds.",
        ("action",),
        action=_TEXT,
        coordinate=_PLACE,
        start_coordinate=_PLACE,
        text=_TEXT,
        scroll_direction={"type": "string", "enum": ["up", "down", "left", "right"]},
        scroll_amount=_NUMBER,
        duration={"type": "number"},
        region=_PLACE,
    ),
}
_SCREEN = ("display_width_px", "display_height_px")

#: Server tools whose work is done by a tool of another name. Both upstreams open pages as a part of searching.
_SERVER = (("web_fetch_", "web_search"), ("code_execution_", "code_interpreter"))


def client_tool(kind: str, declared: Mapping[str, Any]) -> ClientTool | None:
    """The tool of that type when clients run it; a screen's size is told to the model."""
    if "_toolset_" in kind:
        return None
    known = next((tool for prefix, tool in _CLIENT.items() if kind.startswith(prefix)), None)
    width, height = (declared.get(name) for name in _SCREEN)
    if known is None or type(width) is not int or type(height) is not int:
        return known
    return msgspec.structs.replace(known, description=f"{known.description} The screen is {width} x {height} pixels.")


def stand_in(kind: str) -> str | None:
    """The kind of the upstream's tool that does what Anthropic's tool of that type does under another name."""
    return next((ours for prefix, ours in _SERVER if kind.startswith(prefix)), None)
