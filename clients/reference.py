"""`python -m clients.reference`: README's "Tested with" made from the results, as `make docs` does for all pages."""

import sys
from pathlib import Path

from clients.report import placed, read, section

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "clients" / "results.json"


def page(readme: Path = README, results: Path = RESULTS) -> str:
    """README as it should be."""
    return placed(readme.read_text("utf-8"), section(read(results.read_text("utf-8"))))


def main() -> int:
    """Write it."""
    README.write_text(page(), "utf-8")
    sys.stdout.write("README.md\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
