"""`grok2api doctor`: look at everything that an installation needs, and say how to mend what is wrong.

Changes nothing. Findings come as they are found on a terminal; in a pipe, and with `--json`, at the end. The exit code is
1 when anything does not work.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, ConfigFile, DataDir, loaded
from grok2api.config.errors import SettingsError
from grok2api.config.load import Loaded
from grok2api.doctor import machine
from grok2api.doctor.findings import Finding, Grade, fail

_MARKS: Mapping[Grade, tuple[str, str]] = {
    Grade.GOOD: ("ok", "green"),
    Grade.NOTE: ("note", "cyan"),
    Grade.WARN: ("warn", "yellow"),
    Grade.FAIL: ("FAIL", "red"),
}


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not contact the upstreams.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with this installation and how to mend it."""
    findings = asyncio.run(_examine(data_dir, config, offline=offline, show=not as_json))
    if as_json:
        print(json.dumps(msgspec.to_builtins(findings), indent=2))
    bad = sum(finding.grade is Grade.FAIL for finding in findings)
    if not as_json:
        print(_verdict(findings, bad))
    if bad:
        raise typer.Exit(1)


async def _examine(data_dir: Path, config: Path | None, *, offline: bool, show: bool) -> list[Finding]:
    console = Console(markup=False, highlight=False, stderr=False)
    findings: list[Finding] = []
    async for finding in _everything(data_dir, config, offline=offline):
        findings.append(finding)
        if show:
            _show(console, finding)
    return findings


async def _everything(data_dir: Path, config: Path | None, *, offline: bool) -> AsyncIterator[Finding]:
    for finding in machine.data_directory(data_dir):
        yield finding
    for finding in machine.secret_files(data_dir, config, os.environ):
        yield finding
    yield machine.descriptors()
    try:
        found = loaded(data_dir, config)
    except SettingsError as error:
        for problem in error.problems:
            yield fail("configuration", problem, "grok2api config check tells when all is well")
        return
    for finding in _of_settings(found):
        yield finding


def _of_settings(found: Loaded) -> Iterator[Finding]:
    yield from machine.configuration(found)
    yield machine.port(found.settings)


def _show(console: Console, finding: Finding) -> None:
    word, colour = _MARKS[finding.grade]
    if not sys.stdout.isatty():
        print("\t".join(part for part in (word, finding.subject, finding.seen, finding.mend) if part))
        return
    console.print(f"{word:>5}", style=colour, end="  ")
    console.print(f"{finding.subject}: {finding.seen}")
    if finding.mend and finding.grade is not Grade.GOOD:
        console.print(f"         -> {finding.mend}", style="dim")


def _verdict(findings: list[Finding], bad: int) -> str:
    warnings = sum(finding.grade is Grade.WARN for finding in findings)
    if bad:
        return f"{bad} of {len(findings)} checks failed, {warnings} warnings."
    return f"All {len(findings)} checks passed, {warnings} warnings."
