"""An answer as Responses events, or as one response object.

Promises the event grammar of the specification: `sequence_number` from 0, one `output_index` for each item,
ids that are the same in added, delta and done, one terminal event whose `output` is what was streamed (S10).

An item of words or a call is declared done only when the next item starts or the answer ends: until then nobody
knows whether it is whole, and clients act on `response.output_item.done`. What a failure cuts is never declared
done. A citation that comes later than that is still announced, and stands in the terminal object.
After `response.completed` and `response.incomplete` comes `data: [DONE]`, as the Open Responses specification
demands; after `response.failed` comes nothing. `Produced` and `Progressed` have no frame here: a stage has put
into words what must be said. The text is kept until the end, because the done and terminal events repeat it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, assert_never

from grok2api.canonical.events import (
    CallOpened,
    Cited,
    Event,
    Failed,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Previewed,
    Produced,
    Progressed,
    Searched,
    Source,
    Sourced,
    Started,
)
from grok2api.canonical.problem import Problem
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import Answer, AnswerPart
from grok2api.dialects.base import Envelope, Settled
from grok2api.dialects.openai_responses import output
from grok2api.dialects.openai_responses.resource import Resource, incomplete
from grok2api.dialects.sse import DONE, encode_json, named

_PREFIXES: Mapping[PartKind, str] = {PartKind.TEXT: "msg_", PartKind.THINKING: "rs_"}
_IN_PROGRESS, _COMPLETED, _INCOMPLETE = "in_progress", "completed", "incomplete"


class _Item:
    """One output item while it is streamed. `record` is what it has come to, as of its last frame.

    An item without `head` has no frames for its pieces: it is told when it is whole.
    """

    __slots__ = ("annotations", "call", "head", "id", "index", "kind", "middle", "pieces", "record", "shown", "tail")

    def __init__(self, ident: str, index: int, kind: PartKind, call: CallOpened | None) -> None:
        self.id = ident
        self.index = index
        self.kind = kind
        self.call = call
        self.pieces: list[str] = []
        self.annotations: list[dict[str, Any]] = []
        self.record: dict[str, Any] = {}
        self.shown = kind is not PartKind.THINKING  # a summary part is added with the first readable words
        self.head = self.middle = self.tail = b""


class ResponseEncoder:
    """One streamed answer.

    document: the response object as of the last frame that carried one. kept: the opaque form of reasoning by item,
    where the response does not show it.
    """

    def __init__(self, request: Request, envelope: Envelope) -> None:
        self._resource = Resource(request, envelope)
        self._settle = envelope.settle
        self.kept: dict[str, str] = {}
        self._encrypted = request.include_encrypted
        self._homes = output.Homes(request.tools)
        self._number = 0
        self._records: list[_Item | dict[str, Any]] = []
        self._texts: dict[int, _Item] = {}
        self._open: _Item | None = None
        self._held: _Item | None = None
        self._sources: dict[str, Source] = {}
        self._announced = self._begun = False
        self.document: Mapping[str, Any] = self._resource.begun()

    @property
    def id(self) -> str:
        """The response's id."""
        return self._resource.id

    def queued(self) -> bytes:
        """The first frames of an answer that is made in the background: it waits for its turn."""
        out: list[bytes] = []
        self._announced = True
        self.document = self._resource.queued()
        self._send("response.created", out, response=self.document)
        self._send("response.queued", out, response=self.document)
        return b"".join(out)

    def begun(self) -> bytes:
        """The frames that say that work has begun, before there is anything to show of it."""
        out: list[bytes] = []
        self._begin(out)
        return b"".join(out)

    def cancelled(self) -> bytes:
        """The last frames of an answer that somebody gave up.

        The specification has a status for that and no event; `response.incomplete` says best that no more will come.
        """
        out: list[bytes] = []
        self._cut_short()
        self._conclude(self._resource.cancelled(self._output(), self._sources.values()), out)
        out.append(DONE)
        return b"".join(out)

    def feed(self, events: Iterable[Event], _choice: int = 0) -> bytes:
        """The frames of these events."""
        out: list[bytes] = []
        for event in events:
            item = self._open
            if type(event) is PartDelta and item is not None:
                if not item.shown:
                    self._show_summary(item, out)
                text = event.text
                item.pieces.append(text)
                if item.head:
                    out.append(b"%b%d%b%b%b" % (item.head, self._number, item.middle, encode_json(text), item.tail))
                    self._number += 1
            else:
                self._rest(event, out)
        return b"".join(out)

    def _rest(self, event: Event, out: list[bytes]) -> None:
        match event:
            case PartStarted(index, kind, call):
                self._release(_COMPLETED, out)
                self._start(index, kind, call, out)
            case PartEnded(_, encrypted):
                self._end(encrypted, out)
            case Cited():
                self._cite(event, out)
            case Searched():
                self._search(event, out)
            case Sourced(sources):
                self._remember(sources)
            case Started():
                self._begin(out)
            case Finished():
                self._finish(event, out)
            case Failed(problem):
                self._fail(problem, out)
            case PartDelta() | Previewed() | Produced() | Progressed():
                pass
            case _:
                assert_never(event)

    def _send(self, kind: str, out: list[bytes], **members: Any) -> None:
        out.append(named(kind, {"type": kind, "sequence_number": self._number, **members}))
        self._number += 1

    def _begin(self, out: list[bytes]) -> None:
        if self._begun:
            return
        self.document = self._resource.begun()
        if not self._announced:
            self._send("response.created", out, response=self.document)
        self._announced = self._begun = True
        self._send("response.in_progress", out, response=self.document)

    def _start(self, index: int, kind: PartKind, call: CallOpened | None, out: list[bytes]) -> None:
        prefix = self._homes.prefix(call) if call is not None else _PREFIXES[kind]
        item = self._open = _Item(self._resource.item_id(prefix), len(self._records), kind, call)
        self._records.append(item)
        if call is not None and self._homes.builtin(call):
            return  # announced when it is whole: only then is it known what it does
        item.record = self._value(item, _IN_PROGRESS)
        self._send("response.output_item.added", out, output_index=item.index, item=item.record)
        if kind is PartKind.TEXT:
            self._texts[index] = item
            self._at(item, "response.content_part.added", out, content_index=0, part=output.output_text("", []))
        item.head, item.middle, item.tail = _delta_frame(item)

    def _at(self, item: _Item, kind: str, out: list[bytes], **members: Any) -> None:
        self._send(kind, out, item_id=item.id, output_index=item.index, **members)

    def _show_summary(self, item: _Item, out: list[bytes]) -> None:
        item.shown = True
        part = output.summary("")
        self._at(item, "response.reasoning_summary_part.added", out, summary_index=0, part=part)

    def _value(self, item: _Item, status: str, encrypted: str | None = None) -> dict[str, Any]:
        text = "".join(item.pieces)
        if item.call is not None:
            return output.call(item.id, item.call, self._homes, text, status)
        if item.kind is PartKind.THINKING:
            return output.reasoning(item.id, text, encrypted if self._encrypted else None, status)
        content = [output.output_text(text, item.annotations)] if status != _IN_PROGRESS else []
        return output.message(item.id, content, status)

    def _end(self, encrypted: str | None, out: list[bytes]) -> None:
        item, self._open = self._open, None
        if item is None:
            return
        if item.kind is not PartKind.THINKING:
            self._held = item
            return
        item.record = self._value(item, _COMPLETED, encrypted)
        if encrypted is not None and not self._encrypted:
            self.kept[item.id] = encrypted
        if item.shown:
            [part] = item.record["summary"]
            self._at(item, "response.reasoning_summary_text.done", out, summary_index=0, text=part["text"])
            self._at(item, "response.reasoning_summary_part.done", out, summary_index=0, part=part)
        self._send("response.output_item.done", out, output_index=item.index, item=item.record)

    def _release(self, status: str, out: list[bytes]) -> None:
        """Declare the held item done."""
        item, self._held = self._held, None
        if item is None:
            return
        if item.call is None:
            item.record = self._value(item, status)
            [part] = item.record["content"]
            self._at(item, "response.output_text.done", out, content_index=0, text=part["text"], logprobs=[])
            self._at(item, "response.content_part.done", out, content_index=0, part=part)
        else:
            self._close_call(item, item.call, status, out)
        item.pieces.clear()
        self._send("response.output_item.done", out, output_index=item.index, item=item.record)

    def _close_call(self, item: _Item, call: CallOpened, status: str, out: list[bytes]) -> None:
        whole_text = output.whole_arguments(call, "".join(item.pieces))
        if not item.head:
            self._announce_builtin(item, call, whole_text, status, out)
            return
        if whole_text and not item.pieces:
            self._at(item, "response.function_call_arguments.delta", out, delta=whole_text)
        item.record = output.call(item.id, call, self._homes, whole_text, status)
        if call.custom:
            self._at(item, "response.custom_tool_call_input.done", out, input=whole_text)
        else:
            self._at(item, "response.function_call_arguments.done", out, name=call.name, arguments=whole_text)

    def _announce_builtin(self, item: _Item, call: CallOpened, arguments: str, status: str, out: list[bytes]) -> None:
        begun = output.call(item.id, call, self._homes, arguments, _IN_PROGRESS)
        self._send("response.output_item.added", out, output_index=item.index, item=begun)
        for number, command in enumerate(begun["action"]["commands"] if begun["type"] == "shell_call" else ()):
            for step in ("added", "done"):
                place = {"output_index": item.index, "command_index": number}
                self._send(f"response.shell_call_command.{step}", out, **place, command=command)
        item.record = output.call(item.id, call, self._homes, arguments, status)

    def _cite(self, cited: Cited, out: list[bytes]) -> None:
        item = self._texts.get(cited.index)
        if item is None:
            return
        note = output.annotation(cited)
        item.annotations.append(note)  # a record that is already made holds this very list
        place = len(item.annotations) - 1
        kind = "response.output_text.annotation.added"
        self._at(item, kind, out, content_index=0, annotation_index=place, annotation=note)

    def _search(self, searched: Searched, out: list[bytes]) -> None:
        self._remember(searched.sources)
        ident, index = self._resource.item_id("ws_"), len(self._records)
        record = output.search(ident, searched, _COMPLETED)
        self._records.append(record)
        announced = output.search(ident, None, "in_progress")
        self._send("response.output_item.added", out, output_index=index, item=announced)
        for step in ("in_progress", "searching", "completed"):
            self._send(f"response.web_search_call.{step}", out, item_id=ident, output_index=index)
        self._send("response.output_item.done", out, output_index=index, item=record)

    def _remember(self, sources: Iterable[Source]) -> None:
        for source in sources:
            self._sources.setdefault(source.url, source)

    def _output(self) -> list[dict[str, Any]]:
        return [record.record if isinstance(record, _Item) else record for record in self._records]

    def _finish(self, event: Finished, out: list[bytes]) -> None:
        kind = _COMPLETED if incomplete(event.finish) is None else _INCOMPLETE
        self._release(kind, out)
        self._conclude(self._resource.finished(self._output(), event.finish, event.usage, self._sources.values()), out)
        out.append(DONE)

    def _fail(self, problem: Problem, out: list[bytes]) -> None:
        self._begin(out)  # SDK helpers accept nothing before `response.created`, not even a failure
        self._cut_short()
        self._conclude(self._resource.failed(self._output(), problem, self._sources.values()), out)

    def _cut_short(self) -> None:
        """What has not ended stays without an end."""
        for item in (self._open, self._held):
            if item is not None and not item.head:
                self._records.remove(item)
            elif item is not None:
                item.record = self._value(item, _INCOMPLETE)

    def _conclude(self, response: dict[str, Any], out: list[bytes]) -> None:
        """The terminal frame; who keeps answers is told of it."""
        self.document = response
        status = response["status"]
        kind = f"response.{_INCOMPLETE if status == 'cancelled' else status}".encode()
        body = settled(response, self.kept, self._settle)
        frame = b'event: %b\ndata: {"type":"%b","sequence_number":%d,"response":%b}\n\n'
        out.append(frame % (kind, kind, self._number, body))
        self._number += 1


