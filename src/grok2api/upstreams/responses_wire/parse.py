"""The answer to a Responses call, from bytes to facts.

Pure. Feed reads in order, `close` at the end; exactly one `Ended` or `Failed` comes, last, and bytes behind it mean
nothing. A body that is no stream is understood as what it is: a response object, an error, or a page. Unknown events
are passed over, broken ones are not: an answer with a hole in it is a failure with the bytes kept.
Transcripts: tests/transcripts/console/.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from grok2api.canonical.events import Ended, Fact, Failed, Finish, Usage
from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.mending import Mender
from grok2api.upstreams.refusals import classify, classify_error
from grok2api.upstreams.responses_wire.events import (
    UNREADABLE,
    Annotation,
    AnnotationAdded,
    ArgumentsDelta,
    ArgumentsDone,
    Completed,
    Details,
    ErrorEvent,
    Event,
    FailedResponse,
    Incomplete,
    Item,
    ItemAdded,
    ItemDone,
    ReasoningDelta,
    RefusalDelta,
    RefusalDone,
    Response,
    SummaryDelta,
    TextDelta,
    TextDone,
    UsageCounts,
    read,
)
from grok2api.upstreams.responses_wire.items import Items
from grok2api.upstreams.responses_wire.order import Order
from grok2api.upstreams.responses_wire.tools import ToolNames
from grok2api.upstreams.sse_reader import Frame, FrameTooLong, SseReader

_EVIDENCE_BYTES = 400
_BLANK = b"\xef\xbb\xbf \t\r\n"
#: How a line of a stream can begin.
_FIELDS = (b"event:", b"data:", b":", b"id:", b"retry:")
_LONGEST_WHOLE = 64 * 1024 * 1024
_PAGE_BYTES = 4096
_decode = msgspec.json.Decoder(Event).decode

_FINISHES: Mapping[str | None, Finish] = {
    "max_output_tokens": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
}


class Parser:
    """Reads one answer. `what` names the upstream to the caller; `over` is true after the last fact."""

    def __init__(self, names: ToolNames, what: str) -> None:
        self._what = what
        self._order = Order()
        self._items = Items(names, self._order)
        self._reader = SseReader()
        self._mender = Mender("delta")
        self._head = b""
        self._whole: bytearray | None = None
        self._streams = self._closing = False
        self._end: Ended | Failed | None = None

    @property
    def over(self) -> bool:
        return self._end is not None

    def feed(self, chunk: bytes) -> list[Fact]:
        """The facts of one read."""
        if self._end is not None:
            return []
        if not self._streams:
            return self._begin(chunk)
        return self._told(self._reader_frames(chunk))

    def close(self) -> list[Fact]:
        """The facts that the end of the body adds."""
        if self._end is not None:
            return []
        if self._whole is not None:
            self._read_whole(bytes(self._whole))
            return self._told([])
        self._closing = True
        facts = self._told(self._reader.close())
        if self._end is None:
            self._end = Failed(self._broken_off())
            facts.append(self._end)
        return facts

    def _broken_off(self) -> Problem:
        """What it means that the body ended before the answer did."""
        head = self._head.lstrip(_BLANK)
        if not head:
            return self._empty()
        if any(head.startswith(field) or field.startswith(head) for field in _FIELDS):
            return Problem(kind=Kind.CUT, message=f"The answer of {self._what} broke off", code="stream_cut")
        return self._strange(head)

    def _begin(self, chunk: bytes) -> list[Fact]:
        """Until the first character of the body is here nobody knows what it is."""
        if self._whole is not None:
            self._whole += chunk
        else:
            self._head += chunk
            start = self._head.lstrip(_BLANK)[:1]
            if start in (b"", b"\xef", b"\xbb"):
                return []
            if start not in (b"{", b"[", b"<", b'"'):
                self._streams = True
                return self._told(self._reader_frames(self._head))
            self._whole = bytearray(self._head)
        is_page = self._whole.lstrip(_BLANK).startswith(b"<")
        if len(self._whole) > (_PAGE_BYTES if is_page else _LONGEST_WHOLE):
            self._read_whole(bytes(self._whole))
        return self._told([])

    def _reader_frames(self, chunk: bytes) -> list[Frame]:
        try:
            return self._reader.feed(chunk)
        except FrameTooLong:
            self._fail(self._strange(chunk))
            return []

    def _told(self, frames: list[Frame]) -> list[Fact]:
        for frame in frames:
            try:
                event = _decode(frame.data)
            except UNREADABLE:
                self._odd(frame)
            else:
                if type(event) is TextDelta:
                    self._items.said(event.output_index, event.content_index, event.delta)
                else:
                    self._HANDLERS[type(event)](self, event)
            if self._end is not None:
                break
        facts = self._order.take()
        if self._end is not None:
            facts.append(self._end)
        return facts

    def _odd(self, frame: Frame) -> None:
        """An event that is unknown, unnamed, of an unexpected shape, or no JSON."""
        if frame.data.strip() in (b"", b"[DONE]"):
            return
        try:
            value = msgspec.json.decode(frame.data)
        except UNREADABLE:
            self._mend(frame)
            return
        if not isinstance(value, dict):
            return
        if "type" not in value and frame.event:
            self._named(frame, value)
        elif value.get("type", "error") == "error" and ("error" in value or "code" in value or "message" in value):
            self._fail(classify_error(value, what=self._what))

    def _mend(self, frame: Frame) -> None:
        """Data that strict reading refused."""
        mended = self._mender.mend(frame.data)
        if mended is None:
            if not self._closing:  # the last frame of a stream that was cut
                self._fail(self._strange(frame.data))
            return
        try:
            event = _decode(mended)
        except UNREADABLE:
            self._odd(Frame(frame.event, mended))
        else:
            self._HANDLERS[type(event)](self, event)

    def _named(self, frame: Frame, value: dict[str, Any]) -> None:
        """An event whose name stands only beside its data."""
        named = {"type": frame.event.decode("utf-8", "replace"), **value}
        try:
            event = _decode(msgspec.json.encode(named))
        except UNREADABLE:
            return
        self._HANDLERS[type(event)](self, event)

    def _refusal_delta(self, event: RefusalDelta) -> None:
        self._items.refused = True
        self._items.said(event.output_index, event.content_index, event.delta)

    def _refusal_done(self, event: RefusalDone) -> None:
        self._items.refused = True
        self._items.whole_text(event.output_index, event.content_index, event.refusal)

    def _completed(self, response: Response) -> None:
        self._finish(response, Finish.STOP)

    def _incomplete(self, response: Response) -> None:
        details = read(response.incomplete_details, Details) or Details()
        self._finish(response, _FINISHES.get(details.reason, Finish.LENGTH))

    def _failed(self, response: Response) -> None:
        self._fail(classify_error(read(response.error, object), what=self._what))

    def _error(self, event: ErrorEvent) -> None:
        error = event.error if event.error is not None else {"code": event.code, "message": event.message}
        self._fail(classify_error(error, what=self._what))

    def _finish(self, response: Response, finish: Finish) -> None:
        items = self._items
        items.finish(read(item, Item) for item in response.output or ())
        self._order.flush()
        if finish is Finish.STOP:
            finish = Finish.REFUSAL if items.refused else Finish.TOOL_CALLS if items.called else finish
        if finish is Finish.STOP and not items.has_content:
            self._fail(self._empty())
        else:
            self._end = Ended(finish, _usage(response))

    def _fail(self, problem: Problem) -> None:
        self._end = Failed(problem)

    def _read_whole(self, body: bytes) -> None:
        """A body that is no stream."""
        response = read(msgspec.Raw(body), Response) or Response()
        ends = {"completed": self._completed, "incomplete": self._incomplete, "failed": self._failed}
        end = ends.get(response.status or "")
        if end is not None:
            end(response)
            return
        try:
            value = msgspec.json.decode(body)
        except UNREADABLE:
            value = None
        if body.lstrip(_BLANK).startswith(b"<"):
            # judged by its words like any page that refuses; the status was not a refusal's
            self._fail(msgspec.structs.replace(classify(403, {}, body, what=self._what), upstream_status=200))
        elif isinstance(value, dict) and value.get("error") is not None:
            self._fail(classify_error(value, what=self._what))
        else:
            self._fail(self._strange(body))

    def _empty(self) -> Problem:
        return Problem(
            kind=Kind.EMPTY,
            message=f"{self._what} ended its answer without saying anything; ask again",
            code="empty_response",
        )

    def _strange(self, data: bytes) -> Problem:
        return Problem(
            kind=Kind.UPSTREAM,
            message=f"{self._what} answered in a way that this version does not understand",
            evidence=data[:_EVIDENCE_BYTES],
        )

    #: What to do with each kind of event; `TextDelta`, the most frequent, is asked for before.
    _HANDLERS: ClassVar[Mapping[type, Callable[["Parser", Any], None]]] = {
        TextDelta: lambda self, e: self._items.said(e.output_index, e.content_index, e.delta),
        TextDone: lambda self, e: self._items.whole_text(e.output_index, e.content_index, e.text),
        AnnotationAdded: lambda self, e: self._items.cite(
            e.output_index, e.content_index, read(e.annotation, Annotation)
        ),
        SummaryDelta: lambda self, e: self._items.thought(e.output_index, e.summary_index, e.delta),
        ReasoningDelta: lambda self, e: self._items.thought(e.output_index, e.content_index, e.delta),
        ArgumentsDelta: lambda self, e: self._items.argued(e.output_index, e.delta),
        ArgumentsDone: lambda self, e: self._items.whole_arguments(e.output_index, e.arguments),
        ItemAdded: lambda self, e: self._items.added(e.output_index, read(e.item, Item)),
        ItemDone: lambda self, e: self._items.done(e.output_index, read(e.item, Item)),
        RefusalDelta: _refusal_delta,
        RefusalDone: _refusal_done,
        Completed: lambda self, e: self._completed(_response(e)),
        Incomplete: lambda self, e: self._incomplete(_response(e)),
        FailedResponse: lambda self, e: self._failed(_response(e)),
        ErrorEvent: _error,
    }


def _response(event: Completed | Incomplete | FailedResponse) -> Response:
    return read(event.response, Response) or Response()


def _usage(response: Response) -> Usage | None:
    counts = read(response.usage, UsageCounts)
    if counts is None or not (counts.input_tokens or counts.output_tokens):
        return None
    return Usage(
        input=counts.input_tokens,
        output=counts.output_tokens,
        reasoning=counts.output_tokens_details.reasoning_tokens if counts.output_tokens_details else 0,
        cached=counts.input_tokens_details.cached_tokens if counts.input_tokens_details else 0,
        exact=True,
    )
