"""What pictures and files cost of input, as far as the request itself tells: nothing is fetched to count it.

Pure. Pictures are counted by tiles, as xAI's guide to images does: 256 tokens for each tile of 448 pixels, six tiles at
most, and for the whole once more; one whose size is not known costs the most. Text files are counted as the text that
they are. Other files are guessed by their pages. Of a large file only the beginning is looked at.
"""

import binascii
import re
from collections.abc import Callable

from grok2api.canonical.attachment import Attachment, is_text
from grok2api.canonical.request import File, Image, Inline
from grok2api.media.sniff import HEAD, dimensions

_TILE, _MOST_TILES, _PER_TILE = 448, 6, 256
MOST_OF_A_PICTURE = (_MOST_TILES + 1) * _PER_TILE
PER_PAGE = 1500
#: Of a file that does not say how many pages it has.
_BYTES_OF_A_PAGE = 50_000
_PAGE = re.compile(rb"/Type\s*/Page\b")
#: Bytes of a file that are looked at for pages, and bytes of text that are counted, which takes longer; the rest is
#: taken to be like them.
LOOKED_AT = 3 * 1024 * 1024
SAMPLE = 48 * 1024


def file_tokens(part: Image | File | Attachment, count: Callable[[str], int]) -> int:
    """Input tokens of one picture, sound or file."""
    if isinstance(part, Image) or (isinstance(part, Attachment) and part.kind == "image"):
        return _picture(_beginning(part, HEAD)[0])
    words = is_text(_mime(part))
    head, size = _beginning(part, SAMPLE if words else LOOKED_AT)
    if not head:
        return PER_PAGE
    if words:
        return round(count(head.decode("utf-8", "replace")) * size / len(head))
    pages = round(len(_PAGE.findall(head)) * size / len(head)) or -(-size // _BYTES_OF_A_PAGE)
    return pages * PER_PAGE


def _picture(head: bytes) -> int:
    size = dimensions(head)
    if size is None:
        return MOST_OF_A_PICTURE
    tiles = -(-size[0] // _TILE) * -(-size[1] // _TILE)
    return (min(tiles, _MOST_TILES) + 1) * _PER_TILE


def _mime(part: File | Image | Attachment) -> str:
    if isinstance(part, Attachment):
        return part.mime
    return part.source.mime if isinstance(part.source, Inline) else ""


def _beginning(part: File | Image | Attachment, most: int) -> tuple[bytes, int]:
    """The first bytes, and how many there are in all; none when they are elsewhere, or are no base64."""
    if isinstance(part, Attachment):
        source, start = part.data, part.start
    elif isinstance(part.source, Inline):
        source, start = part.source.text, part.source.start
    else:
        source, start = part.source if isinstance(part.source, bytes) else b"", 0  # a URL, an id
    if isinstance(source, bytes):
        return source[:most], len(source)
    text = source[start : start + most // 3 * 4]
    try:
        head = binascii.a2b_base64(text[: len(text) // 4 * 4])
    except ValueError:
        return b"", 0
    return head, max(len(head), (len(source) - start) // 4 * 3 - 2) if len(text) < len(source) - start else len(head)
