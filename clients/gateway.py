"""The gateway and the simulator, each as a process of its own, as an operator would run them.

Every client gets a new pair, so that what one leaves behind (accounts at rest, stored responses) meets no other.
Windows of the simulated accounts do not run down.
"""

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_GROK2API = (sys.executable, "-m", "grok2api")
_URL = re.compile(r"http://[^\s;]+")
_PATIENCE = 60.0
_ACCOUNTS = 40

_CONFIG = """\
aliases = {{ "claude-*" = "{model}" }}

[app]
api_key = "{key}"

[server]
host = "127.0.0.1"
port = 0

[upstream]
headers = {{}}

[upstream.web]
base_url = "{upstream}"
ws_url = "{socket}"
assets_url = "{upstream}"
public_url = "{upstream}/public"
accounts_url = "{upstream}"

[upstream.console]
base_url = "{upstream}"

[upstream.api]
base_url = "{upstream}"
"""


class CannotStart(Exception):  # noqa: N818 - said to the person at the terminal
    """The gateway or the simulator did not come up; the text holds what it said last."""


@dataclass(frozen=True)
class Running:
    """Where the gateway listens, without `/v1`; the key for it; where the simulator takes orders; the logs."""

    url: str
    key: str
    simulator: str
    folder: Path


@contextmanager
def running(model: str) -> Iterator[Running]:
    """A gateway with accounts, ready to serve; Claude's names stand for `model` there. Raises `CannotStart`."""
    with tempfile.TemporaryDirectory(prefix="grok2api-clients-") as name:
        folder = Path(name)
        tokens = [f"client-session-{number:03d}" for number in range(_ACCOUNTS)]
        known = folder / "accounts.json"
        known.write_text(json.dumps([{"token": token, "tier": "heavy"} for token in tokens]))
        simulate = (*_GROK2API, "simulate", "--attached", "--unmetered", "--port", "0", "--accounts", str(known))
        with _program("simulator", simulate, folder) as upstream:
            key = "sk-clients-" + secrets.token_hex(8)
            data = folder / "data"
            data.mkdir()
            socket = upstream.replace("http", "ws", 1)
            (data / "config.toml").write_text(_CONFIG.format(model=model, key=key, upstream=upstream, socket=socket))
            _add(tokens, folder, data)
            serve = (*_GROK2API, "serve", "--data-dir", str(data))
            with _program("gateway", serve, folder) as url:
                yield Running(url, key, upstream, folder)


def _add(tokens: list[str], folder: Path, data: Path) -> None:
    listed = folder / "tokens.txt"
    listed.write_text("\n".join(tokens))
    command = [*_GROK2API, "accounts", "import", str(listed), "--pool", "heavy", "--data-dir", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(f"the accounts were not taken: {done.stderr[-600:]}")


@contextmanager
def _program(name: str, command: tuple[str, ...], folder: Path) -> Iterator[str]:
    """Run a program of ours until the end of the block; yields the address that it says it has."""
    log = folder / f"{name}.log"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out, env=environment)
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5.0)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        said = _URL.search(log.read_text("utf-8", "replace"))
        if said is not None and _listens(said[0]):
            return said[0]
        time.sleep(0.05)  # noqa: TID251 - another process is waited for
    raise CannotStart(f"{log.stem} did not start: {log.read_text('utf-8', 'replace')[-600:]}")


def _listens(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5.0):
            return True
    except urllib.error.HTTPError:
        return True  # an answer is an answer; the simulator has no such page
    except OSError:
        return False
