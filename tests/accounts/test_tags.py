from hypothesis import given
from hypothesis import strategies as st

from grok2api.accounts.tags import LONGEST, tidy


def test_tags_are_single_lines_each_once() -> None:
    assert tidy(["  team a ", "team\ta", "", " \n", "b\x00c", "ünï ✓", "\ud800"]) == ("team a", "bc", "ünï ✓")


@given(st.lists(st.text(st.characters(), max_size=80)))
def test_tidy_tags_stay_as_they_are(tags: list[str]) -> None:
    kept = tidy(tags)
    assert tidy(kept) == kept
    assert all(tag == tag.strip() and 1 <= len(tag) <= LONGEST for tag in kept)
    assert "\x00" not in "".join(kept).encode().decode()
