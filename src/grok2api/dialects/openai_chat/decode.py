"""A chat completion request, from bytes to `Request`.

Promises that every field of the API is read, that nothing known is dropped without a trace (`given` and
`extra` say what the client set), and that what would change the meaning is refused by name. Fields that
nobody knows are ignored, since clients send many.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import Format, Request
from grok2api.dialects.declared import MAX_OUTPUT, effort, misplaced, session, stops
from grok2api.dialects.drawing import image_config
from grok2api.dialects.openai_chat.tools import read_choice, read_tools
from grok2api.dialects.openai_chat.turns import read_turns
from grok2api.dialects.reading import Object, parse
from grok2api.dialects.shooting import video_config

DEFAULT_TEMPERATURE = 0.8
DEFAULT_TOP_P = 0.95
MAX_CHOICES = 8

#: Parameters without a field of their own: what they must be, and the values that ask for nothing.
_EXTRAS: tuple[tuple[str, Callable[[Object, str], Any], tuple[Any, ...]], ...] = (
    ("presence_penalty",       Object.number, (0,)),
    ("frequency_penalty",      Object.number, (0,)),
    ("logit_bias",             Object.child,  ({},)),
    ("logprobs",               Object.flag,   (False,)),
    ("top_logprobs",           Object.whole,  (0,)),
    ("service_tier",           Object.text,   ("auto", "default")),
    ("prediction",             Object.child,  ({},)),
    ("verbosity",              Object.text,   ("medium",)),
    ("search_parameters",      Object.child,  ({}, {"mode": "auto"})),
    ("prompt_cache_retention", Object.text,   ("in_memory",)),
    ("moderation",             Object.child,  ({},)),
    ("metadata",               Object.child,  ({},)),
    ("store",                  Object.flag,   (False,)),
    ("image_config",           Object.child,  ({},)),
    ("video_config",           Object.child,  ({},)),
)  # fmt: skip


#: What is read here of the parameters that several APIs have.
_OWN = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "n",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
    }
)


def decode(body: bytes, headers: Mapping[str, str]) -> Request:
    """The request in `body`. Raises `Refusal` naming the field at fault."""
    top = parse(body)
    model = top.need_text("model", longest=256)
    _refuse_other_meanings(top)
    messages = read_turns(top)
    tools, hosted_tools = read_tools(top)
    choice, tools = read_choice(top, tools, bool(hosted_tools))
    thinking, how_hard, effort_name = _thinking(top)
    temperature, top_p = top.number("temperature", 0, 2), top.number("top_p", 0, 1)
    extra, given = _extras(top)
    request = Request(
        model=model,
        messages=messages,
        tools=tools,
        hosted_tools=hosted_tools,
        tool_choice=choice,
        parallel_tool_calls=_several_calls(top),
        temperature=DEFAULT_TEMPERATURE if temperature is None else temperature,
        top_p=DEFAULT_TOP_P if top_p is None else top_p,
        max_tokens=top.whole(_limit_name(top), 1, MAX_OUTPUT),
        stop=stops(top, "stop"),
        n=top.whole("n", 1, MAX_CHOICES) or 1,
        seed=top.whole("seed", -(2**63), 2**63 - 1),
        effort=how_hard,
        thinking=thinking,
        format=_format(top),
        stream=top.flag("stream"),
        include_usage=_include_usage(top),
        user=top.text("user"),
        sticky=_sticky(top, headers),
        drawing=image_config(top),
        shot=video_config(top),
        extra=extra,
        echo={"functions": True} if top.array("functions") else {},
    )
    return msgspec.structs.replace(request, given={**given, **_given(top, request, effort_name)})


def _several_calls(top: Object) -> bool | None:
    """Whether several calls at once may come. The older `function_call` has room for one."""
    wanted = top.flag("parallel_tool_calls")
    return False if wanted is None and top.array("functions") else wanted


def _limit_name(top: Object) -> str:
    return "max_completion_tokens" if top.has("max_completion_tokens") else "max_tokens"


def _given(top: Object, request: Request, effort_name: str) -> dict[str, str]:
    """The parameters by which the client asked for anything but the ordinary, and what it calls them."""
    asked = (
        ("temperature", "temperature", top.has("temperature")),
        ("top_p", "top_p", top.has("top_p")),
        ("max_tokens", _limit_name(top), request.max_tokens is not None),
        ("stop", "stop", bool(request.stop)),
        ("n", "n", request.n > 1),
        ("seed", "seed", request.seed is not None),
        ("effort", effort_name, request.effort is not None),
        ("format", "response_format", request.format.kind != "text"),
        (
            "tool_choice",
            "tool_choice" if top.has("tool_choice") else "function_call",
            request.tool_choice.mode != "auto",
        ),
        ("parallel_tool_calls", "parallel_tool_calls", top.flag("parallel_tool_calls") is False),
    )
    return {name: spelled for name, spelled, is_asked in asked if is_asked}


def _refuse_other_meanings(top: Object) -> None:
    """What we cannot do and what the answer would be wrong without."""
    for index, modality in enumerate(top.array("modalities") or ()):
        if modality != "text":
            raise invalid("Only text can be answered: leave modalities out or send ['text']", f"modalities.{index}")
    if top.has("audio"):
        raise invalid("Audio cannot be answered: leave audio out", "audio", code="unsupported_parameter")
    if top.flag("deferred"):
        raise invalid("Deferred answers are not offered: leave deferred out", "deferred", code="unsupported_parameter")


def _thinking(top: Object) -> tuple[bool | None, str | None, str]:
    """Whether to show reasoning, how hard to reason, and where the client said so."""
    name = "reasoning_effort"
    how_hard = effort(top, name)
    wanted: bool | None = None
    holder = top.child("reasoning")
    if how_hard is None and holder is not None:
        name, how_hard, wanted = "reasoning.effort", effort(holder, "effort"), holder.flag("enabled")
    switch = top.child("thinking")
    if switch is not None and wanted is None:
        kind = switch.text("type")
        wanted = None if kind is None else kind != "disabled"
    if how_hard is not None:
        wanted = how_hard != "none"
    elif wanted is False:
        how_hard = "none"
    return wanted, how_hard, name


def _format(top: Object) -> Format:
    wanted = top.child("response_format")
    if wanted is None:
        return Format()
    kind = wanted.choice("type", ("text", "json_object", "json_schema"))
    if kind is None:
        raise wanted.missing("type")
    if kind != "json_schema":
        return Format(kind=kind)  # type: ignore[arg-type]
    holder = wanted.child("json_schema")
    if holder is None:
        raise wanted.missing("json_schema")
    schema = holder.child("schema")
    if schema is None:
        raise holder.missing("schema")
    return Format(
        kind="json_schema",
        name=holder.text("name") or "response",
        schema=schema.raw,
        strict=holder.flag("strict"),
        description=holder.text("description"),
    )


def _extras(top: Object) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters kept under their own names, and those of them that ask for something."""
    extra: dict[str, Any] = {}
    given = misplaced(top, _OWN)
    for name, read, neutral in _EXTRAS:
        value = read(top, name)
        if value is None:
            continue
        value = value.raw if isinstance(value, Object) else value
        extra[name] = value
        if value not in neutral:
            given[name] = name
    named = next((item.at("name") for item in top.objects("messages") if item.has("name") and _speaks(item)), None)
    if named is not None:
        given["name"] = named
    return extra, given


def _speaks(item: Object) -> bool:
    return item.raw.get("role") in ("system", "developer", "user", "assistant")


def _include_usage(top: Object) -> bool:
    options = top.child("stream_options")
    return options is not None and options.flag("include_usage") is True


def _sticky(top: Object, headers: Mapping[str, str]) -> str | None:
    """What names the conversation best: its cache key, its session, or only its user."""
    key = top.text("prompt_cache_key")
    return key or session(headers) or top.text("user") or top.text("safety_identifier")
