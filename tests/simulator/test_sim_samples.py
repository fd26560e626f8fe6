"""The simulator's pictures and films are whole files of their kind, and no two are alike."""

import struct
import zlib
from pathlib import Path

import pytest

from grok2api.simulator import samples

MIMES = ("image/jpeg", "image/png", "image/webp")


def jpeg_segments(data):
    """The markers up to the first scan."""
    assert (data[:2], data[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    at, markers = 2, []
    while not markers or markers[-1] != 0xDA:
        assert data[at] == 0xFF
        markers.append(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return markers


def png_chunks(data):
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, names = 8, []
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(body)
        names.append(body[:4].decode())
        at += 12 + length
    return names


def riff_chunks(data):
    assert data[:4] + data[8:12] == b"RIFFWEBP"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    at, names = 12, []
    while at < len(data):
        (length,) = struct.unpack("<I", data[at + 4 : at + 8])
        names.append(data[at : at + 4].decode())
        at += 8 + length + length % 2
    assert at == len(data)
    return names


def boxes(data):
    at, names = 0, []
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        names.append(data[at + 4 : at + 8].decode())
        at += length
    assert at == len(data)
    return names


def test_a_picture_is_a_whole_file_of_its_kind():
    assert jpeg_segments(samples.picture("a").data)[:2] == [0xE0, 0xFE]
    assert jpeg_segments(samples.preview("a").data)[-1] == 0xDA
    chunks = png_chunks(samples.picture("a", "image/png").data)
    assert (chunks[0], chunks[1], chunks[-1]) == ("IHDR", "tEXt", "IEND")
    assert riff_chunks(samples.picture("odd", "image/webp").data)[-1] == "note"


def test_a_film_says_what_it_is_before_its_pictures_so_that_it_plays_while_it_loads():
    assert boxes(samples.film("a").data) == ["ftyp", "moov", "free", "mdat", "free"]


@pytest.mark.parametrize("mime", MIMES)
def test_two_results_differ_and_one_stays_the_same(mime):
    assert samples.picture("a", mime) == samples.picture("a", mime)
    assert len({samples.picture(str(number), mime).data for number in range(50)}) == 50


def test_films_and_the_steps_of_a_picture_differ_too():
    assert len({samples.film(str(number)).data for number in range(50)}) == 50
    assert samples.preview("a", 1) != samples.preview("a", 2)


def test_every_file_is_small():
    kept = [path for path in Path(samples.__file__).parent.iterdir() if path.suffix not in (".py", ".sh")]
    assert len(kept) == 8
    assert [path.name for path in kept if path.is_file() and path.stat().st_size > 60_000] == []
