"""Pages of the documentation that are made from tables: what stands above them, and how they get into their files.

`make docs` makes them all; tests compare each with the file that is there.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

#: The first line of a page of which nothing is written by hand.
NOTE = "<!-- Made by `make docs` from the code's tables; do not edit. -->"


def write(pages: Mapping[str, Callable[[], str]], folder: Path = Path("docs")) -> int:
    """Write every page into `folder`, by its name there. The exit code."""
    for name, text in pages.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text(), encoding="utf-8")
        sys.stdout.write(f"{target}\n")
    return 0


def between(page: str, begin: str, end: str, text: str) -> str:
    """A page of which only what stands between two markers is made. Raises `ValueError` when it does not have both."""
    before, begun, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise ValueError(f"the page has no markers {begin} and {end}")
    return f"{before}{begin}\n\n{text}\n{end}{after}"
