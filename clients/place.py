"""Where a client is installed: a directory of its own in `.clients/`, so that nobody's dependencies fight.

A client from PyPI gets a virtual environment, made by a `uv` of our own; one from npm a directory with
`node_modules`. What is installed besides the pins is held by a lock in `clients/locks`, once there is one.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clients.rows import Client, pinned

ROOT = Path(__file__).parents[1]
HERE = ROOT / "clients"
HOME = ROOT / ".clients"

_UV = "uv==0.13.9"
_STAMP = ".installed"


class CannotInstall(Exception):  # noqa: N818 - said to the person at the terminal
    """An installer failed; the text holds what it said last."""


@dataclass(frozen=True)
class Place:
    """An installed client: the command that runs its script, and the directory to run it in."""

    folder: Path
    command: tuple[str, ...]


def install(client: Client, *, fresh: bool = False) -> Place:
    """Install what is not there yet; `fresh` throws away what is. Raises `CannotInstall`."""
    folder = HOME / client.name
    stamp = folder / _STAMP
    wanted = _wanted(client)
    if fresh or not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        _INSTALLERS[client.kind](client, folder)
        stamp.write_text(wanted)
    return _place(client, folder)


def lock(client: Client) -> Path:
    """Write down what is installed now, for the next installation. Raises `CannotInstall`."""
    folder, target = HOME / client.name, lock_of(client)
    target.parent.mkdir(exist_ok=True)
    if client.kind == "npm":
        shutil.copyfile(folder / "package-lock.json", target)
    else:
        target.write_text(_run([str(_uv()), "pip", "freeze", "--quiet", "--python", str(folder)]))
    (folder / _STAMP).write_text(_wanted(client))
    return target


def lock_of(client: Client) -> Path:
    """Where the versions of everything that is installed for a client are written down."""
    return HERE / "locks" / f"{client.name}.{'json' if client.kind == 'npm' else 'txt'}"


def _wanted(client: Client) -> str:
    """What an installation is made of; another text means that it is made anew."""
    locked = lock_of(client)
    parts = [client.kind, *client.pins, locked.read_text() if locked.exists() else ""]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _from_pypi(client: Client, folder: Path) -> None:
    uv, locked = str(_uv()), lock_of(client)
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    held = ["--constraint", str(locked)] if locked.exists() else []
    _run([uv, "pip", "install", "--quiet", "--python", str(folder), *held, *client.pins])


def _from_npm(client: Client, folder: Path) -> None:
    folder.mkdir(parents=True)
    wanted = dict(pinned(pin) for pin in client.pins)
    (folder / "package.json").write_text(json.dumps({"private": True, "type": "module", "dependencies": wanted}))
    locked = lock_of(client)
    if locked.exists():
        shutil.copyfile(locked, folder / "package-lock.json")
    _run(["npm", "ci" if locked.exists() else "install", "--no-audit", "--no-fund", "--loglevel=error"], folder)


_INSTALLERS = {"pypi": _from_pypi, "npm": _from_npm}


def _place(client: Client, folder: Path) -> Place:
    if client.kind == "pypi":
        return Place(folder, (str(folder / "bin" / "python"), str(HERE / "python" / client.script)))
    scripts = folder / "scripts"  # a module is looked for next to the script that imports it
    shutil.rmtree(scripts, ignore_errors=True)
    shutil.copytree(HERE / "node", scripts)
    return Place(folder, ("node", str(scripts / client.script)))


def _uv() -> Path:
    folder = HOME / "uv"
    uv = folder / "bin" / "uv"
    if not uv.exists():
        venv.create(folder, with_pip=True)
        _run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", _UV])
    return uv


def _run(command: Sequence[str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CannotInstall(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise CannotInstall(f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout
