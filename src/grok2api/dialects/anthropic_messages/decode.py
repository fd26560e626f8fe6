"""A Messages request, from bytes to `Request`; also the body of `count_tokens`, which is the same but shorter.

Promises to take whatever current clients send (C2, C11): unknown fields, betas, block types and system
turns anywhere are accepted, while a known field of a wrong type is a 400 that names it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import Format, Message, Part, Request, Role, Text, ToolChoice, ToolResult
from grok2api.dialects.anthropic_messages.blocks import read_content
from grok2api.dialects.anthropic_messages.errors import THREAD_UNSUPPORTED
from grok2api.dialects.anthropic_messages.tools import read_tools
from grok2api.dialects.declared import MAX_OUTPUT, effort, misplaced, session, stops
from grok2api.dialects.drawing import image_config
from grok2api.dialects.pairing import pair
from grok2api.dialects.reading import Object, parse
from grok2api.dialects.shooting import video_config

_ROLES = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}

#: Thinking budgets, in tokens, as effort; a larger one than the last is `high`.
_BUDGETS = ((4096, "low"), (16384, "medium"))

#: Parameters without a field of their own: how to read them, and the values that ask for nothing.
_EXTRAS: tuple[tuple[str, Callable[[Object, str], Any], tuple[Any, ...]], ...] = (
    ("top_k",              Object.whole, ()),
    ("service_tier",       Object.text,  ("auto", "standard_only")),
    ("speed",              Object.text,  ("standard",)),
    ("inference_geo",      Object.text,  ()),
    ("context_management", Object.child, ({}, {"edits": []})),
    ("diagnostics",        Object.child, ({},)),
    ("compaction",         Object.child, ({},)),
)  # fmt: skip

#: What is read here of the parameters that several APIs have.
_OWN = frozenset({"max_tokens", "stop_sequences", "top_k"})

_SESSION = re.compile(r"_session_([A-Za-z0-9-]{8,64})\Z")


def decode(body: bytes, headers: Mapping[str, str]) -> Request:
    """The request in `body`. Raises `Refusal` naming the field at fault."""
    top = parse(body)
    _refuse_threads(top)
    model = top.need_text("model", longest=256)
    messages = _turns(top)
    tools = read_tools(top)
    thinking, how_hard, effort_name = _thinking(top)
    format_, format_name = _format(top)
    extra, given = _extras(top)
    user = _user(top)
    request = Request(
        model=model,
        messages=messages,
        tools=tools.mine,
        hosted_tools=tools.hosted,
        tool_choice=tools.choice,
        parallel_tool_calls=tools.parallel,
        temperature=top.number("temperature", 0, 2),
        top_p=top.number("top_p", 0, 1),
        max_tokens=top.whole("max_tokens", 1, MAX_OUTPUT),
        stop=stops(top, "stop_sequences"),
        effort=how_hard,
        thinking=thinking,
        format=format_,
        prefill=_prefill(messages),
        stream=top.flag("stream") is True,
        include_usage=True,
        include_encrypted=not _wants_no_thinking(top),
        user=user,
        sticky=_sticky(user, headers),
        drawing=image_config(top),
        shot=video_config(top),
        extra=extra,
    )
    return msgspec.structs.replace(request, given={**given, **_given(request, effort_name, format_name)})


def _refuse_threads(top: Object) -> None:
    """Message threads (beta `message-threads-2026-08-12`) leave the conversation so far to the server.

    Taking the first request of one would make the client leave it out of the next. The SDK's `tool_runner` asks for a
    thread by itself, and goes on without one when it is refused with this code.
    """
    if top.has("thread"):
        raise invalid(
            "thread is not supported: no conversation is held here between requests. Send all of it in messages, "
            "without thread",
            "thread",
            THREAD_UNSUPPORTED,
        )


def _given(request: Request, effort_name: str, format_name: str) -> dict[str, str]:
    """The parameters by which the client asked for anything but the ordinary, and what it calls them."""
    asked = (
        ("temperature", "temperature", request.temperature is not None),
        ("top_p", "top_p", request.top_p is not None),
        ("max_tokens", "max_tokens", request.max_tokens is not None),
        ("stop", "stop_sequences", bool(request.stop)),
        ("effort", effort_name, request.effort is not None),
        ("format", format_name, request.format.kind != "text"),
        ("image_config", "image_config", request.drawing is not None),
        ("video_config", "video_config", request.shot is not None),
        ("tool_choice", "tool_choice", request.tool_choice != ToolChoice()),
        ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use", request.parallel_tool_calls is False),
    )
    return {name: spelled for name, spelled, is_asked in asked if is_asked}


def _turns(top: Object) -> tuple[Message, ...]:
    if top.array("messages") is None:
        raise top.missing("messages")
    turns: list[Message] = []
    for item in top.objects("messages"):
        role = _ROLES.get(item.need_text("role"))
        if role is None:
            raise invalid(f"{item.at('role')} must be one of {', '.join(_ROLES)}", item.at("role"))
        if not item.has("content"):
            raise item.missing("content")
        turns.extend(_split(role, read_content(item), item.path))
    if not turns:
        raise invalid("messages must hold at least one turn that says something", "messages")
    system = read_content(top, "system")
    first = [Message(Role.SYSTEM, tuple(system), "system")] if system else []
    return pair([*first, *turns], "tool_use_id")


def _prefill(turns: tuple[Message, ...]) -> str:
    """The text that the last turn ends with, when that is the assistant's: the answer is to go on from it."""
    last = turns[-1]
    end = last.parts[-1] if last.role is Role.ASSISTANT else None
    return end.text if isinstance(end, Text) else ""


