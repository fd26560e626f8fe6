"""Films on grok.com: a conversation with the film model, in two forms, and longer films in segments.

Pure. A call makes six or ten seconds; what is longer is an extension of it, which begins one frame after the end of the
film so far and comes back as the whole film. The older form refers to a media post. The newer one is a single call; how
it extends a film is not known, so there the older form's extension is used, with the film's own post. The stream is
read by `media_reading`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from grok2api.canonical.media import Checkpoint, VideoRequest
from grok2api.upstreams.base import Credential, HttpCall
from grok2api.upstreams.grok_web.call import CONVERSATION, post_call
from grok2api.upstreams.grok_web.media_post_wire import IMAGINE, post_page
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.media import FileRef

MODEL = "imagine-video-gen"

#: Seconds of a film -> the lengths of its segments, by the form.
SEGMENTS: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    "posts": {6: (6,), 10: (10,), 12: (6, 6), 16: (10, 6), 20: (10, 10)},
    "direct": {6: (6,), 10: (10,), 12: (12,), 16: (10, 6), 20: (10, 10)},
}

#: What a preset is called upstream.
PRESETS: Mapping[str, str] = {
    "custom": "custom",
    "normal": "normal",
    "fun": "extremely-crazy",
    "spicy": "extremely-spicy-or-crazy",
}

_FRAME_SEC = 1 / 24


def span(finished: int, segments: int) -> tuple[int, int]:
    """The part of the whole film's progress that the next segment is, when so many are whole."""
    return 100 * finished // segments, 100 * (finished + 1) // segments


def film_call(
    request: VideoRequest,
    length: int,
    references: Sequence[FileRef],
    post_id: str,
    credential: Credential,
    options: WebOptions,
    call_id: str,
) -> HttpCall:
    """The first segment in the older form; `post_id` is the post that was made for it."""
    config = _shape(request, length) | {"parentPostId": post_id}
    if references:
        urls = [reference.url for reference in references]
        config |= {"isVideoEdit": False, "isReferenceToVideo": True, "imageReferences": urls}
    return _call(request, config, credential, options, call_id, IMAGINE)


def extension_call(
    request: VideoRequest, length: int, so_far: Checkpoint, credential: Credential, options: WebOptions, call_id: str
) -> HttpCall:
    """A further segment: `length` more seconds behind the film so far."""
    config = _shape(request, length) | {
        "isVideoExtension": True,
        "videoExtensionStartTime": round(so_far.seconds + _FRAME_SEC, 6),
        "extendPostId": so_far.film,
        "stitchWithExtendPostId": True,
        "originalPrompt": request.prompt,
        "originalPostId": so_far.post,
        "originalRefType": "ORIGINAL_REF_TYPE_VIDEO_EXTENSION",
        "mode": PRESETS[request.preset],
        "parentPostId": so_far.post,
        "isVideoEdit": False,
    }
    return _call(request, config, credential, options, call_id, post_page(so_far.post))


def direct_film_call(
    request: VideoRequest,
    length: int,
    references: Sequence[FileRef],
    credential: Credential,
    options: WebOptions,
    call_id: str,
) -> HttpCall:
    """The first segment in the newer form."""
    given: dict[str, Any] = {
        "prompt": request.prompt,
        "aspectRatio": request.ratio,
        "duration": length,
        "resolutionName": request.resolution,
    }
    kind = "textToVideo"
    if references:
        kind, given["inputAssets"] = "imageToVideo", [reference.id for reference in references]
    body = {
        "modelName": MODEL,
        "message": _message(request),
        "enableImageStreaming": True,
        "enableSideBySide": True,
        "sendFinalMetadata": True,
        "kind": "CONVERSATION_KIND_IMAGINE",
        "responseMetadata": {"experiments": [], "modelConfigOverride": {"modelMap": {}}},
        "mediaGenInput": {kind: given},
    }
    return post_call(CONVERSATION, body, credential, options, call_id, IMAGINE)


def _shape(request: VideoRequest, length: int) -> dict[str, Any]:
    return {"aspectRatio": request.ratio, "videoLength": length, "resolutionName": request.resolution}


def _message(request: VideoRequest) -> str:
    return f"{request.prompt} --mode={PRESETS[request.preset]}"


def _call(
    request: VideoRequest,
    config: dict[str, Any],
    credential: Credential,
    options: WebOptions,
    call_id: str,
    referer: str,
) -> HttpCall:
    override = {"modelMap": {"videoGenModelConfig": config}}
    body = {
        "temporary": options.temporary,
        "modelName": MODEL,
        "message": _message(request),
        "enableSideBySide": True,
        "responseMetadata": {"experiments": [], "modelConfigOverride": override},
    }
    return post_call(CONVERSATION, body, credential, options, call_id, referer)
