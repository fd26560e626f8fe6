"""The tables of docs/simulator.md, made from the faults: `python -m grok2api.simulator.reference docs/simulator.md`.

Only the text between the two markers is replaced; a test compares it with the table.
"""

import sys
from pathlib import Path

from grok2api.pages import between
from grok2api.simulator.faults import FAULTS

BEGIN = "<!-- Made from the table of faults; do not edit up to the end mark. -->"
END = "<!-- End of the tables. -->"

_GROUPS = (
    ("answer", "What the answer contains or looks like"),
    ("media", "Pictures, films and files"),
    ("stream", "What goes wrong on the way"),
    ("quota", "What an answer about quota looks like"),
    ("grpc", "How the account settings answer"),
    ("http", "HTTP errors instead of an answer"),
)


def tables() -> str:
    """All rows, one table a group, in Markdown."""
    lines: list[str] = []
    for group, title in _GROUPS:
        lines += [f"### {title}", "", "| word | what happens |", "|---|---|"]
        for row in FAULTS.values():
            if row.group == group:
                note = "" if row.sockets or group in ("http", "quota", "grpc") else " (not over a WebSocket)"
                lines.append(f"| `{row.written}` | {row.says}{note} |")
        lines.append("")
    return "\n".join(lines)


def rewritten(page: str) -> str:
    """The page with fresh tables. Raises `ValueError` when it has no markers."""
    return between(page, BEGIN, END, tables())


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(rewritten(target.read_text("utf-8")), "utf-8")
