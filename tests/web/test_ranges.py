"""Ranges and conditions: the table of RFC 9110 as far as it matters to browsers and players."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.web.ranges import MOST, Span, Unsatisfiable, has_it, range_holds, wanted

SIZE = 1000

READ = [
    ("bytes=0-99", [(0, 100)]),
    ("bytes=0-", [(0, 1000)]),
    ("bytes=500-", [(500, 1000)]),
    ("bytes=999-", [(999, 1000)]),
    ("bytes=0-0", [(0, 1)]),
    ("bytes=-1", [(999, 1000)]),
    ("bytes=-1000", [(0, 1000)]),
    ("bytes=-5000", [(0, 1000)]),
    ("bytes=900-5000", [(900, 1000)]),
    ("BYTES = 0-1 ", [(0, 2)]),
    ("bytes=0-1, 5-6,-2", [(0, 2), (5, 7), (998, 1000)]),
    ("bytes=0-1,,5-6,", [(0, 2), (5, 7)]),
    ("bytes=2000-,0-1", [(0, 2)]),
    ("bytes=5-6,0-1", [(5, 7), (0, 2)]),
]

#: As good as no range at all.
WHOLE = ["", "bytes", "bytes=", "bytes=,", "items=0-1", "bytes=a-b", "bytes=5-1", "bytes=-", "bytes=1", "bytes=0-1;5-6",
         "bytes=0x0-1", "bytes=1-2-3", "bytes=+1-2", "bytes=0-1,x", "bytes=٠-١",
         "bytes=" + ",".join(f"{n}-{n}" for n in range(MOST + 1)), "bytes=" + "9" * 30 + "-",
         "bytes=0-,0-"]  # fmt: skip


@pytest.mark.parametrize(("header", "spans"), READ)
def test_ranges_are_read(header: str, spans: list[tuple[int, int]]) -> None:
    assert wanted(header, SIZE) == [Span(*span) for span in spans]


@pytest.mark.parametrize("header", WHOLE)
def test_what_is_no_range_asks_for_the_whole(header: str) -> None:
    assert wanted(header, SIZE) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=5000-,1000-", "bytes=-0"])
def test_ranges_outside_the_file_are_not_satisfied(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        wanted(header, SIZE)


@given(st.text(alphabet="bytes=0123456789-, ", max_size=30).map("bytes={}".format), st.integers(0, 50))
def test_spans_lie_in_the_file_and_are_never_more_than_it(header: str, size: int) -> None:
    try:
        spans = wanted(header, size)
    except Unsatisfiable:
        return
    for span in spans or ():
        assert 0 <= span.start < span.stop <= size
    assert sum(span.length for span in spans or ()) <= size


ETAG, MODIFIED = '"abc"', 1_767_225_600.5
SAME, OLDER, NEWER = (formatdate(int(MODIFIED) + more, usegmt=True) for more in (0, -60, 60))


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({}, False),
        ({"if-none-match": '"abc"'}, True),
        ({"if-none-match": 'W/"abc"'}, True),
        ({"if-none-match": '"x", "abc"'}, True),
        ({"if-none-match": "*"}, True),
        ({"if-none-match": '"x"'}, False),
        ({"if-none-match": '"x"', "if-modified-since": NEWER}, False),
        ({"if-modified-since": SAME}, True),
        ({"if-modified-since": NEWER}, True),
        ({"if-modified-since": OLDER}, False),
        ({"if-modified-since": "yesterday"}, False),
        ({"if-modified-since": "Thu, 01 Jan 99999 00:00:00 GMT"}, False),
    ],
)
def test_a_copy_that_is_still_good_is_known(headers: dict[str, str], known: bool) -> None:
    assert has_it(headers, ETAG, MODIFIED) is known


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (None, True), ('"abc"', True), ('"x"', False), ('W/"abc"', False), (SAME, True), (OLDER, False), (NEWER, False),
        ("junk", False), ("", False),
    ],
)  # fmt: skip
def test_a_range_of_another_file_is_not_for_this_one(condition: str | None, holds: bool) -> None:
    headers = {} if condition is None else {"if-range": condition}
    assert range_holds(headers, ETAG, MODIFIED) is holds