def settled(response: dict[str, Any], kept: Mapping[str, str], settle: Callable[[Settled], None] | None) -> bytes:
    """A response that is over, as JSON; who keeps answers is told of it."""
    body = encode_json(response)
    if settle is not None:
        settle(Settled(ident=response["id"], status=response["status"], body=body, kept=kept))
    return body


def whole(request: Request, answer: Answer, envelope: Envelope) -> bytes:
    """The response object of a whole answer, as JSON."""
    resource = Resource(request, envelope)
    homes = output.Homes(request.tools)
    cut = answer.parts[-1] if answer.parts and incomplete(answer.finish) is not None else None
    items: list[dict[str, Any]] = []
    kept: dict[str, str] = {}
    for entry in answer.order:
        if isinstance(entry, AnswerPart):
            status = _INCOMPLETE if entry is cut else _COMPLETED
            item = _whole_part(entry, status, request.include_encrypted, homes, resource)
            items.append(item)
            if entry.encrypted is not None and not request.include_encrypted:
                kept[item["id"]] = entry.encrypted
        elif isinstance(entry, Searched):
            items.append(output.search(resource.item_id("ws_"), entry, _COMPLETED))
    response = resource.finished(items, answer.finish, answer.usage, answer.sources)
    return settled(response, kept, envelope.settle)


