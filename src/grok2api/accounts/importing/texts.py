"""Bytes as text and lines, a piece at a time. Pure.

Whatever is no text comes out as the mark U+FFFD, which no credential holds: the entry it stands in is refused, and
the others are not. A line that never ends is not kept.
"""

import codecs
from collections.abc import Iterable, Iterator

MAX_LINE = 65_536

#: What stands in for a line that was longer.
TOO_LONG = None

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """The text of `chunks`: UTF-8, or what a byte order mark at the beginning says."""
    decoder: codecs.IncrementalDecoder | None = None
    head = b""
    for chunk in chunks:
        if decoder is None:
            head += chunk
            if len(head) < 3:
                continue
            chunk, decoder = _begun(head)
        if text := decoder.decode(chunk):
            yield text
    if decoder is None:
        head, decoder = _begun(head)
        yield decoder.decode(head)
    if rest := decoder.decode(b"", final=True):
        yield rest


def _begun(head: bytes) -> tuple[bytes, codecs.IncrementalDecoder]:
    for mark, name in _BOMS:
        if head.startswith(mark):
            return head[len(mark) :], codecs.getincrementaldecoder(name)("replace")
    return head, codecs.getincrementaldecoder("utf-8")("replace")


def lines(pieces: Iterable[str]) -> Iterator[tuple[int, str | None]]:
    """The lines of a text with their numbers, without their ends; `TOO_LONG` for one beyond `MAX_LINE`."""
    number, held, dropping = 0, "", False
    for piece in pieces:
        *whole, rest = (held + piece).split("\n")
        for line in whole:
            number += 1
            yield number, TOO_LONG if dropping or len(line) > MAX_LINE else line.rstrip("\r")
            dropping = False
        dropping = dropping or len(rest) > MAX_LINE
        held = "" if dropping else rest
    if held or dropping:
        yield number + 1, TOO_LONG if dropping else held.rstrip("\r")
