"""Pages that are made from tables, whole and in part."""

import pytest

from grok2api import pages

BEGIN, END = "<!-- begin -->", "<!-- end -->"


def test_a_page_keeps_what_is_around_the_markers():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    made = pages.between(page, BEGIN, END, "new\n")
    assert made == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert pages.between(made, BEGIN, END, "new\n") == made


@pytest.mark.parametrize("page", ["no markers", f"only {BEGIN}", f"only {END}", f"{END} before {BEGIN}"])
def test_a_page_without_its_markers_is_left_alone(page):
    with pytest.raises(ValueError, match="markers"):
        pages.between(page, BEGIN, END, "new")


def test_pages_are_written_by_their_names(tmp_path, capsys):
    assert pages.write({"a.md": lambda: "A\n", "below/b.md": lambda: "Bé\n"}, tmp_path) == 0
    assert (tmp_path / "a.md").read_text("utf-8") == "A\n"
    assert (tmp_path / "below" / "b.md").read_text("utf-8") == "Bé\n"
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "a.md"), str(tmp_path / "below" / "b.md")]
