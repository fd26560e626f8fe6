"""grok.com's newer chat gateway over a WebSocket: JSON messages out, facts in.

Pure. A session is created, a conversation attached to it, then one message put and an answer asked for. Text comes in
chunks with a channel, searches and cards in events of their own; `response.done` ends the answer, and a socket that
closes before that has cut it off. Source: the protocol document's appendix A with correction 2: the id that later
messages carry is the attached conversation's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec

from grok2api.canonical.events import Fact, Finish
from grok2api.canonical.problem import Problem
from grok2api.upstreams.grok_web.cards import Card, read_cards
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.sources import web_sources, x_sources
from grok2api.upstreams.grok_web.teller import Teller, cut
from grok2api.upstreams.grok_web.thinking import read_tool
from grok2api.upstreams.mending import Mender
from grok2api.upstreams.reading import MALFORMED, decode_any

_ANSWER = "CHANNEL_ASSISTANT_RESPONSE"
_THINKING = ("CHANNEL_ANALYSIS", "CHANNEL_REASONING")
_FINISH_OF_REASON = {
    "max_output_tokens": Finish.LENGTH,
    "length": Finish.LENGTH,
    "content_filter": Finish.CONTENT_FILTER,
}


def socket_url(options: WebOptions, user_id: str) -> str:
    """Where to connect."""
    base = options.ws_url or "ws" + options.base_url.removeprefix("http")
    return f"{base}/ws/mgw/?uid={quote(user_id, safe='')}"


def session_create(mode: str, options: WebOptions) -> str:
    """The first message; `mode` is the wire's own word."""
    settings = {
        "protocol_capabilities": ["conversation_attached", "custom_methods_v1"],
        "use_chunk": True,
        "enable_side_by_side": True,
        "force_side_by_side": False,
        "enable_image_generation": True,
        "image_generation_count": 2,
        "disable_text_follow_ups": False,
        "disable_artifact": True,
        "force_concise": False,
        "keep_context": False,
        "is_temporary": options.temporary,
        "disable_memory": not options.memory,
    }
    session = {"model": mode, "x_grok": settings}
    return _message({"type": "session.create", "event_id": "evt_init_0001", "session": session})


def ask(
    session_id: str, text: str, message_id: str, now_ms: int, options: WebOptions, files: Sequence[str] = ()
) -> tuple[str, str]:
    """The two messages that put a question; `files` are ids of uploaded files.

    The operator's instruction goes first: this wire has no field for it.
    """
    if options.custom_instruction:
        text = f"[system]: {options.custom_instruction}\n\n{text}"
    mentions: list[dict[str, Any]] = [{"mention": {"target": {"file_mention": {"file_id": file}}}} for file in files]
    item: dict[str, Any] = {
        "type": "message",
        "role": "user",
        "x_grok": {"client_message_id": message_id, "input_chunks": [*mentions, {"text": {"text": text}}]},
    }
    if files:
        item["file_attachment_ids"] = list(files)
    put = {"type": "conversation.item.create", "event_id": f"evt_msg_{now_ms}", "item": item}
    answer = {"type": "response.create", "event_id": f"evt_resp_{now_ms + 1}"}
    return _message(put, session_id), _message(answer, session_id)


def ping(now_ms: int) -> str:
    """The heartbeat."""
    return _message({"type": "ping", "event_id": f"evt_hb_{now_ms}"})


def _message(event: dict[str, Any], session_id: str = "") -> str:
    envelope = {"session_id": session_id, "event": event} if session_id else {"event": event}
    return msgspec.json.encode(envelope).decode()


class _Words(msgspec.Struct, gc=False):
    text: str | None = None
    channel: str | None = None


class _Chunk(msgspec.Struct, gc=False):
    text: _Words | None = None
    tool_usage_card: Any = None
    tool_result: Any = None
    render_citation: Any = None


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    chunk: _Chunk | None = None
    delta: str | None = None
    text: str | None = None
    conversation: Any = None
    result: Any = None
    output: Any = None
    response: Any = None
    error: Any = None
    code: Any = None
    message: Any = None


class _Envelope(_Event, gc=False):
    """A message; the event is inside, or is the message itself."""

    event: _Event | None = None


_decode = msgspec.json.Decoder(_Envelope).decode


