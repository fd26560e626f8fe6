"""The grok.com chat stream: bytes in, facts out.

Pure: parses, sends nothing. The body may be cut anywhere, also inside a character or a line ending; each line is
decoded once. Errors come inside a 200, often as the first line. An answer ends softly (`isSoftStop`) before its last
frames have come: then `stopping` is true, and the adapter bounds how long it still listens. What this version does
not know is skipped, but a stream of nothing else is a failure with its bytes kept, never an empty answer.
Transcripts: tests/transcripts/grok_web/.
"""

from typing import Any

from grok2api.canonical.events import Fact
from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.grok_web.cards import read_cards, read_chunk
from grok2api.upstreams.grok_web.frames import (
    Envelope,
    Response,
    decode,
    decode_higher,
    fitted,
    is_known,
    unglued,
)
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.sources import web_sources, x_sources
from grok2api.upstreams.grok_web.teller import WHAT, Teller, cut
from grok2api.upstreams.grok_web.thinking import read_tool
from grok2api.upstreams.mending import Mender
from grok2api.upstreams.reading import MALFORMED, decode_any
from grok2api.upstreams.refusals import classify

_HEAD_BYTES = 4096
_EVIDENCE_BYTES = 400
_BRACE = ord("{")
_ANSWER_TAGS = (None, "", "final")
_THINKING_TAGS = ("header", "summary", "analysis")
_SILENT_TAGS = ("tool_usage_card", "raw_function_result")
_NOT_DATA = (b"event:", b"id:", b"retry:", b":")


