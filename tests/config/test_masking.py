"""What people are shown of settings, and what comes back from them with masks in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.config.masking import MASK, shown, unmasked
from grok2api.config.settings import Settings
from grok2api.config.table import BY_KEY, SETTINGS, value_of
from grok2api.config.values import BadValue

KEY, KEYS, HEADERS, LIMIT = (
    BY_KEY[name] for name in ("app.app_key", "app.api_key", "upstream.headers", "server.max_body_mb")
)
URL = BY_KEY["upstream.web.base_url"]


@pytest.mark.parametrize(
    ("row", "value", "seen"),
    [
        (KEY, "abc", MASK),
        (KEY, "", ""),
        (KEYS, ("a", "b"), [MASK, MASK]),
        (KEYS, (), []),
        (HEADERS, {"x-a": "1"}, {"x-a": MASK}),
        (LIMIT, 64, 64),
        (BY_KEY["stream.keepalive_sec"], 15.0, 15),
        (URL, "http://me:word@host/x", f"http://{MASK}@host/x"),
    ],
)
def test_secrets_are_shown_as_a_mask(row, value, seen):
    assert shown(row, value) == seen


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.key)
def test_what_was_shown_means_unchanged(row):
    value = value_of(Settings(), row.key)
    assert shown(row, unmasked(row, shown(row, value), value)) == shown(row, value)


@pytest.mark.parametrize(
    ("row", "current", "raw", "meant"),
    [
        (KEY, "abc", MASK, "abc"),
        (KEY, "abc", "new", "new"),
        (KEY, "abc", "", ""),
        (KEYS, ("a", "b"), [MASK, MASK], ["a", "b"]),
        (KEYS, ("a", "b"), MASK, ["a", "b"]),
        (KEYS, ("a", "b"), [MASK, MASK, "c"], ["a", "b", "c"]),
        (KEYS, ("a", "b"), ["c", MASK, MASK], ["c", "a", "b"]),
        (KEYS, ("a", "b"), ["c"], ["c"]),
        (HEADERS, {"x-a": "1", "x-b": "2"}, {"x-a": MASK}, {"x-a": "1"}),
        (HEADERS, {"x-a": "1"}, {"x-a": MASK, "x-c": "3"}, {"x-a": "1", "x-c": "3"}),
        (URL, "http://me:word@host", f"http://{MASK}@host", "http://me:word@host"),
        (URL, "http://host", MASK, MASK),
        (LIMIT, 64, 65, 65),
    ],
)
def test_a_mask_stands_for_what_is_there(row, current, raw, meant):
    assert unmasked(row, raw, current) == meant


@pytest.mark.parametrize(
    ("row", "current", "raw"),
    [
        (KEY, "", MASK),
        (KEY, "abc", f"{MASK}x"),
        (KEYS, ("a", "b"), [MASK]),
        (KEYS, (), [MASK]),
        (KEYS, ("a",), f"{MASK},b"),
        (HEADERS, {"x-a": "1"}, {"x-b": MASK}),
        (URL, "http://me:word@host", f"http://{MASK}@other"),
    ],
)
def test_a_mask_that_stands_for_nothing_is_refused(row, current, raw):
    with pytest.raises(BadValue) as refused:
        unmasked(row, raw, current)
    assert "abc" not in str(refused.value)


@given(st.lists(st.text(min_size=1), max_size=4), st.lists(st.text(min_size=1), max_size=3))
def test_entries_that_are_added_to_masked_ones_leave_those_as_they_were(kept, added):
    assert unmasked(KEYS, [MASK] * len(kept) + [text for text in added if MASK not in text], tuple(kept)) == [
        *kept,
        *(text for text in added if MASK not in text),
    ]
