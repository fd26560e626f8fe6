"""`python -m clients.reference`: README's "Tested with" made from the results, as `make docs` does for all pages."""

import sys
from pathlib import Path

from clients.report import read, section
from grok2api.pages import between, write

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "clients" / "results.json"

BEGIN = "<!-- Made from clients/results.json by `make docs`; do not edit up to the end mark. -->"
END = "<!-- End of what was tested. -->"


def page() -> str:
    """README as it should be."""
    return between(README.read_text("utf-8"), BEGIN, END, section(read(RESULTS.read_text("utf-8"))))


if __name__ == "__main__":
    sys.exit(write({"README.md": page}, ROOT))