class Parser:
    """One answer. Feed it every read of the body and close it at the end; the last fact is `Ended` or `Failed`."""

    __slots__ = (
        "_head",
        "_known",
        "_limit",
        "_mender",
        "_response_seen",
        "_say",
        "_size",
        "_strange",
        "_tail",
        "_teller",
        "_torn",
        "stopping",
    )

    def __init__(self, options: WebOptions) -> None:
        self._teller = Teller(assets_url=options.assets_url, show_sources=options.show_search_sources)
        self._say = self._teller.text.feed
        self._limit = options.max_line_bytes
        self._mender = Mender("token")
        self._tail: list[bytes] = []  # pieces of the line that has not ended
        self._size = 0
        self._head = b""  # what the body began with, until something known has come
        self._strange = b""
        self._known = False
        self._torn = False  # the last line is the beginning of a frame and no more
        self._response_seen = False
        self.stopping = False

    @property
    def over(self) -> bool:
        """Whether the last fact has been told."""
        return self._teller.over

    @property
    def withheld(self) -> int:
        """How many pictures and films were made and are kept back."""
        return self._teller.pictures.withheld + self._teller.films.withheld

    @property
    def film_id(self) -> str:
        """The id of the film that was begun; empty when there is none."""
        return self._teller.films.id

    @property
    def film_poster(self) -> str:
        """Where a picture of the film is; empty when that was not told."""
        return self._teller.films.poster

    @property
    def unnamed(self) -> tuple[str, ...]:
        """Ids of files that the answer brought, to be used where it named no URL."""
        film = self._teller.films.asset
        return tuple(dict.fromkeys([film, *self._teller.attachments] if film else self._teller.attachments))

    def feed(self, data: bytes) -> list[Fact]:
        """The facts of one read."""
        out: list[Fact] = []
        if not self._known and len(self._head) < _HEAD_BYTES:
            self._head += data[: _HEAD_BYTES - len(self._head)]
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines and self._size:
            lines[0] = self._whole(lines[0])
        teller, limit = self._teller, self._limit
        for line in lines:
            if teller.over:
                return out
            if len(line) > limit:
                teller.fail(self._overlong(line), out)
            elif line:
                self._line(line, out)
        if rest and not teller.over:
            self._keep(rest, out)
        return out

    def close(self) -> list[Fact]:
        """The facts of the body's end."""
        out: list[Fact] = []
        self._torn = False
        if self._size and not self._teller.over:
            self._line(self._whole(b""), out)
        if not self._known and self._head.strip():
            self._teller.fail(classify(200, {}, self._head, what=WHAT), out)
        if self._torn and not self.stopping:
            self._teller.fail(cut(), out)
        self._teller.end(out, evidence=self._strange)
        return out

    def broken(self, problem: Problem) -> list[Fact]:
        """The facts of a body that broke off: a failure, unless the answer had ended softly before."""
        if self.stopping:
            return self.close()
        out: list[Fact] = []
        self._teller.fail(problem, out)
        return out

    def _whole(self, end: bytes) -> bytes:
        self._tail.append(end)
        line = b"".join(self._tail)
        self._tail.clear()
        self._size = 0
        return line

    def _keep(self, piece: bytes, out: list[Fact]) -> None:
        self._tail.append(piece)
        self._size += len(piece)
        if self._size > self._limit:
            self._teller.fail(self._overlong(self._whole(b"")), out)

    def _overlong(self, line: bytes) -> Problem:
        message = f"{WHAT} sent a frame longer than {self._limit} bytes"
        return Problem(kind=Kind.UPSTREAM, message=message, evidence=line[:_EVIDENCE_BYTES])

    def _line(self, line: bytes, out: list[Fact]) -> None:
        if line[0] != _BRACE:
            line = self._bared(line)
            if not line:
                return
            if line == b"[DONE]":
                self._known = True
                self._teller.end(out, evidence=self._strange)
                return
        try:
            envelope = decode(line)
        except MALFORMED:
            self._unglue(line, out)
            return
        result = envelope.result
        if result is not None and result.response is not None:
            self._response(result.response, line, out)
        else:
            self._other(envelope, line, out)

    def _bared(self, line: bytes) -> bytes:
        """The line without what server-sent events put around it; nothing when it is no data."""
        line = line.strip()
        if line.startswith(b"data:"):
            return line[5:].strip()
        return b"" if line.startswith(_NOT_DATA) else line

    def _unglue(self, line: bytes, out: list[Fact]) -> None:
        found = False
        for text in unglued(line):
            if self._teller.over:
                return
            envelope = self._mended(text)
            if envelope is None:
                continue
            found = True
            if envelope.result is not None and envelope.result.response is not None:
                self._response(envelope.result.response, text, out)
            else:
                self._other(envelope, text, out)
        self._torn = line[0] == _BRACE and not (found and line.rstrip().endswith(b"}"))
        if not found:
            self._wonder(line)

    def _mended(self, text: bytes) -> Envelope | None:
        """A frame that strict reading may have refused."""
        try:
            return decode(text)
        except MALFORMED:
            mended = self._mender.mend(text)
        try:
            return decode(fitted(mended)) if mended is not None else None
        except MALFORMED:
            return None

    def _other(self, envelope: Envelope, line: bytes, out: list[Fact]) -> None:
        """A line that is no response in its usual place."""
        result = envelope.result
        if result is None or envelope.error is not None:
            self._error(envelope, line, out)
        elif result.conversation is not None or result.title is not None:
            self._known = True
        else:
            self._higher(line, out)

    def _error(self, envelope: Envelope, line: bytes, out: list[Fact]) -> None:
        error = decode_any(line)
        if envelope.error is not None or (isinstance(error, dict) and "code" in error):
            self._teller.refuse(error, out)
        else:
            self._wonder(line)

    def _higher(self, line: bytes, out: list[Fact]) -> None:
        try:
            response = decode_higher(line).result
        except MALFORMED:
            response = None
        if response is None:
            self._wonder(line)
        else:
            self._response(response, line, out)

    def _response(self, frame: Response, line: bytes, out: list[Fact]) -> None:
        if frame.error is not None:
            self._teller.refuse({"error": frame.error}, out)
            return
        token = frame.token
        if not self._known or token is None:
            if not is_known(frame):
                self._wonder(line)
                return
            self._known = True
        if frame.card_attachment is not None or frame.card_attachments is not None:
            self._cards(frame.card_attachment, frame.card_attachments, out=out)
        if token:
            if not frame.is_thinking and frame.message_tag in _ANSWER_TAGS and frame.tool_usage_card is None:
                self._say(token, out)
            else:
                self._aside(frame, token, out)
        if not token or frame.tool_usage_card_id is not None:
            self._work(frame, out)
        if frame.model_response is not None:
            self._whole_response(frame.model_response, out)
        if frame.is_soft_stop or frame.final_metadata is not None or self.stopping:
            self._ending(frame, out)

    def _aside(self, frame: Response, token: str, out: list[Fact]) -> None:
        """A token that is not plainly the answer's."""
        tag, rollout = frame.message_tag, frame.rollout_id or ""
        if tag in _SILENT_TAGS or frame.tool_usage_card is not None:
            if tag == "tool_usage_card" or frame.tool_usage_card is not None:
                self._tool(frame, token, out)
        elif not frame.is_thinking and tag not in _THINKING_TAGS:
            self._teller.text.feed(token, out)
        elif tag or rollout or frame.message_step_id is not None:
            self._teller.reasoning.line(token, rollout, out)
        else:
            self._teller.reasoning.piece(token, out)

    def _work(self, frame: Response, out: list[Fact]) -> None:
        """What the upstream's own tools do and find."""
        if frame.tool_usage_card is not None and not frame.token:
            self._tool(frame, "", out)
        web = (frame.web_search_results, frame.cited_web_search_results)
        posts = (frame.x_search_results, frame.xposts, frame.cited_xposts)
        if any(value is not None for value in web + posts):
            found = [*web_sources(*web), *x_sources(*posts)]
            self._teller.sources.found(frame.tool_usage_card_id, found, out)
        step = frame.streaming_image_generation_response
        chunk = read_chunk(step) if step is not None else None
        if chunk is not None:
            self._teller.pictures.step(chunk, out)
        if frame.streaming_video_generation_response is not None:
            self._teller.films.step(frame.streaming_video_generation_response, out)

    def _tool(self, frame: Response, xml: str, out: list[Fact]) -> None:
        tool = read_tool(frame.tool_usage_card, frame.tool_usage_card_id or "", xml, decode_any)
        if tool is not None:
            self._teller.tool(tool, frame.rollout_id or "", out)

    def _cards(self, *values: Any, out: list[Fact]) -> None:
        for card in read_cards(*values):
            self._teller.card(card, out)

    def _whole_response(self, response: Any, out: list[Fact]) -> None:
        """The whole answer once more: mends what was missed. It comes up to twice."""
        self._response_seen = True
        if not isinstance(response, dict):
            return
        self._cards(response.get("cardAttachmentsJson"), out=out)
        links = response.get("generatedImageUrls")
        for link in links if isinstance(links, list) else ():
            if isinstance(link, str):
                self._teller.pictures.linked(link, out)
        files = response.get("fileAttachments")
        self._teller.attachments += [file for file in files if isinstance(file, str)] if isinstance(files, list) else []
        message, errors = response.get("message"), response.get("streamErrors")
        if isinstance(message, str) and message:
            self._teller.text.complete(message, out)
        if isinstance(errors, list) and errors:
            self._teller.refuse(errors[0], out)

    def _ending(self, frame: Response, out: list[Fact]) -> None:
        if frame.is_soft_stop:
            self.stopping = True
        complete = self._response_seen and not self._teller.unfinished
        if frame.final_metadata is not None or (self.stopping and complete):
            self._teller.end(out, evidence=self._strange)

    def _wonder(self, line: bytes) -> None:
        """Keep the first bytes that were not understood, for the log of an answer that came to nothing."""
        if not self._strange:
            self._strange = line[:_EVIDENCE_BYTES]
