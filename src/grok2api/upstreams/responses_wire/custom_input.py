"""The input of a custom tool, taken out of the JSON arguments of the function that stands for it, as they arrive.

Pure. `{"input":"…"}` is told piece by piece with its escapes undone. Arguments in any other form (another member
first, no JSON at all) are told whole at the end: the member `input` if there is one, else the text as it came.
"""

import re

import msgspec

from grok2api.upstreams.responses_wire.tools import CUSTOM_FIELD

_HEAD = re.compile(r'\s*\{\s*"' + CUSTOM_FIELD + r'"\s*:\s*"')
_LONGEST_HEAD = 64
# plain characters, a short escape, a surrogate pair, or one that is no high surrogate
_PIECE = re.compile(
    r'(?:[^"\\]|\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u(?![dD][89abAB])[0-9a-fA-F]{4})+'
)


class CustomInput:
    """Feed it pieces of arguments; it tells pieces of input. `close` tells what is still missing."""

    __slots__ = ("_at", "_ended", "_inside", "_pending", "_raw", "_told")

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._pending = ""
        self._inside = self._ended = False
        self._told: list[str] = []

    def feed(self, text: str) -> str:
        """The input that these arguments add."""
        self._raw.append(text)
        if self._ended:
            return ""
        self._pending += text
        if not self._inside and not self._enter():
            return ""
        found = _PIECE.match(self._pending)
        if found is None:
            self._ended = self._pending.startswith('"')
            return ""
        piece = _unescaped(found.group())
        self._pending = self._pending[found.end() :]
        self._ended = piece is None or self._pending.startswith('"')
        if piece:
            self._told.append(piece)
        return piece or ""

    def close(self) -> str:
        """The rest, judged by the arguments as a whole."""
        raw, told = "".join(self._raw), "".join(self._told)
        whole = _whole(raw)
        return whole[len(told) :] if whole.startswith(told) else ""

    def _enter(self) -> bool:
        found = _HEAD.match(self._pending)
        if found is not None:
            self._inside = True
            self._pending = self._pending[found.end() :]
        elif len(self._pending) > _LONGEST_HEAD:
            self._ended = True
        return self._inside


def _unescaped(piece: str) -> str | None:
    """The piece of a JSON string as text; `None` when it is none (a raw control character, say)."""
    if "\\" not in piece:
        return piece
    try:
        return msgspec.json.decode(f'"{piece}"', type=str)
    except msgspec.DecodeError:
        return None


def _whole(raw: str) -> str:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return raw
    wanted = value.get(CUSTOM_FIELD) if isinstance(value, dict) else None
    return wanted if isinstance(wanted, str) else raw