class GatewayParser:
    """One answer over a socket. `session_id` is empty until the question may be put."""

    __slots__ = ("_attached", "_chunked", "_created", "_mender", "_teller")

    def __init__(self, options: WebOptions) -> None:
        self._teller = Teller(assets_url=options.assets_url, show_sources=options.show_search_sources)
        self._mender = Mender("text", "delta")
        self._created = False
        self._attached = ""
        self._chunked = False

    @property
    def over(self) -> bool:
        """Whether the last fact has been told."""
        return self._teller.over

    @property
    def session_id(self) -> str:
        return self._attached if self._created else ""

    def feed(self, text: str) -> list[Fact]:
        """The facts of one message."""
        out: list[Fact] = []
        if self._teller.over:
            return out
        envelope = self._read(text)
        if envelope is None:
            return out
        event: _Event = envelope.event or envelope
        chunk = event.chunk
        if chunk is not None and chunk.text is not None:
            self._words(chunk.text, out)
        else:
            handler = self._HANDLERS.get(event.type)
            if handler is not None:
                handler(self, event, out)
        return out

    def _read(self, text: str) -> _Envelope | None:
        try:
            return _decode(text)
        except MALFORMED:
            mended = self._mender.mend(text)
        try:
            return _decode(mended) if mended is not None else None
        except MALFORMED:
            return None

    def close(self) -> list[Fact]:
        """The facts of a socket that closed."""
        return self.broken(cut())

    def broken(self, problem: Problem) -> list[Fact]:
        """The facts of a socket that broke."""
        out: list[Fact] = []
        self._teller.fail(problem, out)
        return out

    def _words(self, words: _Words, out: list[Fact]) -> None:
        self._chunked = True
        if not words.text:
            return
        if words.channel == _ANSWER:
            self._teller.text.feed(words.text, out)
        elif words.channel in _THINKING:
            self._teller.reasoning.piece(words.text, out)

    def _on_created(self, event: _Event, out: list[Fact]) -> None:
        self._created = True

    def _on_attached(self, event: _Event, out: list[Fact]) -> None:
        self._attached = _member(event.conversation, "id")

    def _on_chunk(self, event: _Event, out: list[Fact]) -> None:
        chunk = event.chunk
        if chunk is None:
            return
        self._chunked = True
        if chunk.tool_usage_card is not None:
            tool = read_tool(chunk.tool_usage_card, "", "", decode_any)
            if tool is not None:
                self._teller.tool(tool, "", out)
        result = chunk.tool_result
        if isinstance(result, dict):
            pages, posts = (result.get(name) or {} for name in ("web_search", "x_post"))
            found = [*web_sources(_inside(pages, "webpages")), *x_sources(_inside(posts, "posts"))]
            self._teller.sources.found(_member(result, "tool_call_id"), found, out)
        citation = chunk.render_citation
        url = _member(citation, "url")
        if url:
            self._teller.card(Card(id=_member(citation, "id"), url=url), out)
            self._teller.text.cite(url, out)

    def _on_delta(self, event: _Event, out: list[Fact]) -> None:
        if event.delta and not self._chunked:
            self._teller.text.feed(event.delta, out)

    def _on_text_done(self, event: _Event, out: list[Fact]) -> None:
        if event.text:
            self._teller.text.complete(event.text, out)

    def _on_search_result(self, event: _Event, out: list[Fact]) -> None:
        self._teller.sources.found(None, web_sources([event.result]), out)

    def _on_output(self, event: _Event, out: list[Fact]) -> None:
        if not isinstance(event.output, dict):
            return
        for card in read_cards(event.output.get("card_attachment")):
            self._teller.card(card, out)
        error = event.output.get("stream_error")
        if error:
            self._teller.refuse(error, out)

    def _on_done(self, event: _Event, out: list[Fact]) -> None:
        status = _member(event.response, "status") or "completed"
        reason = _member(_inside(event.response, "status_details"), "reason")
        if status == "completed":
            self._teller.end(out)
        elif reason in _FINISH_OF_REASON:
            self._teller.end(out, _FINISH_OF_REASON[reason])
        elif status == "failed":
            details = _inside(event.response, "status_details")
            self._teller.refuse(_inside(details, "error") or reason, out)
        else:
            self._teller.fail(cut(), out)

    def _on_session_ended(self, event: _Event, out: list[Fact]) -> None:
        self._teller.end(out)

    def _on_error(self, event: _Event, out: list[Fact]) -> None:
        self._teller.refuse({"code": event.code, "message": event.message} if event.error is None else event.error, out)

    _HANDLERS: ClassVar[Mapping[str, Callable[["GatewayParser", _Event, list[Fact]], None]]] = {
        "session.created": _on_created,
        "conversation.attached": _on_attached,
        "response.chunk": _on_chunk,
        "response.output_text.delta": _on_delta,
        "response.output_text.done": _on_text_done,
        "response.search.result": _on_search_result,
        "response.grok.output": _on_output,
        "response.done": _on_done,
        "session.ended": _on_session_ended,
        "error": _on_error,
    }


def _inside(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _member(value: Any, name: str) -> str:
    inner = _inside(value, name)
    return inner if isinstance(inner, str) else ""
