"""Frames that strict JSON refuses, mended: the other half of a character, a bare control character, bytes of no text.

Pure. An upstream that cuts its text anywhere may cut an escaped pair of surrogates, so that each of two frames holds
half of a character; a decoder that is strict about JSON takes neither, and both texts would be lost. A mender is asked
only for frames that were refused. It joins the halves of the text that runs on from frame to frame, and puts U+FFFD
where a half stays alone. What is no JSON at all stays unread.
"""

import json
from typing import Any

import msgspec

_REPLACEMENT = "\ufffd"
_UNREADABLE = (ValueError, RecursionError)


class Mender:
    """The frames of one answer. `running` names the members that hold the text that runs on."""

    __slots__ = ("_half", "_running")

    def __init__(self, *running: str) -> None:
        self._running = running
        self._half = ""  # the first half of a character, at the end of the text of a frame before

    def mend(self, frame: bytes | str) -> bytes | None:
        """The frame as strict JSON; `None` when it is no JSON."""
        try:
            text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
            return msgspec.json.encode(self._mended(json.loads(text, strict=False)))
        except _UNREADABLE:
            return None

    def _mended(self, value: Any) -> Any:
        if isinstance(value, str):
            return _joined(value)
        if isinstance(value, list):
            return [self._mended(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            _joined(key): self._run_on(item) if key in self._running and isinstance(item, str) else self._mended(item)
            for key, item in value.items()
        }

    def _run_on(self, text: str) -> str:
        half, self._half = self._half, ""
        if half and not _is_second(text[:1]):
            half = _REPLACEMENT
        if _is_first(text[-1:]):
            self._half, text = text[-1], text[:-1]
        return _joined(half + text)


def _is_first(char: str) -> bool:
    return "\ud800" <= char <= "\udbff"


def _is_second(char: str) -> bool:
    return "\udc00" <= char <= "\udfff"


def _joined(text: str) -> str:
    """The text with halves that meet made one, and those that stay alone replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
