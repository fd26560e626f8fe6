"""OpenAI's own tools that run at the client: shells, patches, a search for tools.

A client declares them by their type alone, since OpenAI's models know them, and expects calls as items of types of
their own. Grok knows none of them. So each is offered to the model as a function with words and a schema (ours), and
a call of it becomes the item that the client waits for. Arguments that do not fit are made to, as far as they say
what is meant. Pure.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from grok2api.canonical.request import Tool
from grok2api.dialects.reading import Object

_TEXT, _WHOLE = {"type": "string"}, {"type": "integer", "minimum": 1}
_TEXTS = {"type": "array", "items": _TEXT}

_PATCH = """\
Creates, changes or deletes one file. `path` is relative to the working directory. `diff` depends on `type`:
create_file: every line of the new file with `+` in front. delete_file: leave it out. update_file: one or more hunks. \
A hunk is a line `@@` (or `@@ ` and a line of the file, such as the head of a function, below which it is found), \
then lines: ` ` in front of those that stay, `-` of those that go, `+` of those that come. Give three lines that stay \
before and after each change. No line numbers, no file headers."""


class Builtin(msgspec.Struct, frozen=True):
    """One of these tools: how it is offered, and how a call of it is written.

    prefix: how ids of its calls begin. member: the member of the item that holds what the model wants, and `read`
    makes it of the arguments. states: what `status` may be beside `completed` when a call was cut.
    """

    item: str
    prefix: str
    description: str
    schema: Mapping[str, Any]
    member: str
    read: Callable[[str], Any]
    more: Mapping[str, Any] = {}
    cut: str = "incomplete"


def _members(text: str) -> dict[str, Any]:
    """The arguments as an object; nothing when they are none."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    """A list of strings; one string is a list of one."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [item if isinstance(item, str) else msgspec.json.encode(item).decode() for item in items]


def _number(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None


def _exec(text: str) -> dict[str, Any]:
    members = _members(text)
    command = members.get("command", members.get("cmd", text))
    env = members.get("env")
    action: dict[str, Any] = {
        "type": "exec",
        "command": ["bash", "-lc", command] if isinstance(command, str) else _texts(command),
        "env": {key: str(value) for key, value in env.items()} if isinstance(env, dict) else {},
    }
    timeout, directory = _number(members.get("timeout_ms")), members.get("working_directory")
    if timeout is not None:
        action["timeout_ms"] = timeout
    if isinstance(directory, str) and directory:
        action["working_directory"] = directory
    return action


def _commands(text: str) -> dict[str, Any]:
    members = _members(text)
    return {
        "commands": _texts(members.get("commands", members.get("command", text))),
        "timeout_ms": _number(members.get("timeout_ms")),
        "max_output_length": _number(members.get("max_output_length")),
    }


def _operation(text: str) -> dict[str, Any]:
    members = _members(text)
    inner = members.get("operation")
    members = inner if isinstance(inner, dict) else members
    kind, path, diff = members.get("type"), members.get("path"), members.get("diff")
    operation = {"type": kind if kind in _OPERATIONS else "update_file", "path": path if isinstance(path, str) else ""}
    return operation if kind == "delete_file" else {**operation, "diff": diff if isinstance(diff, str) else ""}


_OPERATIONS = ("create_file", "update_file", "delete_file")


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


BUILTINS: Mapping[str, Builtin] = {
    "local_shell": Builtin(
        item="local_shell_call",
        prefix="lsh_",
        description="Runs one command on the user's machine and tells what it printed. `command` is the program and "
        'its arguments; no shell reads it, so pipes and the like need ["bash", "-lc", "…"].',
        schema=_closed(
            ["command"],
            command=_TEXTS,
            working_directory=_TEXT,
            timeout_ms=_WHOLE,
            env={"type": "object", "additionalProperties": _TEXT},
        ),
        member="action",
        read=_exec,
    ),
    "shell": Builtin(
        item="shell_call",
        prefix="sh_",
        description="Runs shell commands on the user's machine, in the order given, and tells what each printed.",
        schema=_closed(["commands"], commands=_TEXTS, timeout_ms=_WHOLE, max_output_length=_WHOLE),
        member="action",
        read=_commands,
        more={"environment": None},
    ),
    "apply_patch": Builtin(
        item="apply_patch_call",
        prefix="apc_",
        description=_PATCH,
        schema=_closed(["type", "path"], type={"type": "string", "enum": list(_OPERATIONS)}, path=_TEXT, diff=_TEXT),
        member="operation",
        read=_operation,
        cut="in_progress",
    ),
    "tool_search": Builtin(
        item="tool_search_call",
        prefix="tsc_",
        description="Finds more tools by what they do; those that are found can be called from the next turn on.",
        schema=_closed(["query"], query=_TEXT),
        member="arguments",
        read=_members,
        more={"execution": "client"},
    ),
}  # fmt: skip


def offered(item: Object, kind: str) -> Tool | None:
    """The function that stands for a declared tool of these; `None` when its declaration has the server run it."""
    builtin = BUILTINS.get(kind)
    if builtin is None or not _runs_here(item, kind):
        return None
    description, schema = item.raw.get("description"), item.raw.get("parameters")
    return Tool(
        name=kind,
        description=description if isinstance(description, str) and description else builtin.description,
        schema=schema if isinstance(schema, dict) and schema else builtin.schema,
        builtin=kind,
    )


def _runs_here(item: Object, kind: str) -> bool:
    if kind == "tool_search":
        return item.text("execution") == "client"
    environment = item.child("environment") if kind == "shell" else None
    return environment is None or environment.text("type") in (None, "local")


def call(ident: str, call_id: str, kind: str, arguments: str, status: str) -> dict[str, Any]:
    """The item of a call of the tool `kind`."""
    builtin = BUILTINS[kind]
    return {
        "id": ident,
        "type": builtin.item,
        "status": builtin.cut if status == "incomplete" else status,
        "call_id": call_id,
        builtin.member: builtin.read(arguments),
        **builtin.more,
    }
