"""Pictures as OpenAI's endpoints tell them: one JSON object, or a stream of unfinished and finished pictures.

A stream holds the files themselves, because its frames have no other form; a link comes along with a finished one.
"""

import base64
from collections.abc import Iterable
from typing import Any

from grok2api.canonical.events import Event, Failed, Previewed, Produced, Started
from grok2api.canonical.request import Drawing, Request
from grok2api.canonical.sequence import Answer
from grok2api.dialects import openai_errors, sse
from grok2api.dialects.base import Envelope

_NAMES = {"generations": "image_generation", "edits": "image_edit"}


def whole(request: Request, answer: Answer, envelope: Envelope) -> bytes:
    """The body of a whole answer."""
    made = [item for item in answer.order if isinstance(item, Produced)]
    return sse.encode_json({"created": envelope.created, "data": [_item(request, picture) for picture in made]})


def _item(request: Request, picture: Produced) -> dict[str, Any]:
    drawing = request.drawing
    if drawing is not None and drawing.inline:
        return {"b64_json": _base64(picture.data)}
    return {"url": picture.url}


class Encoder:
    """One streamed answer."""

    def __init__(self, request: Request, envelope: Envelope) -> None:
        drawing = request.drawing or Drawing()
        self._name = _NAMES.get(drawing.endpoint, "image_generation")
        self._head = {
            "created_at": envelope.created,
            "size": drawing.size or "auto",
            "quality": "auto",
            "background": "auto",
        }
        self._input = 0
        self._shown: dict[int, int] = {}

    def feed(self, events: Iterable[Event], choice: int = 0) -> bytes:
        """The frames of these events."""
        return b"".join(self._frame(event) for event in events)

    def _frame(self, event: Event) -> bytes:
        match event:
            case Started(tokens):
                self._input = tokens
            case Previewed(slot, _, data, mime):
                index = self._shown[slot] = self._shown.get(slot, -1) + 1
                return self._named("partial_image", data, mime, {"partial_image_index": index})
            case Produced():
                return self._named("completed", event.data, event.mime, {"url": event.url, "usage": self._usage()})
            case Failed(problem):
                return sse.named("error", {"type": "error", **openai_errors.body(problem)})
            case _:
                pass
        return b""

    def _named(self, step: str, data: bytes, mime: str, more: dict[str, Any]) -> bytes:
        name = f"{self._name}.{step}"
        form = {"output_format": mime.rpartition("/")[2] or "jpeg"}
        return sse.named(name, {"type": name, "b64_json": _base64(data), **self._head, **form, **more})

    def _usage(self) -> dict[str, Any]:
        """Our own count of the words; Grok counts no tokens for pictures."""
        details = {"text_tokens": self._input, "image_tokens": 0}
        return {
            "input_tokens": self._input,
            "input_tokens_details": details,
            "output_tokens": 0,
            "total_tokens": self._input,
        }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
