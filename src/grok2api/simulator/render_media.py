"""Scripts as grok.com's lines of JSON for an edit or a film: the same stream as a chat, with frames of progress.

Pure. A `token` frame is one step of progress, so faults that count tokens count those.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from grok2api.simulator.render import Frame, FrameKind, Ids, Rendered, RenderOptions, answer_text, encode
from grok2api.simulator.script import Film, Picture, Script


class MediaAsked(msgspec.Struct, frozen=True):
    """What the renderer wants to know of the request. `resolution` is empty for an edit."""

    prompt: str
    resolution: str = ""


_Line = tuple[FrameKind, dict[str, Any]]


def render(script: Script, asked: MediaAsked, ids: Ids, options: RenderOptions) -> Rendered:
    """The lines of one edit or film."""
    film = script.film
    told = _pictures(script, ids, options) if film is None else _film(film, asked, ids, options)
    lines = [*_opening(asked, ids, options), *told]
    prefix = b"data: " if options.prefixed else b""
    return Rendered([Frame(prefix + encode({"result": value}) + b"\n", kind) for kind, value in lines], {})


def film_id(ids: Ids) -> str:
    """The id of the film, of its post and of its file."""
    return ids.made(0)


def _response(ids: Ids, **fields: Any) -> dict[str, Any]:
    return {"response": {**fields, "responseId": ids.answer}}


def _opening(asked: MediaAsked, ids: Ids, options: RenderOptions) -> Iterator[_Line]:
    yield "meta", {"conversation": {"conversationId": ids.conversation, "title": "", "temporary": True}}
    echo = {"responseId": ids.user, "message": asked.prompt, "sender": "human"}
    yield "meta", _response(ids, userResponse=echo, isThinking=False, isSoftStop=False)
    if options.unknown:
        yield "meta", _response(ids, uiLayout={"effort": "LOW"})


def _closing(ids: Ids, options: RenderOptions, words: str, response: dict[str, Any]) -> Iterator[_Line]:
    if words:
        yield "meta", _response(ids, token=words, isThinking=False, isSoftStop=False, messageTag="final")
    if options.soft_stop:
        yield "end", _response(ids, token="", isThinking=False, isSoftStop=True, messageTag="final")
    if not options.early_response:
        for _ in range(options.model_responses):
            yield "end", _response(ids, modelResponse=response)
    if options.final_metadata:
        yield "end", _response(ids, finalMetadata={"followUpSuggestions": []})


def _whole(ids: Ids, urls: list[str], files: list[str]) -> dict[str, Any]:
    return {
        "responseId": ids.answer,
        "parentResponseId": ids.user,
        "message": "",
        "generatedImageUrls": urls,
        "fileAttachments": files,
        "cardAttachmentsJson": [],
        "streamErrors": [],
    }


def _pictures(script: Script, ids: Ids, options: RenderOptions) -> Iterator[_Line]:
    drawn = [(nth, ids.picture(nth, step), step) for nth, step in enumerate(script.pictures)]
    for number in range(max((len(step.progress) for _, _, step in drawn), default=0)):
        for nth, ident, step in drawn:
            percent = step.progress[number] if number < len(step.progress) else 0
            if percent and (percent < 100 or options.final_frame):
                yield "token", _response(ids, streamingImageGenerationResponse=_drawn(ids, nth, ident, percent, step))
    come = [(ident, step) for _, ident, step in drawn if step.comes]
    urls = [ids.path(ident, f"image.{step.form}") for ident, step in come] if options.generated_urls else []
    words = answer_text(script) or ("I edited the picture as you asked." if come else "")
    yield from _closing(ids, options, words, _whole(ids, urls, [ident for ident, _ in come]))


def _drawn(ids: Ids, nth: int, ident: str, percent: int, step: Picture) -> dict[str, Any]:
    done = percent >= 100
    folder = ident if done else f"{ident}-part-{percent}"
    shown = {"imageUrl": ids.path(folder, f"image.{step.form}")} if not (done and step.moderated) else {}
    told = {"imageId": ident, "imageIndex": nth, **shown, "progress": percent, "moderated": done and step.moderated}
    return {**told, "assetId": ident, "isFinal": True} if done else told


def _film(step: Film, asked: MediaAsked, ids: Ids, options: RenderOptions) -> Iterator[_Line]:
    ident = film_id(ids)
    response = _whole(ids, [], [ident] if step.comes else [])
    for percent in step.progress:
        done = percent >= 100
        if done and options.early_response:
            yield "end", _response(ids, modelResponse=response)
        if not done or options.final_frame:
            told = {"videoId": ident, "videoPostId": ident, "progress": percent, "moderated": done and step.moderated}
            told |= _finished(asked, ids, ident, options) if done and not step.moderated else {}
            yield "token", _response(ids, streamingVideoGenerationResponse=told)
    yield from _closing(ids, options, "I generated a video." if step.comes else "", response)


def _finished(asked: MediaAsked, ids: Ids, ident: str, options: RenderOptions) -> dict[str, Any]:
    url = {"videoUrl": ids.path(ident, "generated_video.mp4")} if options.film_url else {}
    return {
        "assetId": ident,
        **url,
        "thumbnailImageUrl": ids.path(ident, "preview_image.jpg"),
        "resolutionName": asked.resolution,
    }
