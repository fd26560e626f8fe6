"""The frames of grok.com's chat stream, typed: only the members that are used, everything else is skipped.

Members that come rarely and in many shapes are left as `Any` and read where they are used. The stream is JSON, one
object a line, but readers must also take `data:` lines, objects glued together, and responses one level higher.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from grok2api.upstreams.reading import decode_any

#: Members that come with any frame and say nothing by themselves.
_COMMON = frozenset({"is_thinking", "message_tag", "rollout_id", "message_step_id"})
_BRACES_AND_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}]', re.DOTALL)


class Response(msgspec.Struct, gc=False, rename="camel"):
    """One frame. Usually one group of these is present."""

    token: str | None = None
    is_thinking: bool | None = None
    is_soft_stop: bool | None = None
    message_tag: str | None = None
    rollout_id: str | None = None
    message_step_id: Any = None
    tool_usage_card: Any = None
    tool_usage_card_id: str | None = None
    web_search_results: Any = None
    cited_web_search_results: Any = None
    x_search_results: Any = None
    xposts: Any = None
    cited_xposts: Any = None
    code_execution_result: Any = None
    card_attachment: Any = None
    card_attachments: Any = None
    streaming_image_generation_response: Any = None
    streaming_video_generation_response: Any = None
    model_response: Any = None
    final_metadata: Any = None
    error: Any = None
    user_response: Any = None
    llm_info: Any = None


class Result(msgspec.Struct, gc=False):
    """What is inside `result`; `response` is absent when its members stand one level higher."""

    response: Response | None = None
    conversation: Any = None
    title: Any = None


class Envelope(msgspec.Struct, gc=False):
    """One line."""

    result: Result | None = None
    error: Any = None


class Higher(msgspec.Struct, gc=False):
    """One line with the members one level higher."""

    result: Response | None = None


#: Members that a frame is read by; one that is of another type counts as absent.
_TYPES = {
    "token": str,
    "messageTag": str,
    "rolloutId": str,
    "toolUsageCardId": str,
    "isThinking": bool,
    "isSoftStop": bool,
}
_GROUPS = tuple(name for name in Response.__struct_fields__ if name not in _COMMON)

decode = msgspec.json.Decoder(Envelope).decode
decode_higher = msgspec.json.Decoder(Higher).decode


def is_known(frame: Response) -> bool:
    """Whether the frame holds anything that this version knows."""
    return any(getattr(frame, name) not in (None, False) for name in _GROUPS)


def fitted(text: bytes) -> bytes:
    """The line without the members that are of an unexpected type, wherever the response stands."""
    value = decode_any(text)
    result = value.get("result") if isinstance(value, dict) else None
    for place in (result, result.get("response") if isinstance(result, dict) else None):
        if isinstance(place, dict):
            for name, kind in _TYPES.items():
                if not isinstance(place.get(name), kind):
                    place.pop(name, None)
    return msgspec.json.encode(value)


def unglued(line: bytes) -> Iterator[bytes]:
    """The objects in a line that holds several, without what stands between them."""
    depth = start = 0
    for found in _BRACES_AND_STRINGS.finditer(line):
        mark = line[found.start() : found.end()]
        if mark == b"{":
            if depth == 0:
                start = found.start()
            depth += 1
        elif mark == b"}" and depth:
            depth -= 1
            if depth == 0:
                yield line[start : found.end()]
