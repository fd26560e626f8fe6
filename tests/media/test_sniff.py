"""Types by content: every type that matters, what only looks like one, and bytes that are nothing at all."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files import GIF, JPEG, MP3, MP4, PDF, WAV, WEBP, png
from grok2api.media.sniff import SEEN, dimensions, sniff

TYPES = [
    (png(3, 2), "image/png", (3, 2)),
    (JPEG, "image/jpeg", (1, 1)),
    (GIF, "image/gif", (1, 1)),
    (WEBP, "image/webp", (1, 1)),
    (b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0/" + struct.pack("<I", 99 | 49 << 14) + bytes(9), "image/webp", (100, 50)),
    (b"RIFF\x00\x00\x00\x00WEBPVP8X\n\x00\x00\x00\x00\x00\x00\x00\x1f\x03\x00\x57\x02\x00", "image/webp", (800, 600)),
    (b"\xff\xd8\xff\xe1\x00\x06Exif\xff\xff\xc2\x00\x11\x08\x01\x00\x02\x00" + bytes(9), "image/jpeg", (512, 256)),
    (MP4, "video/mp4", None),
    (b"\0\0\0\x20ftypqt  \0\0\0\0", "video/quicktime", None),
    (b"\0\0\0\x20ftypM4A \0\0\0\0", "audio/mp4", None),
    (b"\0\0\0\x20ftypavif\0\0\0\0", "image/avif", None),
    (b"\0\0\0\x20ftypheic\0\0\0\0", "image/heic", None),
    (b"\x1a\x45\xdf\xa3\x01", "video/webm", None),
    (WAV, "audio/wav", None),
    (MP3, "audio/mpeg", None),
    (MP3[10:], "audio/mpeg", None),
    (b"\xff\xf1\x50\x80\x02\x1f\xfc", "audio/aac", None),
    (b"OggS\0\2", "audio/ogg", None),
    (b"fLaC\0\0\0\x22", "audio/flac", None),
    (PDF, "application/pdf", None),
    (b"PK\x03\x04\x14", "application/zip", None),
    (b"\x1f\x8b\x08\0", "application/gzip", None),
    (b"II*\0\x08", "image/tiff", None),
    (b"<!DOCTYPE html><p>", "text/html", None),
    (b"\xef\xbb\xbf \n<HTML>", "text/html", None),
    (b"<?xml version='1.0'?><svg/>", "text/html", None),
    (b'  {"error": 1}', "application/json", None),
    (b"[1, 2]", "application/json", None),
    (b"name,number\nOslo,1\n", "text/plain", None),
    ("Grüße".encode(), "text/plain", None),
    ("Grüße".encode()[:-2], "text/plain", None),
    (b"BMW and ID3 tags", "text/plain", None),
]  # fmt: skip


@pytest.mark.parametrize(("head", "mime", "size"), TYPES, ids=lambda value: str(value)[:24])
def test_a_file_is_known_by_its_content(head: bytes, mime: str, size: tuple[int, int] | None) -> None:
    found = sniff(head)
    assert found is not None
    assert (found.mime, dimensions(head)) == (mime, size)


NOTHING = [b"", b" ", b"\x00" * 40, b"\xff\xfe\x00h\x00i", b"\xff\xff\xff\xff", b"RIFF1234JUNK", b"\x89PN", b"\x80abc"]


@pytest.mark.parametrize("head", NOTHING)
def test_what_is_nothing_known_is_told_as_that(head: bytes) -> None:
    assert sniff(head) is None
    assert dimensions(head) is None


@pytest.mark.parametrize("whole", [png(3, 2), JPEG, GIF, WEBP])
def test_a_picture_that_is_cut_short_has_no_size_but_its_own(whole: bytes) -> None:
    for length in range(len(whole)):
        assert dimensions(whole[:length]) in (None, dimensions(whole))


def test_a_picture_of_no_size_has_none() -> None:
    assert dimensions(png(0, 5)) is None


@given(st.binary(max_size=300), st.sampled_from([b"", *(head for head, _, _ in TYPES)]))
def test_no_bytes_make_it_fail(junk: bytes, before: bytes) -> None:
    for data in (junk, before + junk, before[: len(junk)] + junk):
        found = sniff(data)
        size = dimensions(data)
        assert size is None or (found in SEEN and min(size) > 0)