def _whole_part(
    part: AnswerPart, status: str, encrypted: bool, homes: output.Homes, resource: Resource
) -> dict[str, Any]:
    if part.call is not None:
        ident = resource.item_id(homes.prefix(part.call))
        return output.call(ident, part.call, homes, output.whole_arguments(part.call, part.text), status)
    ident = resource.item_id(_PREFIXES[part.kind])
    if part.kind is PartKind.THINKING:
        return output.reasoning(ident, part.text, part.encrypted if encrypted else None)
    notes = [output.annotation(cited) for cited in part.citations]
    return output.message(ident, [output.output_text(part.text, notes)], status)


def _delta_frame(item: _Item) -> tuple[bytes, bytes, bytes]:
    """A delta frame around its sequence number and its text: the parts that are the same in every one."""
    kind, place, rest = "response.output_text.delta", b',"content_index":0', b',"logprobs":[]'
    if item.kind is PartKind.THINKING:
        kind, place, rest = "response.reasoning_summary_text.delta", b',"summary_index":0', b""
    elif item.call is not None:
        name = "custom_tool_call_input" if item.call.custom else "function_call_arguments"
        kind, place, rest = f"response.{name}.delta", b"", b""
    head = b'event: %b\ndata: {"type":"%b","sequence_number":' % (kind.encode(), kind.encode())
    middle = b',"item_id":%b,"output_index":%d%b,"delta":' % (encode_json(item.id), item.index, place)
    return head, middle, rest + b"}\n\n"
