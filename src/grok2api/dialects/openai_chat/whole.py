"""A whole chat completion, and the pieces that the streamed form has in common with it.

Usage follows OpenAI's reading: completion tokens include reasoning, and prompt + completion is the total.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grok2api.canonical.events import CallOpened, Cited, Finish, PartKind, Source, Usage
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import Answer
from grok2api.dialects.base import Envelope
from grok2api.dialects.sse import encode_json

FINISH_REASONS: Mapping[Finish, str] = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL_CALLS: "tool_calls",
    Finish.CONTENT_FILTER: "content_filter",
    Finish.REFUSAL: "content_filter",
}


def whole_many(request: Request, answers: Sequence[Answer], envelope: Envelope) -> bytes:
    """One `chat.completion` with a choice for each answer."""
    body: dict[str, Any] = {
        "id": envelope.new_id("chatcmpl-"),
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": [
            {
                "index": index,
                "message": _message(answer, speaks_functions(request)),
                "logprobs": None,
                "finish_reason": finish_reason(answer.finish, speaks_functions(request)),
            }
            for index, answer in enumerate(answers)
        ],
        "usage": usage(together(answer.usage for answer in answers)),
    }
    sources = {source.url: source for answer in reversed(answers) for source in answer.sources}
    if sources:
        body["search_sources"] = search_sources(sources.values())
    return encode_json(body)


def speaks_functions(request: Request) -> bool:
    """Whether the client declared `functions`, and so looks for its call in `function_call`."""
    return request.echo.get("functions") is True


def finish_reason(finish: Finish | None, functions: bool) -> str:
    if functions and finish is Finish.TOOL_CALLS:
        return "function_call"
    return FINISH_REASONS[finish or Finish.STOP]


def _message(answer: Answer, functions: bool) -> dict[str, Any]:
    text, thinking = answer.text(), answer.thinking()
    calls = [part for part in answer.parts if part.call is not None]
    message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else ""), "refusal": None}
    if thinking:
        message["reasoning_content"] = thinking
    rendered = [tool_call(part.call, part.text) for part in calls if part.call is not None]
    if rendered:
        message["tool_calls"] = rendered
        if functions:
            message["function_call"] = function_call(calls[0].call, calls[0].text)
    annotations = list(_annotations(answer))
    if annotations:
        message["annotations"] = annotations
    return message


def tool_call(call: CallOpened, arguments: str) -> dict[str, Any]:
    """A call without its index. Arguments are JSON text, `{}` when the model gave none."""
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments or "{}"}}


def function_call(call: CallOpened | None, arguments: str) -> dict[str, Any]:
    """The same in the older shape, which has neither id nor index."""
    return {"name": call.name if call else "", "arguments": arguments or "{}"}


def _annotations(answer: Answer) -> Iterable[dict[str, Any]]:
    offset = 0
    for part in answer.parts:
        if part.kind is PartKind.TEXT:
            for cited in part.citations:
                yield annotation(cited, offset)
            offset += len(part.text)


def annotation(cited: Cited, offset: int) -> dict[str, Any]:
    """A citation whose part begins `offset` characters into the content."""
    return {
        "type": "url_citation",
        "url_citation": {
            "url": cited.url,
            "title": cited.title,
            "start_index": offset + cited.start,
            "end_index": offset + cited.end,
        },
    }


def search_sources(sources: Iterable[Source]) -> list[dict[str, str]]:
    return [{"url": source.url, "title": source.title, "type": source.kind} for source in sources]


def together(usages: Iterable[Usage]) -> Usage:
    """What several choices of one prompt cost: the prompt counts once."""
    each = list(usages)
    return Usage(
        input=each[0].input,
        output=sum(one.output for one in each),
        reasoning=sum(one.reasoning for one in each),
        cached=each[0].cached,
        exact=all(one.exact for one in each),
    )


def usage(spent: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": spent.input,
        "completion_tokens": spent.output,
        "total_tokens": spent.total,
        "prompt_tokens_details": {
            "cached_tokens": spent.cached,
            "text_tokens": spent.input,
            "audio_tokens": 0,
            "image_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": spent.reasoning,
            "text_tokens": spent.output - spent.reasoning,
            "audio_tokens": 0,
        },
    }
