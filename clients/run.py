"""One client over one backend: its script is run as it is, and every line of JSON that it prints is a case."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from clients.gateway import Running
from clients.place import ROOT, Place
from clients.report import Case, Run
from clients.rows import Backend, Client

_TOLD = 1500
_NOT_HANDED_ON = ("PYTHON", "VIRTUAL_ENV", "OPENAI", "ANTHROPIC", "CLAUDE", "CODEX", "LITELLM", "AIDER", "NODE_PATH")


def run(client: Client, place: Place, gateway: Running, backend: Backend, only: str = "") -> Run:
    """Run the script to its end and read what it says. Whatever else it does, the answer is a `Run`."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"{client.name}-") as scratch:
        environment = environment_of(gateway, backend, Path(scratch), only)
        try:
            done = subprocess.run(
                place.command,
                cwd=scratch,
                env={**_clean(os.environ), **environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=client.seconds,
                check=False,
            )
            cases = cases_in(done.stdout.splitlines())
            if done.returncode or not cases:
                said = _placeless((done.stderr or done.stdout).strip())
                why = f"exit code {done.returncode}: {said[-_TOLD:]}"
                cases = (*cases, Case("ends well", "failed", why))
        except subprocess.TimeoutExpired as late:
            said = late.stdout or b""
            text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
            cases = (*cases_in(text.splitlines()), Case("ends", "failed", f"still running after {client.seconds:g} s"))
    return Run(backend.name, backend.model, cases, round(time.monotonic() - begun, 1))


def environment_of(gateway: Running, backend: Backend, scratch: Path, only: str = "") -> Mapping[str, str]:
    """What a script is told. README.md says what each of these means."""
    return {
        "CLIENT_URL": gateway.url,
        "CLIENT_KEY": gateway.key,
        "CLIENT_MODEL": backend.model,
        "CLIENT_BACKEND": backend.name,
        "CLIENT_SIMULATOR": gateway.simulator,
        "CLIENT_FOLDER": str(scratch),
        "CLIENT_ONLY": only,
        "HOME": str(scratch),
        "NO_PROXY": "*",
        "DO_NOT_TRACK": "1",
        "PYTHONUTF8": "1",
    }


def _clean(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Without what would lead a client elsewhere: this program's own modules, and settings for clients."""
    return {name: value for name, value in environment.items() if not name.startswith(_NOT_HANDED_ON)}


def cases_in(lines: Iterable[str]) -> tuple[Case, ...]:
    """The cases among what a script printed; other lines are the client's own talk."""
    return tuple(case for line in lines if (case := _case(line)) is not None)


def _case(line: str) -> Case | None:
    if not line.startswith("{"):
        return None
    try:
        said: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict) or "case" not in said or "ok" not in said:
        return None
    result = {True: "passed", False: "failed", None: "skipped"}[said["ok"]]
    return Case(str(said["case"]), result, _placeless(str(said.get("detail") or ""))[:_TOLD])


def _placeless(text: str) -> str:
    """Without the directories of this machine, so that results are the same on every one."""
    return text.replace(str(ROOT), ".").replace(os.path.relpath(ROOT, gettempdir()), ".")
