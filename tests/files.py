"""Small real files of every type that matters here, and attachments made of them."""

import base64
import hashlib
import struct
import zlib
from typing import Any

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.request import File, Image
from grok2api.media.checks import attach
from grok2api.media.datauri import measure_bytes


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int) -> bytes:
    """A PNG of one colour that every viewer opens."""
    rows = (b"\0" + b"\x30\x60\x90" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


#: 1 by 1.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////"
    "////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
#: 1 by 1.
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
#: 1 by 1, lossy.
WEBP = base64.b64decode("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAwA0JaQAA3AA/vuUAAA=")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
WAV = (
    b"RIFF"
    + struct.pack("<I", 36 + 8)
    + b"WAVEfmt "
    + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    + (b"data" + struct.pack("<I", 8) + b"\x80" * 8)
)
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" + bytes(413)
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00\x00\x00\x08free" + b"\x00\x00\x00\x08mdat"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def data_uri(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{b64(data)}"


def plain_file(name: str, mime: str, data: bytes) -> Attachment:
    """A file of these very words, whatever its bytes are."""
    digest = hashlib.sha256(data).hexdigest()
    return Attachment(kind="file", mime=mime, name=name, size=len(data), digest=digest, data=data)


def attachment(data: bytes, part: Image | File | None = None, **fields: Any) -> Attachment:
    """What an upstream is given for these bytes; a picture unless `part` says otherwise."""
    part = part or Image("https://example.org/a.png", fields.get("detail"))
    part = type(part)(**{name: getattr(part, name) for name in part.__struct_fields__} | {"path": "field"})
    return attach(part, measure_bytes(data), data)
