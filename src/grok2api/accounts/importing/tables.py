"""Tables: CSV with a header, separated by commas, semicolons, tabs or bars. Pure.

A row may run over a few lines where a cell is quoted. One whose quotes never close spoils only its own line.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from grok2api.accounts.importing.documents import TOKEN_NAMES, Item

DELIMITERS = (",", ";", "\t", "|")

#: Lines that one row may have.
_LONGEST_ROW = 16

#: Headers by other names for them.
_NAMES: Mapping[str, str] = {
    "tag": "tags",
    "label": "tags",
    "labels": "tags",
    "tier": "pool",
    "type": "pool",
    "notes": "note",
    "remark": "note",
    "comment": "note",
    "name": "note",
}

Numbered = tuple[int, str | None]


def header_of(line: str) -> tuple[list[str], str] | None:
    """The names of a header and what separates them; `None` when no column holds a credential."""
    for delimiter in DELIMITERS:
        cells = _cells([line], delimiter)
        names = [_name(cell) for cell in cells or ()]
        if any(name in TOKEN_NAMES for name in names):
            return names, delimiter
    return None


def table_items(lines: Iterable[Numbered]) -> Iterator[Item]:
    """The rows of a table, each a mapping of its header's names to what is in its cells."""
    waiting = iter(lines)
    first = next(((number, line) for number, line in waiting if line), (1, ""))
    found = header_of(first[1])
    if found is None:
        yield Item(f"line {first[0]}", "", None, "is no header: one column must be called token, sso or cookie")
        return
    names, delimiter = found
    for number, cells in _rows(waiting, delimiter):
        if cells is None:
            yield Item(f"line {number}", "", None, "is no row of this table: check its quotes")
        elif len(cells) > len(names):
            yield Item(f"line {number}", "", None, "has more cells than the header has names")
        elif any(cells):
            pairs = zip(names, cells, strict=False)
            yield Item(f"line {number}", "", {name: cell for name, cell in pairs if cell.strip()})


def _name(cell: str) -> str:
    name = "_".join(cell.strip().lower().split())
    return _NAMES.get(name, name)


def _rows(lines: Iterator[Numbered], delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Rows with the number of their first line; `None` for a line that is none."""
    held: deque[Numbered] = deque()
    while (head := held.popleft() if held else next(lines, None)) is not None:
        number, line = head
        if line is not None and line.lstrip().startswith("#"):
            continue
        row = [] if line is None else [line]
        cells = _cells(row, delimiter)
        while row and cells is None and len(row) < _LONGEST_ROW:
            following = _following(held, lines, len(row) - 1)
            if following is None:
                break
            row.append(following)
            cells = _cells(row, delimiter)
        if cells is not None:
            for _ in row[1:]:
                held.popleft()
        yield number, cells


def _following(held: deque[Numbered], lines: Iterator[Numbered], index: int) -> str | None:
    """The line at `index` of those behind this one, which stay held until they are known to belong to it."""
    while len(held) <= index:
        found = next(lines, None)
        if found is None:
            return None
        held.append(found)
    return held[index][1]


def _cells(row: list[str], delimiter: str) -> list[str] | None:
    """The cells of a row; `None` when it is not whole, or broken."""
    if not row:
        return None
    try:
        text = "\n".join(row).replace("\x00", "\ufffd")
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
