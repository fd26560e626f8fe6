"""The events of a Responses stream, as typed values with only the members that are read.

One decode for each event; what differs between kinds of item stays raw until its kind is known, so that one member
of an unexpected type spoils one item and not the end of the answer. Unknown members are ignored.
"""

from typing import Annotated, Any, TypeVar

import msgspec

_Count = Annotated[int, msgspec.Meta(ge=0)]
_T = TypeVar("_T")
_NOTHING = msgspec.Raw()

#: What msgspec raises for bytes that are not the JSON, or not of the shape, that was hoped for.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class TextDelta(msgspec.Struct, tag="response.output_text.delta", gc=False):
    delta: str
    output_index: int = 0
    content_index: int = 0


class RefusalDelta(msgspec.Struct, tag="response.refusal.delta", gc=False):
    delta: str
    output_index: int = 0
    content_index: int = 0


class TextDone(msgspec.Struct, tag="response.output_text.done", gc=False):
    text: str
    output_index: int = 0
    content_index: int = 0


class RefusalDone(msgspec.Struct, tag="response.refusal.done", gc=False):
    refusal: str
    output_index: int = 0
    content_index: int = 0


class AnnotationAdded(msgspec.Struct, tag="response.output_text.annotation.added"):
    annotation: msgspec.Raw
    output_index: int = 0
    content_index: int = 0


class SummaryDelta(msgspec.Struct, tag="response.reasoning_summary_text.delta", gc=False):
    delta: str
    output_index: int = 0
    summary_index: int = 0


class ReasoningDelta(msgspec.Struct, tag="response.reasoning_text.delta", gc=False):
    delta: str
    output_index: int = 0
    content_index: int = 0


class ArgumentsDelta(msgspec.Struct, tag="response.function_call_arguments.delta", gc=False):
    delta: str
    output_index: int = 0


class ArgumentsDone(msgspec.Struct, tag="response.function_call_arguments.done", gc=False):
    arguments: str
    output_index: int = 0


class ItemAdded(msgspec.Struct, tag="response.output_item.added"):
    item: msgspec.Raw
    output_index: int = 0


class ItemDone(msgspec.Struct, tag="response.output_item.done"):
    item: msgspec.Raw
    output_index: int = 0


class Response(msgspec.Struct):
    """The response object, in a last event or as a whole body."""

    status: str | None = None
    object: str | None = None
    output: list[msgspec.Raw] | None = None
    error: msgspec.Raw = _NOTHING
    incomplete_details: msgspec.Raw = _NOTHING
    usage: msgspec.Raw = _NOTHING


class Completed(msgspec.Struct, tag="response.completed"):
    response: msgspec.Raw = _NOTHING


class Incomplete(msgspec.Struct, tag="response.incomplete"):
    response: msgspec.Raw = _NOTHING


class FailedResponse(msgspec.Struct, tag="response.failed"):
    response: msgspec.Raw = _NOTHING


class ErrorEvent(msgspec.Struct, tag="error"):
    code: Any = None
    message: Any = None
    error: Any = None


Event = (
    TextDelta
    | RefusalDelta
    | TextDone
    | RefusalDone
    | AnnotationAdded
    | SummaryDelta
    | ReasoningDelta
    | ArgumentsDelta
    | ArgumentsDone
    | ItemAdded
    | ItemDone
    | Completed
    | Incomplete
    | FailedResponse
    | ErrorEvent
)


class Annotation(msgspec.Struct):
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Piece(msgspec.Struct):
    """A part of a message's content, or of a reasoning item's."""

    text: str | None = None
    refusal: str | None = None
    annotations: list[msgspec.Raw] | None = None


class FoundSource(msgspec.Struct):
    url: str | None = None
    title: str | None = None


class Action(msgspec.Struct):
    """What a web search did."""

    type: str | None = None
    query: str | None = None
    url: str | None = None
    sources: list[FoundSource] | None = None


class Item(msgspec.Struct):
    """An output item of any kind; which members it has depends on `type`."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    result: str | None = None
    encrypted_content: str | None = None
    summary: list[Piece] | None = None
    content: list[Piece] | None = None
    action: Action | None = None


class Cached(msgspec.Struct):
    cached_tokens: _Count = 0


class Reasoning(msgspec.Struct):
    reasoning_tokens: _Count = 0


class UsageCounts(msgspec.Struct):
    """Here `output_tokens` includes the reasoning."""

    input_tokens: _Count = 0
    output_tokens: _Count = 0
    input_tokens_details: Cached | None = None
    output_tokens_details: Reasoning | None = None


class Details(msgspec.Struct):
    reason: str | None = None


def read(raw: msgspec.Raw, kind: type[_T]) -> _T | None:
    """A raw member as `kind`; `None` when it is absent, null or of another shape."""
    data = bytes(raw)
    if not data or data == b"null":
        return None
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE:
        return None
