"""The account verbs as a person types them, and upstreams that answer while a verb runs.

A verb has an event loop of its own, so what it talks to runs in a thread.
"""

import asyncio
import json
import logging
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog
from typer.testing import CliRunner, Result

from grok2api.cli.accounts import app
from grok2api.cli.common import CommandError
from grok2api.cli.main import application
from grok2api.simulator.app import Running, start
from grok2api.simulator.world import World

T = TypeVar("T")

ONE = "first-session-token-MARKED-0001"
TWO = "second-session-token-MARKED-0002"
KEY = "xai-official-key-MARKED-000000003"


class Cli:
    """The account verbs on a store of their own. `seen` is everything that was printed."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.seen = ""

    def __call__(self, *words: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(app, [*words, "--data-dir", str(self.data)], input=stdin)
        self.seen += result.output
        return result

    def json(self, *words: str, stdin: str | None = None) -> Any:
        """What a verb prints as JSON."""
        return json.loads(self(*words, "--json", stdin=stdin).stdout)

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """The accounts of a list."""
        rows: list[dict[str, Any]] = self.json("list", *words)
        return rows

    def ident(self, token: str) -> str:
        """The id of the account with this credential."""
        return str(self.json("show", token)["id"])


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    monkeypatch.setenv("GROK2API_DATA_DIR", str(tmp_path / "elsewhere"))
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    yield Cli(tmp_path / "data")
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def refusal(result: Result) -> CommandError:
    """The one line that a verb refused with."""
    assert isinstance(result.exception, CommandError)
    assert "\n" not in result.exception.message
    return result.exception


def doctor(data: Path, *words: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """The exit code of `doctor`, and its findings by subject."""
    result = CliRunner().invoke(application(["doctor"]), ["doctor", "--json", "--data-dir", str(data), *words])
    findings: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(result.stdout):
        findings.setdefault(finding["subject"], []).append(finding)
    return result.exit_code, findings


class Beside:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` comes to there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def beside() -> Iterator[Beside]:
    loop = Beside()
    yield loop
    loop.close()


@contextmanager
def upstreams(beside: Beside, monkeypatch: pytest.MonkeyPatch, world: World | None = None) -> Iterator[Running]:
    """The simulated upstreams, with the settings in the environment that point there."""
    running = beside.run(start(world or World()))
    point(monkeypatch, running.settings | {"upstream.web.assets_url": running.url})
    try:
        yield running
    finally:
        beside.run(running.close())


def point(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    """Give settings by environment variables."""
    for key, value in settings.items():
        monkeypatch.setenv(f"GROK2API_{key.upper().replace('.', '__')}", value)


@pytest.fixture
def simulated(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with upstreams(beside, monkeypatch) as running:
        yield running


def on_terminal(*words: str, columns: int = 80, piped: bool = False) -> tuple[str, str]:
    """Run the real command on a terminal: what that showed and, if the output went into a pipe, what came there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "grok2api", *words]
    environ = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    out = subprocess.PIPE if piped else theirs
    with subprocess.Popen(command, stdin=theirs, stdout=out, stderr=theirs, env=environ) as process:
        os.close(theirs)
        came = process.stdout.read().decode() if process.stdout is not None else ""
        shown = b"".join(_read(ours)).decode()
    os.close(ours)
    return shown, came


def _read(descriptor: int) -> Iterator[bytes]:
    try:
        while data := os.read(descriptor, 65536):
            yield data
    except OSError:  # the other side is closed
        return
