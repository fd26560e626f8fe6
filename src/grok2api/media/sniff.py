"""What bytes are, told from the bytes: type, family, file extension, and a picture's size where that is cheap.

Pure. Names and declared types are claims and are not looked at. `sniff` wants the beginning of a file (`HEAD` bytes are
enough for everything but a picture's size behind a long preamble) and never raises, whatever it is given.
"""

from collections.abc import Callable
from typing import Literal

import msgspec

HEAD = 64 * 1024

Family = Literal["image", "video", "audio", "document", "text", "page", "other"]


class Type(msgspec.Struct, frozen=True):
    """A type of content. `page` is what servers send instead of a file: HTML, or an error in JSON."""

    mime: str
    family: Family
    extension: str


PNG = Type("image/png", "image", "png")
JPEG = Type("image/jpeg", "image", "jpg")
GIF = Type("image/gif", "image", "gif")
WEBP = Type("image/webp", "image", "webp")
MP4 = Type("video/mp4", "video", "mp4")
WEBM = Type("video/webm", "video", "webm")
PDF = Type("application/pdf", "document", "pdf")
HTML = Type("text/html", "page", "html")
JSON = Type("application/json", "page", "json")
TEXT = Type("text/plain", "text", "txt")

#: Pictures that upstreams look at.
SEEN = (JPEG, PNG, WEBP, GIF)

#: The ISO container's brands -> what is in it; any other brand is a film.
_BRANDS = {
    b"M4A ": Type("audio/mp4", "audio", "m4a"),
    b"M4B ": Type("audio/mp4", "audio", "m4a"),
    b"avif": Type("image/avif", "image", "avif"),
    b"avis": Type("image/avif", "image", "avif"),
    b"heic": Type("image/heic", "image", "heic"),
    b"heix": Type("image/heic", "image", "heic"),
    b"mif1": Type("image/heif", "image", "heif"),
    b"qt  ": Type("video/quicktime", "video", "mov"),
}
_RIFF = {
    b"WEBP": WEBP,
    b"WAVE": Type("audio/wav", "audio", "wav"),
    b"AVI ": Type("video/x-msvideo", "video", "avi"),
}

_MP3 = Type("audio/mpeg", "audio", "mp3")
_AAC = Type("audio/aac", "audio", "aac")

#: Beginnings that say it all.
_MAGIC: tuple[tuple[bytes, Type], ...] = (
    (b"\x89PNG\r\n\x1a\n",     PNG),
    (b"\xff\xd8\xff",          JPEG),
    (b"GIF87a",                GIF),
    (b"GIF89a",                GIF),
    (b"%PDF-",                 PDF),
    (b"\x1a\x45\xdf\xa3",      WEBM),
    (b"OggS",                  Type("audio/ogg", "audio", "ogg")),
    (b"fLaC",                  Type("audio/flac", "audio", "flac")),
    (b"ID3\x02",               _MP3),
    (b"ID3\x03",               _MP3),
    (b"ID3\x04",               _MP3),
    (b"II*\x00",               Type("image/tiff", "image", "tiff")),
    (b"MM\x00*",               Type("image/tiff", "image", "tiff")),
    (b"PK\x03\x04",            Type("application/zip", "other", "zip")),
    (b"\x1f\x8b",              Type("application/gzip", "other", "gz")),
)  # fmt: skip

_PAGE_BEGINS = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<!--", b"<script", b"<title")
_UNREADABLE = bytes({*range(0x20), 0x7F} - {0x09, 0x0A, 0x0C, 0x0D, 0x1B})


def sniff(head: bytes) -> Type | None:
    """The type of what begins like this; `None` when it is nothing that is known here."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[4:8] == b"ftyp" and len(head) >= 12:
        return _BRANDS.get(head[8:12], MP4)
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    return _frames(head) or _text(head)


def _frames(head: bytes) -> Type | None:
    """Sound that has no header but only frames: eleven set bits, then a version, a layer, a rate that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return _AAC
    layer, version = head[1] >> 1 & 3, head[1] >> 3 & 3
    rate, frequency = head[2] >> 4, head[2] >> 2 & 3
    return _MP3 if layer and version != 1 and rate not in (0, 15) and frequency != 3 else None


def _text(head: bytes) -> Type | None:
    words = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not words or head.translate(None, _UNREADABLE) != head or not _is_utf8(head):
        return None
    if words[:16].lower().startswith(_PAGE_BEGINS):
        return HTML
    return JSON if words[:1] in (b"{", b"[") else TEXT


def _is_utf8(head: bytes) -> bool:
    """Whether it is UTF-8 as far as it goes; a character may be cut off by the end of the head."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and len(head) - error.start < 4
    return True


def dimensions(head: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG, GIF or WebP; `None` when the head does not tell."""
    kind = sniff(head)
    read = _SIZES.get(kind.mime) if kind is not None else None
    size = read(head) if read is not None else None
    return size if size is not None and min(size) > 0 else None


def _png(head: bytes) -> tuple[int, int] | None:
    if head[12:16] != b"IHDR" or len(head) < 24:
        return None
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _gif(head: bytes) -> tuple[int, int] | None:
    if len(head) < 10:
        return None
    return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")


def _webp(head: bytes) -> tuple[int, int] | None:
    if len(head) < 30:
        return None
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
        case _:
            return None


#: Markers of a JPEG's frame, which has the size; the other C markers are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def _jpeg(head: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(head):
        if head[at] != 0xFF:
            return None
        marker = head[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker in _FRAMES:
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


_SIZES: dict[str, Callable[[bytes], tuple[int, int] | None]] = {
    PNG.mime: _png,
    JPEG.mime: _jpeg,
    GIF.mime: _gif,
    WEBP.mime: _webp,
}
