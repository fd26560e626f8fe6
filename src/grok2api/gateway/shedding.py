"""Fewer files than a conversation has gathered, for an upstream that takes only so many.

Pure. Agents that look at screenshots send each of them again with every turn. What the newest turn brings is always
kept, and refused when it is too much; of earlier turns the newest files stay, and words stand in the places of others.
"""

from collections.abc import Hashable

import msgspec

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.request import File, Image, Inline, Message, Part, Request, Role, Text, ToolResult
from grok2api.media.checks import too_many

#: What the model reads where a file was.
_LEFT_OUT = Text("[An earlier file of this conversation is left out here]")

_Piece = Image | File | Attachment


def with_newest_files(request: Request, most: int) -> tuple[Request, tuple[str, ...]]:
    """The request with its `most` newest different files, and the fields of those left out, oldest first.

    Raises `Refusal` naming the first field over the limit when the newest turn alone brings more.
    """
    kept: set[Hashable] = set()
    newest = _newest_turn(request.messages)
    for index in reversed(range(len(request.messages))):
        for piece in reversed(_pieces(request.messages[index])):
            if len(kept) < most or index >= newest:
                kept.add(_content(piece))
    if len(kept) > most:
        raise too_many(_first_over(request.messages[newest:], most), most)
    left_out = tuple(piece.path for piece in request.files() if _content(piece) not in kept)
    if not left_out:
        return request, ()
    return msgspec.structs.replace(request, messages=tuple(_less(turn, kept) for turn in request.messages)), left_out


def _newest_turn(messages: tuple[Message, ...]) -> int:
    """Where what the client adds now begins: behind the last words or calls of the assistant."""
    behind = (index + 1 for index in reversed(range(len(messages))) if messages[index].role is Role.ASSISTANT)
    return next(behind, 0)


def _pieces(message: Message) -> list[_Piece]:
    inner = (part.parts if isinstance(part, ToolResult) else (part,) for part in message.parts)
    return [piece for parts in inner for piece in parts if isinstance(piece, Image | File | Attachment)]


def _content(piece: _Piece) -> Hashable:
    """Equal for files that are surely the same."""
    if isinstance(piece, Attachment):
        return piece.digest
    return piece.source.text if isinstance(piece.source, Inline) else piece.source


def _first_over(messages: tuple[Message, ...], most: int) -> str:
    seen: set[Hashable] = set()
    for piece in (piece for message in messages for piece in _pieces(message)):
        seen.add(_content(piece))
        if len(seen) > most:
            return piece.path
    raise AssertionError("there are not so many files")


def _less(message: Message, kept: set[Hashable]) -> Message:
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            part = msgspec.structs.replace(part, parts=tuple(_kept(piece, kept) for piece in part.parts))
        elif isinstance(part, Image | File | Attachment):
            part = _kept(part, kept)
        parts.append(part)
    return msgspec.structs.replace(message, parts=tuple(parts))


def _kept(piece: Text | _Piece, kept: set[Hashable]) -> Text | _Piece:
    return piece if isinstance(piece, Text) or _content(piece) in kept else _LEFT_OUT
