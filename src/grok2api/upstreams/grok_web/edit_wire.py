"""Edits of pictures on grok.com: a conversation with the edit model, in two forms.

Pure. The older form refers to a media post and names its sources by URL; the newer one is a single call that names them
by id. The stream is read by `media_reading`.
"""

import re
from collections.abc import Sequence
from typing import Any

from grok2api.canonical.media import EditRequest
from grok2api.upstreams.base import Credential, HttpCall
from grok2api.upstreams.grok_web.call import CONVERSATION, post_call
from grok2api.upstreams.grok_web.media_post_wire import IMAGINE, post_page
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.media import FileRef

MODEL = "imagine-image-edit"
#: Pictures that a call makes at most, by the form.
RESULTS = {"posts": 2, "direct": 1}

_PLACEHOLDER = re.compile(r"@IMAGE(\d{1,2})\b", re.IGNORECASE)

_CONSTANT = {
    "modelName": MODEL,
    "enableImageGeneration": True,
    "enableImageStreaming": True,
    "imageGenerationCount": 2,
    "returnImageBytes": False,
    "returnRawGrokInXaiRequest": False,
    "forceConcise": False,
    "enableSideBySide": True,
    "forceSideBySide": False,
    "sendFinalMetadata": True,
    "isReasoning": False,
    "disableTextFollowUps": True,
    "disableMemory": True,
}


def placed(prompt: str, sources: Sequence[FileRef]) -> str:
    """The prompt with `@IMAGE1` … turned into what grok.com calls the sources; numbers beyond them stay."""

    def named(found: re.Match[str]) -> str:
        number = int(found[1])
        return f"@{sources[number - 1].id}" if 0 < number <= len(sources) else found[0]

    return _PLACEHOLDER.sub(named, prompt)


def edit_call(
    request: EditRequest,
    sources: Sequence[FileRef],
    post_id: str,
    credential: Credential,
    options: WebOptions,
    call_id: str,
) -> HttpCall:
    """The call of the older form; `post_id` is the post that was made for it."""
    config = {"imageReferences": [source.url for source in sources], "parentPostId": post_id}
    override = {"modelMap": {"imageEditModel": "imagine", "imageEditModelConfig": config}}
    body = _CONSTANT | {
        "temporary": options.temporary,
        "message": placed(request.prompt, sources),
        "responseMetadata": {"modelConfigOverride": override},
    }
    return post_call(CONVERSATION, body, credential, options, call_id, post_page(post_id))


def direct_edit_call(
    request: EditRequest, sources: Sequence[FileRef], credential: Credential, options: WebOptions, call_id: str
) -> HttpCall:
    """The call of the newer form."""
    prompt = placed(request.prompt, sources)
    given = {"prompt": prompt, "inputAssets": [source.id for source in sources], "aspectRatio": request.ratio}
    body: dict[str, Any] = {
        "modelName": MODEL,
        "message": prompt,
        "enableImageStreaming": True,
        "enableSideBySide": True,
        "sendFinalMetadata": True,
        "mediaGenInput": {"imageToImage": given},
    }
    return post_call(CONVERSATION, body, credential, options, call_id, IMAGINE)
