"""Scripts as grok.com's lines of JSON (NDJSON over REST).

Pure. Field names and order follow the recorded shapes of the chat endpoint: conversation, user echo, model
info, thinking and tool cards, answer tokens, soft stop, `modelResponse`, `finalMetadata`.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from grok2api.simulator import drawing
from grok2api.simulator.render import Frame, FrameKind, Ids, InBand, Rendered, RenderOptions, encode
from grok2api.simulator.script import (
    Call,
    Cite,
    Decline,
    Picture,
    Say,
    Script,
    Search,
    Step,
    Think,
    calls_as_text,
    tokens,
)

MODEL_HASH = "simulated0000"


def render(script: Script, asked: str, ids: Ids, options: RenderOptions) -> Rendered:
    """The lines of one answer to the message `asked`."""
    lines = _Lines(script, asked, ids, options)
    frames = [lines.frame(kind, value) for kind, value in lines.all()]
    return Rendered(_glue(frames) if options.glued else frames, {})


def error(problem: InBand) -> bytes:
    """One line that says what went wrong."""
    fault = {"code": problem.code, "message": problem.message, "details": []}
    shapes: dict[str, Any] = {
        "top": {"error": fault},
        "nested": {"result": {"response": {"error": fault}}},
        "late": {"result": {"response": {"modelResponse": {"message": "", "streamErrors": [fault]}}}},
    }
    return encode(shapes[problem.place]) + b"\n"


def _glue(frames: list[Frame]) -> list[Frame]:
    """Pairs of lines without the newline between them."""
    glued = []
    for pair in _pairs(frames):
        kind: FrameKind = next((frame.kind for frame in pair if frame.kind == "token"), pair[0].kind)
        glued.append(Frame(b"".join(frame.data.rstrip(b"\n") for frame in pair) + b"\n", kind))
    return glued


def _pairs(frames: list[Frame]) -> Iterator[list[Frame]]:
    for at in range(0, len(frames), 2):
        yield frames[at : at + 2]


class _Lines:
    """The lines of one answer, as values."""

    def __init__(self, script: Script, asked: str, ids: Ids, options: RenderOptions) -> None:
        self._script, self._asked, self._ids, self._options = script, asked, ids, options
        self._step = 0
        self._cards = itertools.count(1)
        self._drawn = itertools.count()
        self._cited: list[str] = []
        self._message: list[str] = []
        self._pictures: list[str] = []
        self._card_texts: list[str] = []

    def frame(self, kind: FrameKind, result: dict[str, Any]) -> Frame:
        if self._options.flat and "response" in result:
            result = result["response"]
        data = encode({"result": result}) + b"\n"
        return Frame(b"data: " + data if self._options.prefixed else data, kind)

    def all(self) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
        yield from self._opening()
        steps = iter(self._script.steps)
        for step in steps:
            if isinstance(step, Call):
                calls, after = _run_of_calls(step, steps)
                yield from self._say(calls_as_text(calls))
                if after is None:
                    break
                step = after
            yield from self._render(step)
        yield from self._closing()

    def _opening(self) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
        if not self._ids.continued:
            conversation = {"conversationId": self._ids.conversation, "title": "", "temporary": True}
            yield "meta", {"conversation": conversation}
        echo = {"responseId": self._ids.user, "message": self._asked, "sender": "human"}
        yield "meta", self._response(userResponse=echo, isThinking=False, isSoftStop=False)
        yield "meta", self._response(llmInfo={"modelHash": MODEL_HASH}, isThinking=False, isSoftStop=False)
        if self._options.unknown:
            yield "meta", self._response(uiLayout={"effort": "LOW", "steerModelId": None})
            yield "meta", {"somethingNew": {"since": "yesterday"}}

    def _response(self, **fields: Any) -> dict[str, Any]:
        return {"response": {**fields, "responseId": self._ids.answer}}

    def _render(self, step: Step) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
        match step:
            case Think():
                yield self._think(step)
            case Search():
                yield from self._search(step)
            case Say(text) | Decline(text):
                yield from self._say(text)
            case Cite():
                yield from self._cite(step)
            case Picture():
                yield from self._picture(step)
            case Call():
                yield from self._say(calls_as_text((step,)))

    def _think(self, step: Think) -> tuple[FrameKind, dict[str, Any]]:
        self._step += 1
        text = step.text if step.tag == "header" else f"- {step.text}"
        return "thought", self._response(
            token=text,
            isThinking=True,
            isSoftStop=False,
            messageTag=step.tag,
            messageStepId=self._step,
            rolloutId=step.agent,
        )

    def _search(self, step: Search) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
        self._step += 1
        card = f"tc-{next(self._cards)}"
        tool, key = ("x_keyword_search", "xKeywordSearch") if step.on_x else ("web_search", "webSearch")
        xml = (
            f"<xai:tool_usage_card><xai:tool_usage_card_id>{card}</xai:tool_usage_card_id>"
            f"<xai:tool_name>{tool}</xai:tool_name><xai:tool_args><![CDATA[{encode({'query': step.query}).decode()}]]>"
            "</xai:tool_args></xai:tool_usage_card>"
        )
        common = {"isThinking": True, "messageStepId": self._step, "rolloutId": step.agent}
        usage: dict[str, Any] = {"toolUsageCardId": card}
        if not self._options.card_xml_only:
            usage["toolUsageCard"] = {"toolUsageCardId": card, key: {"args": {"query": step.query}}}
        yield "card", self._response(token=xml, messageTag="tool_usage_card", **usage, **common)
        if step.web:
            web = [{"url": hit.url, "title": hit.title, "preview": hit.preview} for hit in step.web]
            yield "card", self._response(webSearchResults={"results": web}, toolUsageCardId=card, **common)
        if step.posts:
            posts = [{"postId": post.post_id, "username": post.username, "text": post.text} for post in step.posts]
            yield "card", self._response(xSearchResults={"results": posts}, toolUsageCardId=card, **common)
        yield "card", self._response(token="", messageTag="raw_function_result", toolUsageCardId=card, **common)

    def _say(self, text: str) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
        self._message.append(text)
        for piece in tokens(text):
            yield "token", self._response(token=piece, isThinking=False, isSoftStop=False, messageTag="final")

    def _card(self, value: dict[str, Any]) -> tuple[FrameKind, dict[str, Any]]:
        text = encode(value).decode()
        self._card_texts.append(text)
        return "card", self._response(cardAttachment={"jsonData": text}, isThinking=False, messageTag="final")

    def _tag(self, card: str, kind: str, card_type: str, argument: str = "") -> str:
        return f'<grok:render card_id="{card}" card_type="{card_type}" type="{kind}">{argument}</grok:render>'

    def _cite(self, step: Cite) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
        if step.url not in self._cited:
            self._cited.append(step.url)
        card, kind = f"ci-{next(self._cards)}", "render_inline_citation"
        yield self._card({"id": card, "type": kind, "cardType": "citation_card", "url": step.url})
        number = self._cited.index(step.url)
        tag = self._tag(card, kind, "citation_card", f'<argument name="citation_id">{number}</argument>')
        self._message.append(tag)
        yield "card", self._response(token=tag, isThinking=False, isSoftStop=False, messageTag="final")

    def _picture(self, step: Picture) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
        ident = f"ig-{next(self._cards)}"
        for chunk in drawing.steps(step, next(self._drawn), self._ids):
            if chunk["progress"] >= 100 and not step.moderated:
                self._pictures.append(chunk["imageUrl"])
            yield self._card(drawing.card(ident, chunk))
        tag = self._tag(ident, drawing.RENDER, drawing.CARD)
        self._message.append(tag)
        yield "card", self._response(token=tag, isThinking=False, isSoftStop=False, messageTag="final")

    def _closing(self) -> Iterator[tuple[FrameKind, dict[str, Any]]]:
        if self._options.soft_stop:
            yield "end", self._response(token="", isThinking=False, isSoftStop=True, messageTag="final")
        whole = {
            "responseId": self._ids.answer,
            "parentResponseId": self._ids.user,
            "message": "".join(self._message),
            "sender": "assistant",
            "generatedImageUrls": self._pictures,
            "fileAttachments": [],
            "cardAttachmentsJson": self._card_texts,
            "streamErrors": [],
            "metadata": {"llm_info": {"modelHash": MODEL_HASH}},
        }
        for _ in range(self._options.model_responses):
            yield "end", self._response(modelResponse=whole)
        if self._options.final_metadata:
            final: dict[str, Any] = {"followUpSuggestions": [], "feedbackLabels": [], "toolsUsed": {}}
            yield "end", self._response(finalMetadata=final)
        if self._options.ends and not self._ids.continued:
            yield "end", {"title": {"newTitle": "Simulated"}}


def _run_of_calls(first: Call, rest: Iterator[Step]) -> tuple[list[Call], Step | None]:
    """Calls that stand together are one block; also what came after them."""
    calls = [first]
    for step in rest:
        if not isinstance(step, Call):
            return calls, step
        calls.append(step)
    return calls, None
