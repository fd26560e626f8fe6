"""The scripts of this directory for a short time; `chaos` says how to play them for a long one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chaos import disk, kill9, outage
from databases import ENGINES


@pytest.mark.parametrize("engine", ENGINES)
def test_D1_what_was_acknowledged_survives_kills(engine: str, tmp_path: Path) -> None:
    lines = list(kill9.play(120, engine, tmp_path, seed=4))
    assert len(lines) >= 2


@pytest.mark.parametrize(("engine", "how"), [("postgresql", "cut"), ("postgresql", "deaf"), ("mariadb", "cut")])
async def test_D4_answers_go_on_while_the_database_is_away(engine: str, how: str, tmp_path: Path) -> None:
    report = await outage.play(engine, how, 2.5, tmp_path)
    assert report.answers > 20
    assert report.slowest_sec < 3


@pytest.mark.parametrize("how", disk.WAYS)
def test_D4_answers_go_on_while_the_disk_is_full(how: str) -> None:
    root = Path(__file__).parents[2]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join((str(root / "src"), str(root / "tests")))}
    command = [sys.executable, "-m", "chaos.disk", "--how", how]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "disk" in done.stdout.splitlines()[-1]
