"""The response object: what `echo` repeats of the request, and what the answer adds.

Promises every member of the specification, in whole answers and in the frames that carry a response alike,
and no null where the specification has none. Two members are said as they are, not as they were asked: `store` is
whether the answer is stored, and `service_tier` is `default` because there is no other. `completed_at` is a time in
whole epoch seconds when the status is `completed`, and null with every other.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from grok2api.canonical.events import Finish, Source, Usage
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Request
from grok2api.dialects.base import Envelope
from grok2api.dialects.openai_responses.recalled import item_id
from grok2api.dialects.reading import Object

#: In `Request.echo`: the request asks for a summary; no member of the response object.
COMPACTS = "compacts"

#: What the response object says where the request says nothing; the specification's own defaults.
DEFAULTS: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}

_VERBATIM = (
    "instructions",
    "parallel_tool_calls",
    "presence_penalty",
    "frequency_penalty",
    "prompt_cache_key",
    "safety_identifier",
    "temperature",
    "top_p",
    "truncation",
    "user",
    "previous_response_id",
)
_COUNTS = ("max_output_tokens", "max_tool_calls", "top_logprobs")
#: Members of a hosted tool that are the client's secrets, and no business of an answer.
_SECRETS = frozenset({"authorization", "headers"})

_INCOMPLETE: Mapping[Finish, str] = {
    Finish.LENGTH: "max_output_tokens",
    Finish.CONTENT_FILTER: "content_filter",
}
#: Codes that the specification's list of failures knows; every other kind is a `server_error`.
_CODES: Mapping[Kind, str] = {
    Kind.INVALID: "invalid_prompt",
    Kind.UPSTREAM_INVALID: "invalid_prompt",
    Kind.REFUSED: "invalid_prompt",
    Kind.TOO_LARGE: "invalid_prompt",
    Kind.NO_ACCOUNT: "rate_limit_exceeded",
    Kind.RATE_LIMITED: "rate_limit_exceeded",
    Kind.ACCOUNT_LIMITED: "rate_limit_exceeded",
}


def echo(top: Object) -> dict[str, Any]:
    """The members of the response object that repeat a request which has been read without complaint."""
    members = {name: top.raw[name] for name in _VERBATIM if top.has(name)}
    members |= {name: top.whole(name) for name in _COUNTS if top.has(name)}
    if top.has("conversation"):
        value = top.raw["conversation"]
        members["conversation"] = {"id": value["id"] if isinstance(value, dict) else value}
    members["metadata"] = metadata(top)
    members["tools"] = [_tool(item.raw) for item in top.objects("tools")]
    if top.has("tool_choice"):
        members["tool_choice"] = _choice(top.raw["tool_choice"])
    reasoning = top.raw.get("reasoning") or {}
    summary = reasoning.get("summary") or reasoning.get("generate_summary")
    members["reasoning"] = {"effort": reasoning.get("effort"), "summary": summary}
    members["text"] = _text(top.raw.get("text") or {})
    return members


def metadata(top: Object) -> dict[str, str]:
    """What the client noted, if anything. Raises `Refusal`."""
    holder = top.child("metadata")
    if holder is None:
        return {}
    return {key: holder.need_text(key) for key in holder.raw if holder.has(key)}


def _tool(raw: Mapping[str, Any]) -> dict[str, Any]:
    kind = raw["type"]
    inner = raw.get(kind)
    if kind in ("function", "custom") and isinstance(inner, dict):
        raw = {"type": kind, **inner}
    if kind == "function":
        return {"description": None, "parameters": None, "strict": None, **raw}
    if kind == "custom":
        return _present(raw)
    if kind == "namespace":
        return {
            **raw,
            "description": raw.get("description") or "",
            "tools": [_tool(item) for item in raw.get("tools") or ()],
        }
    return {key: value for key, value in _present(raw).items() if key not in _SECRETS}


def _choice(value: Any) -> Any:
    inner = value.get(value["type"]) if isinstance(value, dict) else None
    return {"type": value["type"], **inner} if isinstance(inner, dict) else value


def _text(text: Mapping[str, Any]) -> dict[str, Any]:
    wanted = text.get("format") or {"type": "text"}
    inner = wanted.get("json_schema")
    if wanted["type"] == "json_schema" and isinstance(inner, dict):
        wanted = {"type": "json_schema", **inner}
    format_ = _present(wanted)
    if format_["type"] == "json_schema":
        format_ = {"name": "response", "description": None, "strict": False, **format_}
    return {"format": format_, **_present({"verbosity": text.get("verbosity")})}


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value is not None}


class Resource:
    """Makes the states of one response object."""

    def __init__(self, request: Request, envelope: Envelope) -> None:
        self.id = envelope.answer_id or envelope.new_id("resp_")
        self._created = envelope.created
        self._now = envelope.now
        self._items = 0
        self._frame: dict[str, Any] = {
            "id": self.id,
            "object": "response",
            "created_at": envelope.created,
            "completed_at": None,
            "status": "in_progress",
            "background": request.background,
            "error": None,
            "incomplete_details": None,
            "model": envelope.model,
            "output": [],
            "previous_response_id": None,
            "service_tier": "default",
            "store": request.store,
            "usage": None,
            **DEFAULTS,
            **{name: value for name, value in request.echo.items() if name != COMPACTS},
        }

    def item_id(self, prefix: str) -> str:
        """The id of the next output item."""
        self._items += 1
        return item_id(prefix, self.id, self._items - 1)

    def queued(self) -> dict[str, Any]:
        """Before anybody works on it."""
        return {**self._frame, "status": "queued"}

    def begun(self) -> dict[str, Any]:
        """Before there is any output."""
        return self._frame

    def finished(
        self, output: list[dict[str, Any]], finish: Finish | None, used: Usage, sources: Iterable[Source]
    ) -> dict[str, Any]:
        """With its whole output; `incomplete` when the answer was cut short on purpose."""
        reason = incomplete(finish)
        return {
            **self._frame,
            "completed_at": self._completed_at() if reason is None else None,
            "status": "completed" if reason is None else "incomplete",
            "incomplete_details": None if reason is None else {"reason": reason},
            "output": output,
            "usage": usage(used),
            **_sources(sources),
        }

    def _completed_at(self) -> int:
        """Now, and never before the beginning, whatever was done to the clock meanwhile."""
        return max(self._created, int(self._now()))

    def failed(self, output: list[dict[str, Any]], problem: Problem, sources: Iterable[Source] = ()) -> dict[str, Any]:
        """With what came before it broke off."""
        members = {"error": error_of(problem), "output": output, **_sources(sources)}
        return {**self._frame, "status": "failed", **members}

    def cancelled(self, output: list[dict[str, Any]], sources: Iterable[Source] = ()) -> dict[str, Any]:
        """With what came before somebody gave it up."""
        return {**self._frame, "status": "cancelled", "output": output, **_sources(sources)}


def error_of(problem: Problem) -> dict[str, str]:
    """A problem as the member `error` of a response."""
    return {"code": _CODES.get(problem.kind, "server_error"), "message": problem.message}


def incomplete(finish: Finish | None) -> str | None:
    """Why an answer that ended so is incomplete; `None` when it is not."""
    return None if finish is None else _INCOMPLETE.get(finish)


def usage(used: Usage) -> dict[str, Any]:
    """The tokens of an answer."""
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": 0},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.total,
    }


def _sources(sources: Iterable[Source]) -> dict[str, Any]:
    """`search_sources`, as chat completions have it; absent when nothing was searched."""
    found = [{"url": source.url, "title": source.title, "type": source.kind} for source in sources]
    return {"search_sources": found} if found else {}
