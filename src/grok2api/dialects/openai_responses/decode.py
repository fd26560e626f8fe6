"""A Responses request, from bytes to `Request`.

Promises that every field of the API is read, that nothing known is dropped without a trace (`given` and
`extra` say what the client set, `echo` what the response object repeats), and that what would change the
meaning is refused by name. Fields that nobody knows are ignored, since clients send many.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from grok2api.canonical.problem import Kind, Problem, Refusal, invalid
from grok2api.canonical.request import Format, Message, Request, Role, Text
from grok2api.dialects.declared import MAX_OUTPUT, effort, misplaced, session
from grok2api.dialects.drawing import image_config
from grok2api.dialects.openai_responses.compaction import kept, summarising, triggered
from grok2api.dialects.openai_responses.items import compacted_elsewhere, read_input
from grok2api.dialects.openai_responses.recalled import Known, Refers, own, refers
from grok2api.dialects.openai_responses.resource import echo
from grok2api.dialects.openai_responses.tools import Declared, read_choice
from grok2api.dialects.reading import Object, parse
from grok2api.dialects.shooting import video_config

#: Parameters without a field of their own: how they are read, and the values that ask for nothing.
_EXTRAS: Mapping[str, tuple[Callable[[Object, str], Any], tuple[Any, ...]]] = {
    "presence_penalty":       (lambda top, key: top.number(key, -2, 2),                  (0,)),
    "frequency_penalty":      (lambda top, key: top.number(key, -2, 2),                  (0,)),
    "top_logprobs":           (lambda top, key: top.whole(key, 0, 20),                   (0,)),
    "max_tool_calls":         (lambda top, key: top.whole(key, 1, MAX_OUTPUT),           ()),
    "truncation":             (lambda top, key: top.choice(key, ("auto", "disabled")),   ("disabled",)),
    "service_tier":           (lambda top, key: top.text(key),                           ("auto", "default")),
    "store":                  (lambda top, key: top.flag(key),                           (False,)),
    "prompt_cache_retention": (lambda top, key: top.text(key),                           ("in_memory",)),
    "context_management":     (lambda top, key: top.array(key),                          ([],)),
}  # fmt: skip

#: What the answer would be wrong without, and what to do instead.
_REFUSED: Mapping[str, str] = {
    "prompt": "Prompt templates are not stored here: send the prompt itself in instructions and input",
}

#: What is read here of the parameters that several APIs have.
_OWN = frozenset({"frequency_penalty", "max_output_tokens", "presence_penalty"})

_ENCRYPTED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"


class Draft:
    """A request that was parsed, and what it refers to: to be decoded once that is known."""

    __slots__ = ("refers", "size", "top")

    def __init__(self, body: bytes) -> None:
        """Raises `Refusal`."""
        self.top = parse(body)
        self.refers: Refers = refers(self.top)
        self.size = len(body)


#: How a draft becomes a request, once it is known what came before.
Decode = Callable[[Draft, Mapping[str, str], Known], Request]


def decode(body: bytes, headers: Mapping[str, str]) -> Request:
    """The request in `body`, which can refer to nothing. Raises `Refusal` naming the field at fault."""
    return decoded(Draft(body), headers, Known())


def decoded(draft: Draft, headers: Mapping[str, str], known: Known) -> Request:
    """The request, with what came before it. Raises `Refusal` naming the field at fault."""
    return _read(draft.top, draft.refers, headers, known)


def decoded_to_count(draft: Draft, headers: Mapping[str, str], known: Known) -> Request:
    """A request of which only the input tokens are wanted: it may leave out the model and the input."""
    given = {key: value for key, value in draft.top.raw.items() if value is not None}
    top = Object({"model": "", "input": [], **given}, "")
    return _read(top, draft.refers, headers, known, may_be_empty=True)


def decoded_to_compact(draft: Draft, headers: Mapping[str, str], known: Known) -> Request:
    """The request for a summary that a request to compact becomes; its answer is whole."""
    request = decoded(draft, headers, known)
    return summarising(msgspec.structs.replace(request, stream=False), kept([*(known.before or ()), *own(draft.top)]))


def _read(
    top: Object, refers: Refers, headers: Mapping[str, str], known: Known, *, may_be_empty: bool = False
) -> Request:
    """The request that a parsed body is; only what is counted may be without input."""
    model = top.need_text("model", longest=256)
    _refuse_other_meanings(top)
    if known.before is None:
        _refuse_unknown(refers)
    declared = Declared()
    declared.read(top)
    messages = _messages(top, declared, known, may_be_empty)
    chosen = read_choice(top, declared)
    thinking, how_hard = _reasoning(top)
    include = _include(top)
    extra, given = _extras(top)
    given.update(_own(top))
    given |= {name: name for name in ("image_config", "video_config") if top.has(name)}
    if chosen.moot:
        given["hosted_tool_choice"] = "tool_choice"
    if any(ident not in known.items for ident in refers.items):
        given["item_reference"] = "input.item_reference"
    if known.keeps:
        given.pop("store", None)
    if _LOGPROBS in include:
        given["logprobs"] = "include"
    if compacted_elsewhere(top):
        given["compaction"] = "input.compaction"
    _options(top)
    request = Request(
        model=model,
        messages=messages,
        tools=chosen.tools,
        hosted_tools=chosen.hosted_tools,
        tool_choice=chosen.choice,
        parallel_tool_calls=top.flag("parallel_tool_calls"),
        temperature=top.number("temperature", 0, 2),
        top_p=top.number("top_p", 0, 1),
        max_tokens=top.whole("max_output_tokens", 1, MAX_OUTPUT),
        effort=how_hard,
        thinking=thinking,
        format=_format(top),
        stream=top.flag("stream") is True,
        background=_background(top, keeps=known.keeps),
        include_encrypted=_ENCRYPTED in include,
        user=top.text("user"),
        sticky=_sticky(top, headers) or known.sticky,
        before=known.account,
        store=known.keeps and extra.get("store") is not False,
        drawing=image_config(top),
        shot=video_config(top),
        given=given,
        extra=extra,
        echo=echo(top),
    )
    return summarising(request) if triggered(top) else request


def _refuse_other_meanings(top: Object) -> None:
    for name, message in _REFUSED.items():
        if top.raw.get(name) not in (None, False):
            raise invalid(message, name, code="unsupported_parameter")


def _background(top: Object, *, keeps: bool) -> bool:
    """Whether to answer in the background, which is good for nothing when nobody can ask for the answer later."""
    wanted = top.flag("background") is True
    if wanted and top.flag("store") is False:
        raise invalid("background needs store: leave store out, or set it to true", "background")
    if wanted and not keeps:
        message = "background needs a stored response, and this one cannot be stored: the request is too large, or "
        raise invalid(message + "the operator has turned responses.store off", "background", code="not_stored")
    return wanted


def _refuse_unknown(refers: Refers) -> None:
    if refers.previous is not None:
        raise Refusal(no_previous(refers.previous))
    if refers.conversation is not None:
        raise Refusal(no_conversation(refers.conversation))


def no_previous(ident: str, why: str = "or no longer") -> Problem:
    """What a client is told whose response is not there to be continued."""
    return Problem(
        kind=Kind.NOT_FOUND,
        message=f"There is no response {ident[:128]!r} to continue, {why}: "
        f"send the whole conversation in input and leave previous_response_id out",
        code="previous_response_not_found",
        param="previous_response_id",
    )


def no_conversation(ident: str) -> Problem:
    """What a client is told whose conversation is not there."""
    return Problem(
        kind=Kind.NOT_FOUND,
        message=f"There is no conversation {ident[:128]!r} here, or no longer",
        code="conversation_not_found",
        param="conversation",
    )


def _messages(top: Object, declared: Declared, known: Known, may_be_empty: bool) -> tuple[Message, ...]:
    instructions = top.text("instructions")
    turns = read_input(top, declared, known, may_be_empty=may_be_empty)
    if not instructions:
        return turns
    return (Message(Role.SYSTEM, (Text(instructions),), "instructions"), *turns)


def _own(top: Object) -> dict[str, str]:
    """The parameters that have a field, where the client set them: canonical name -> the client's."""
    given = {
        name: spelled
        for name, spelled in (
            ("temperature", "temperature"),
            ("top_p", "top_p"),
            ("max_tokens", "max_output_tokens"),
            ("tool_choice", "tool_choice"),
            ("parallel_tool_calls", "parallel_tool_calls"),
        )
        if top.has(spelled)
    }
    reasoning, text = top.child("reasoning"), top.child("text")
    if reasoning is not None and reasoning.has("effort"):
        given["effort"] = "reasoning.effort"
    if text is not None and _format(top).kind != "text":
        given["format"] = "text.format"
    return given