def _split(role: Role, parts: list[Part], path: str) -> list[Message]:
    """One turn as ours: results stand in a turn of their own, before what the user adds to them."""
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    rest = tuple(part for part in parts if not isinstance(part, ToolResult))
    turns = ((Role.TOOL, results), (role, rest))
    return [Message(kind, said, path) for kind, said in turns if said]


def _thinking(top: Object) -> tuple[bool | None, str | None, str]:
    """Whether to show reasoning, how hard to reason, and where the client said so.

    Shown to who asks for it, whatever the operator's default: programs that do not ask read the first block as text.
    """
    output = top.child("output_config")
    how_hard = effort(output, "effort") if output is not None else None
    name = "output_config.effort"
    wanted = top.child("thinking")
    kind = wanted.text("type") if wanted is not None else None
    if wanted is None or kind is None:
        return False, how_hard, name
    shown = kind != "disabled" and wanted.text("display") != "omitted"
    if how_hard is None and kind == "disabled":
        return shown, "none", "thinking"
    budget = wanted.whole("budget_tokens", 0, MAX_OUTPUT)
    if how_hard is None and budget is not None:
        name = "thinking.budget_tokens"
        how_hard = next((word for below, word in _BUDGETS if budget < below), "high")
    return shown, how_hard, name


def _wants_no_thinking(top: Object) -> bool:
    """Whether the client did not ask for thinking; it gets no block of it then, not even one without words."""
    wanted = top.child("thinking")
    return wanted is None or wanted.text("type") in (None, "disabled")


def _format(top: Object) -> tuple[Format, str]:
    holder = top.child("output_config")
    wanted = holder.child("format") if holder is not None else None
    wanted = wanted or top.child("output_format")
    if wanted is None:
        return Format(), "output_config.format"
    kind = wanted.choice("type", ("json_schema", "json_object", "text"))
    if kind != "json_schema":
        return Format(kind=kind or "text"), wanted.path  # type: ignore[arg-type]
    shape = wanted.child("schema")
    if shape is None:
        raise wanted.missing("schema")
    return Format(
        kind="json_schema", name=wanted.text("name") or "response", schema=shape.raw, strict=True
    ), wanted.path


def _extras(top: Object) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters kept under their own names, and those of them that ask for something."""
    extra: dict[str, Any] = {}
    given = misplaced(top, _OWN)
    for name, read, neutral in _EXTRAS:
        value = read(top, name)
        if value is None:
            continue
        extra[name] = value.raw if isinstance(value, Object) else value
        if extra[name] not in neutral:
            given[name] = name
    # of several shapes, each of which asks for something of Anthropic's
    given.update({name: name for name in ("container", "fallbacks") if top.raw.get(name)})
    output = top.child("output_config")
    if output is not None and output.has("task_budget"):
        given["task_budget"] = output.at("task_budget")
    if any(_wants_citations(turn.raw.get("content")) for turn in top.objects("messages")):
        given["citations"] = "citations"
    return extra, given


def _wants_citations(content: Any) -> bool:
    """Whether a document or a search result is to be cited by its passages, which no upstream does."""
    for block in content if type(content) is list else ():
        if type(block) is not dict:
            continue
        wanted = block.get("citations")
        if type(wanted) is dict and wanted.get("enabled") is True:
            return True
        if block.get("type") == "tool_result" and _wants_citations(block.get("content")):
            return True
    return False


def _user(top: Object) -> str | None:
    metadata = top.child("metadata")
    return metadata.text("user_id") if metadata is not None else None


def _sticky(user: str | None, headers: Mapping[str, str]) -> str | None:
    """The client's session, by header or inside `metadata.user_id`, else its user.

    Claude Code writes the session into `user_id`: today as JSON in the string, formerly as a suffix.
    """
    named = session(headers)
    if named or not user:
        return named
    suffix = _SESSION.search(user)
    return suffix.group(1) if suffix else _session_in(user) or user


def _session_in(user: str) -> str | None:
    if not user.startswith("{"):
        return None
    try:
        inner = msgspec.json.decode(user)
    except (msgspec.DecodeError, RecursionError):
        return None
    named = inner.get("session_id") if isinstance(inner, dict) else None
    return named if isinstance(named, str) and named else None
