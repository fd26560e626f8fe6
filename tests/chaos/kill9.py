"""D1: a process that changes accounts is killed again and again, and everything it acknowledged is there.

PYTHONPATH=src:tests python -m chaos.kill9 --changes 10000 [--engine postgresql] [--seed 1]
"""

import argparse
import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from chaos.changes import ACCOUNTS, expected, seen
from databases import ENGINES, database
from grok2api.storage.counters import CounterStore
from grok2api.storage.opening import store_for

#: Changes that are acknowledged before a kill, at most; where in the next one it strikes is chance.
_MOST = 120
_NEXT_SEC = 0.02

ROOT = Path(__file__).parents[2]


def play(changes: int, engine: str, directory: Path, seed: int) -> Iterator[str]:
    """Kill until so many changes were acknowledged; a line for each kill. Raises `AssertionError` when one is lost."""
    rng = random.Random(seed)
    reached: dict[str, int] = {}
    acknowledged = kills = 0
    with database(engine, directory) as url:
        while acknowledged < changes:
            told = _killed(url, directory, reached, min(rng.randint(1, _MOST), changes - acknowledged), rng)
            acknowledged += len(told)
            kills += 1
            for ident, n in told:
                reached[ident] = max(n, reached.get(ident, -1))
            reached = asyncio.run(_checked(url, directory, reached, acknowledged))
            yield f"kill {kills}: {acknowledged} changes acknowledged, none lost"


def _killed(
    url: str, directory: Path, reached: dict[str, int], wanted: int, rng: random.Random
) -> list[tuple[str, int]]:
    """What a process acknowledged until it was killed, a moment after so many changes."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))}
    command = [sys.executable, "-m", "chaos.changes", url, str(directory)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environ, text=True, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(reached))
        process.stdin.close()
        lines = [process.stdout.readline() for _ in range(wanted)]
        strike = time.monotonic() + rng.uniform(0, _NEXT_SEC)
        while time.monotonic() < strike:
            pass
        process.kill()
        lines += process.stdout.readlines()
    return [(ident, int(n)) for ident, n in (line.split() for line in lines if line.endswith("\n"))]


async def _checked(url: str, directory: Path, reached: dict[str, int], acknowledged: int) -> dict[str, int]:
    """Open the store as the next start does, and see that every account is where it was said to be, or a change on."""
    store = await store_for(url, directory, {})
    try:
        if store.database.address.path is not None:
            _integrity(store.database.address.path)
        found = {account.id: account for account in await store.load()}
        assert set(found) <= set(ACCOUNTS)
        there: dict[str, int] = {}
        for ident in ACCOUNTS:
            last = reached.get(ident, -1)
            looks = seen(found.get(ident))
            matching = [n for n in (last, last + 1) if (expected(n) if n >= 0 else None) == looks]
            assert matching, f"{ident} was acknowledged at {last} and looks like {looks}"
            if matching[0] >= 0:
                there[ident] = matching[0]
        total = (await CounterStore(store.database).load()).get("changes", 0)
        assert total >= acknowledged, f"{acknowledged} changes were acknowledged, {total} are counted"
        return there
    finally:
        await store.close()


def _integrity(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory() as directory:
        for line in play(options.changes, options.engine, Path(directory), options.seed):
            print(line, flush=True)


if __name__ == "__main__":
    main()
