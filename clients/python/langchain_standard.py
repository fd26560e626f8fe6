"""Runs LangChain's standard tests with pytest and tells each of them as a case."""

import sys
from pathlib import Path
from typing import Any

import pytest
from cases import ONLY, tell
from langchain_suite import REASONS

SUITE = Path(__file__).with_name("langchain_suite.py")


class Teller:
    """A pytest plugin that says a line for each test."""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when != "call" and not (report.when == "setup" and not report.passed):
            return
        group, name = report.nodeid.split("::")[-2:]
        title = f"{group.removeprefix('Test').lower()}: {name.removeprefix('test_')}"
        if report.skipped:
            tell(title, None, _reason(report))
        else:
            tell(title, report.passed, "" if report.passed else report.longreprtext[-900:])


def _reason(report: Any) -> str:
    if hasattr(report, "wasxfail"):
        return f"LangChain expects it to fail: {report.wasxfail.removeprefix('reason: ')}"
    said = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).removeprefix("Skipped: ")
    return REASONS.get(said, said)


def main() -> int:
    """pytest's own exit code is left out: what failed has been told."""
    options = ["-q", "-c", "/dev/null", "-p", "no:cacheprovider", "--tb=short", "--no-header", "--benchmark-disable"]
    for scope in ("fixture", "test"):  # the clients keep their connections, which belong to a loop
        options += ["-o", f"asyncio_default_{scope}_loop_scope=session"]
    options += ["-o", "asyncio_mode=auto", *(["-k", ONLY] if ONLY else []), str(SUITE)]
    done = pytest.main(options, plugins=[Teller()])
    return 0 if done in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) else int(done)


if __name__ == "__main__":
    sys.exit(main())
