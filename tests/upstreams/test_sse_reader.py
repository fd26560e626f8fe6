"""The SSE reader: a table of streams, each fed whole, by bytes, and in random cuts."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.upstreams.sse_reader import Frame, FrameTooLong, SseReader

CASES: dict[str, tuple[bytes, list[tuple[bytes, bytes]]]] = {
    "named": (b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", [(b"a", b"1"), (b"b", b"2")]),
    "bare": (b"data: 1\n\ndata: 2\n\n", [(b"", b"1"), (b"", b"2")]),
    "no space": (b"event:a\ndata:1\n\n", [(b"a", b"1")]),
    "two spaces": (b"data:  1\n\n", [(b"", b" 1")]),
    "crlf": (b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", [(b"a", b"1"), (b"", b"2")]),
    "cr": (b"event: a\rdata: 1\r\rdata: 2\r\r", [(b"a", b"1"), (b"", b"2")]),
    "mixed ends": (b"event: a\r\ndata: 1\n\r\ndata: 2\r\r\n", [(b"a", b"1"), (b"", b"2")]),
    "comments": (b": hi\n\n:\n\n: x\ndata: 1\n: y\n\n", [(b"", b"1")]),
    "many lines": (b"data: 1\ndata: 2\ndata\nevent: a\n\n", [(b"a", b"1\n2\n")]),
    "many blanks": (b"\n\n\n\ndata: 1\n\n\n\n\ndata: 2\n\n\n", [(b"", b"1"), (b"", b"2")]),
    "no last blank": (b"data: 1\n\nevent: b\ndata: 2", [(b"", b"1"), (b"b", b"2")]),
    "one last newline": (b"data: 1\n\ndata: 2\n", [(b"", b"1"), (b"", b"2")]),
    "id and retry": (b"id: 7\nretry: 5\nevent: a\ndata: 1\n\n", [(b"a", b"1")]),
    "name after data": (b"data: 1\nevent: a\n\n", [(b"a", b"1")]),
    "event without data": (b"event: a\n\ndata: 1\n\n", [(b"", b"1")]),
    "byte order mark": (b"\xef\xbb\xbfdata: 1\n\n", [(b"", b"1")]),
    "empty data": (b"data:\n\ndata: \n\n", [(b"", b""), (b"", b"")]),
    "unknown field": (b"datax: 1\nfoo\ndata: 1\n\n", [(b"", b"1")]),
    "utf-8": ("data: é漢😀\n\n".encode(), [(b"", "é漢😀".encode())]),
    "nothing": (b"", []),
}


def read(chunks: list[bytes]) -> list[tuple[bytes, bytes]]:
    reader = SseReader()
    frames = [frame for chunk in chunks for frame in reader.feed(chunk)]
    return [(frame.event, frame.data) for frame in frames + reader.close()]


@pytest.mark.parametrize("name", CASES)
def test_frames_are_told_whole_and_by_bytes(name: str) -> None:
    raw, expected = CASES[name]
    assert read([raw]) == expected
    assert read([raw[i : i + 1] for i in range(len(raw))]) == expected


@given(name=st.sampled_from(sorted(CASES)), cuts=st.lists(st.integers(0, 60), max_size=8))
@settings(max_examples=150, deadline=None)
def test_frames_are_the_same_in_any_cut(name: str, cuts: list[int]) -> None:
    raw, expected = CASES[name]
    edges = [0, *sorted(cut for cut in cuts if cut <= len(raw)), len(raw)]
    assert read([raw[a:b] for a, b in pairwise(edges)]) == expected


def test_a_frame_is_told_with_the_read_that_completes_it() -> None:
    reader = SseReader()
    assert reader.feed(b"data: 1\n") == []
    assert reader.feed(b"\nda") == [Frame(b"", b"1")]


def test_a_frame_without_end_is_refused() -> None:
    reader = SseReader(limit=100)
    assert reader.feed(b"data: 1234567\n" * 7) == []
    with pytest.raises(FrameTooLong):
        reader.feed(b"data: 1234567\n")


def test_a_long_frame_in_many_reads_is_whole() -> None:
    data = b"x" * 3_000_000
    raw = b"data: " + data + b"\n\n"
    assert read([raw[i : i + 1000] for i in range(0, len(raw), 1000)]) == [(b"", data)]