def _reasoning(top: Object) -> tuple[bool | None, str | None]:
    """Whether to show reasoning and how hard to reason; asking for a summary is asking to see it."""
    holder = top.child("reasoning")
    if holder is None:
        return None, None
    how_hard = effort(holder, "effort")
    summaries = ("auto", "concise", "detailed")
    summary = holder.choice("summary", summaries) or holder.choice("generate_summary", summaries)
    if how_hard is None:
        return (True if summary else None), None
    return how_hard != "none", how_hard


def _format(top: Object) -> Format:
    text = top.child("text")
    wanted = text.child("format") if text is not None else None
    if wanted is None:
        return Format()
    kind = wanted.choice("type", ("text", "json_object", "json_schema"))
    if kind is None:
        raise wanted.missing("type")
    if kind != "json_schema":
        return Format(kind=kind)  # type: ignore[arg-type]
    holder = wanted.child("json_schema") or wanted
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


def _include(top: Object) -> frozenset[str]:
    """What to add to the answer. Kinds of items that we never make have nothing to add, and may be named."""
    for index, name in enumerate(top.array("include") or ()):
        if type(name) is not str:
            raise invalid(f"include.{index} must be a string", f"include.{index}")
    return frozenset(top.array("include") or ())


def _extras(top: Object) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters kept under their own names, and those of them that ask for something."""
    extra: dict[str, Any] = {}
    given = misplaced(top, _OWN)
    for name, (read, neutral) in _EXTRAS.items():
        value = read(top, name)
        if value is None:
            continue
        extra[name] = value
        if value not in neutral:
            given[name] = name
    text = top.child("text")
    verbosity = text.choice("verbosity", ("low", "medium", "high")) if text is not None else None
    if verbosity is not None:
        extra["verbosity"] = verbosity
        if verbosity != "medium":
            given["verbosity"] = "text.verbosity"
    return extra, given


def _options(top: Object) -> None:
    """`include_obfuscation` only pads frames against eavesdroppers; it changes no answer and is not reported."""
    options = top.child("stream_options")
    if options is not None:
        options.flag("include_obfuscation")


def _sticky(top: Object, headers: Mapping[str, str]) -> str | None:
    """What names the conversation best: its cache key, its session, or only its user."""
    key = top.text("prompt_cache_key")
    return key or session(headers) or top.text("user") or top.text("safety_identifier")
