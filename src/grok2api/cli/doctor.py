"""`grok2api doctor`: look at everything that an installation needs, and say how to mend what is wrong.

Changes nothing. Findings come as they are found, with `--json` all at the end. The exit code is 1 when anything is
broken.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from grok2api.cli.accounts_upstream import upstreams
from grok2api.cli.accounts_view import printable
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, ConfigFile, DataDir, loaded
from grok2api.config.errors import SettingsError
from grok2api.config.settings import Settings
from grok2api.doctor import machine, network, pool, store
from grok2api.doctor.coordination import coordination
from grok2api.doctor.findings import Finding, Grade, fail
from grok2api.doctor.gateway import gateway
from grok2api.observe.secrets import secrets
from grok2api.reach import Reach
from grok2api.storage.accounts import AccountStore
from grok2api.storage.errors import StoreError
from grok2api.upstreams.base import Credential

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
    for finding in machine.configuration(found):
        yield finding
    async for finding in _running(found.settings, data_dir, offline=offline):
        yield finding


async def _running(settings: Settings, data_dir: Path, *, offline: bool) -> AsyncIterator[Finding]:
    """What is found out by asking: the gateway, the store, the upstreams."""
    async with AsyncExitStack() as stack:
        straight = await stack.enter_async_context(upstreams(_straight(settings)))
        yield await gateway(straight.http, settings)
        async for finding in coordination(settings):
            yield finding
        findings, accounts = await store.examine(stack, settings.storage.url, data_dir, os.environ)
        for finding in findings:
            yield finding
        try:
            if accounts is not None:
                for finding in pool.census(await accounts.tally(time.time())):
                    yield finding
            if not offline:
                reach = await stack.enter_async_context(upstreams(settings))
                async for finding in _asked(reach, settings, accounts):
                    yield finding
        except StoreError as error:
            yield store.told(str(error))


async def _asked(reach: Reach, settings: Settings, accounts: AccountStore | None) -> AsyncIterator[Finding]:
    """What the upstreams say. Raises `StoreError`."""
    async for finding in network.upstreams(reach.http, settings):
        yield finding
    if accounts is None:
        return

    async def ask(credential: Credential, mode: str) -> None:
        secrets.register(credential.secret)
        await reach.sources[mode].ask(credential, mode)

    async for finding in pool.kinds(accounts, ask, time.time()):
        yield finding


def _straight(settings: Settings) -> Settings:
    """The same without a proxy: the gateway is on this machine."""
    change = msgspec.structs.replace
    egress = change(settings.proxy.egress, mode="direct")
    straight: Settings = change(settings, proxy=change(settings.proxy, egress=egress))
    return straight


def _show(console: Console, finding: Finding) -> None:
    word, colour = _MARKS[finding.grade]
    subject, seen, mend = (printable(part) for part in (finding.subject, finding.seen, finding.mend))
    if not sys.stdout.isatty():
        print("\t".join((word, subject, seen, mend)))
        return
    console.print(f"{word:>4}", style=colour, end="  ")
    console.print(f"{subject}: {seen}")
    if mend:
        console.print(f"      -> {mend}", style="dim")


def _verdict(findings: list[Finding], bad: int) -> str:
    warnings = sum(finding.grade is Grade.WARN for finding in findings)
    if bad:
        return f"{bad} of {len(findings)} checks failed, {warnings} warnings."
    return f"All {len(findings)} checks passed, {warnings} warnings."
