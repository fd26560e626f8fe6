"""Scripts as the messages of grok.com's imagine socket: every picture of the script is a slot of the round.

Pure. All slots start, improve step by step and complete; a picture without 100 percent never completes. A `token` frame
is one picture message, so faults that count tokens count those.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from grok2api.simulator import samples
from grok2api.simulator.holdings import FORMS
from grok2api.simulator.render import Frame, FrameKind, Ids, InBand, Rendered, RenderOptions, encode
from grok2api.simulator.script import Picture, Script

_CODES: Mapping[int, str] = {
    3: "invalid_request",
    7: "permission-denied",
    8: "rate_limit_exceeded",
    16: "unauthenticated",
}
_SIZES: Mapping[str, tuple[int, int]] = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "9:16": (768, 1360),
    "16:9": (1360, 768),
}

_Message = tuple[FrameKind, dict[str, Any]]


class ImagineAsked(msgspec.Struct, frozen=True):
    """What the renderer wants to know of the request: its shape, and where public results are."""

    ratio: str
    public_url: str


class _Slot(msgspec.Struct, frozen=True):
    nth: int
    id: str
    step: Picture


def render(script: Script, asked: ImagineAsked, ids: Ids, options: RenderOptions) -> Rendered:
    """The messages of one round."""
    slots = [_Slot(nth, ids.picture(nth, step), step) for nth, step in enumerate(script.pictures)]
    told = _Teller(asked, ids, options).all(slots)
    return Rendered([Frame(encode(message), kind) for kind, message in told], {})


def error(problem: InBand) -> bytes:
    """The message that says what went wrong."""
    code = _CODES.get(problem.code, "internal_error")
    return encode({"type": "error", "err_code": code, "err_msg": problem.message})


class _Teller:
    def __init__(self, asked: ImagineAsked, ids: Ids, options: RenderOptions) -> None:
        self._asked, self._ids, self._options = asked, ids, options
        width, height = _SIZES.get(asked.ratio, (1024, 1024))
        self._size = {"width": width, "height": height}

    def all(self, slots: list[_Slot]) -> Iterator[_Message]:
        if self._options.unknown:
            yield "meta", {"type": "json", "current_status": "something_new"}
        for slot in slots:
            yield "meta", self._status(slot, "start_stage", **self._size)
        order = slots[::-1] if self._options.shuffled else slots
        for number in range(max((len(slot.step.progress) for slot in slots), default=0)):
            for slot in order:
                if number < len(slot.step.progress):
                    yield from self._advanced(slot, number, slot.step.progress[number])

    def _status(self, slot: _Slot, status: str, **more: Any) -> dict[str, Any]:
        ident, order = ("job_id", "grid_index") if self._options.job_names else ("image_id", "order")
        return {"type": "json", "current_status": status, ident: slot.id, order: slot.nth, **more}

    def _advanced(self, slot: _Slot, number: int, percent: int) -> Iterator[_Message]:
        done = percent >= 100
        if not (done and slot.step.moderated):
            yield "token", self._picture(slot, number, percent)
        if done:
            yield "card", self._status(slot, "completed", moderated=slot.step.moderated, r_rated=False)

    def _picture(self, slot: _Slot, number: int, percent: int) -> dict[str, Any]:
        done = percent >= 100
        sample = samples.picture(slot.id, FORMS[slot.step.form]) if done else samples.preview(slot.id, number)
        told = {"type": "image", "url": self._url(slot, number, done), "percentage_complete": float(percent)}
        if self._options.blobs:
            blob = base64.b64encode(sample.data).decode()
            told["blob"] = f"data:{sample.mime};base64,{blob}" if self._options.blob_uris else blob
        place = "grid_index" if self._options.job_names else "order"
        return {**told, **self._size, place: slot.nth}

    def _url(self, slot: _Slot, number: int, done: bool) -> str:
        if self._options.relative_urls:
            folder = slot.id if done else f"{slot.id}-part-{number}"
            return self._ids.path(folder, f"image.{slot.step.form}")
        return f"{self._asked.public_url}/imagine-public/images/{slot.id}.{slot.step.form}"
