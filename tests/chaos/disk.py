"""D4 for SQLite: the disk is full, or reports errors. Answers go on, the status tells, nothing is lost.

    PYTHONPATH=src:tests python -m chaos.disk --how full|failing

Full is a small file system of its own that is filled, which root may mount. Failing, and full for everybody else: no
file may be written any longer, which is why this is a process of its own.
"""

import argparse
import asyncio
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from asking import ask
from grok2api.simulator.world import WorldOptions
from rig import BASIC, CHAT, Rig, rigged

WAYS = ("full", "failing")

_SIZE = "8m"
_PATIENCE_SEC = 45.0


class Disk(msgspec.Struct, frozen=True):
    """A directory, what spoils it, what mends it, and what is then said of it."""

    path: Path
    spoil: Callable[[], None]
    mend: Callable[[], None]
    words: str


@contextmanager
def small_disk(how: str, directory: Path) -> Iterator[Disk]:
    """A disk that can be spoilt."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(directory)]
    if how == "failing" or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield _bounded(directory)
        return
    try:
        yield _filled(directory)
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def _filled(directory: Path) -> Disk:
    ballast = directory / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    return Disk(directory, fill, ballast.unlink, "the disk is full")


def _bounded(directory: Path) -> Disk:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

    return Disk(directory, lambda: limit(1), lambda: limit(hard), "the disk")


async def play(disk: Disk) -> str:
    """One spoilt disk; what the status said. Raises `AssertionError` when something is not as it must be."""
    accounts = tuple((f"sim-basic-{number}", BASIC) for number in range(1, 4))
    settings = {"account.strategy": "random"}
    world = WorldOptions(burst=True, metered=False)
    async with rigged(disk.path, accounts=accounts, settings=settings, world=world) as rig:
        await _answered(rig)
        await _until(rig, ok=True)
        disk.spoil()
        await _until(rig, ok=False)
        reason = rig.app.following.health.reason
        assert disk.words in reason, reason
        for _ in range(20):
            await _answered(rig)
        disk.mend()
        await _until(rig, ok=True)
        await rig.settled()
        served = {account.id: account.use_count for account in rig.app.pool.list()}
        totals = rig.app.counters.values()
    async with rigged(disk.path, accounts=accounts, settings=settings, world=world) as rig:
        assert {account.id: account.use_count for account in rig.app.pool.list()} == served
        assert rig.app.counters.values() == totals
    return reason


async def _answered(rig: Rig) -> None:
    status, _, body = await rig.post(CHAT, ask("chat"))
    assert status == 200, body


async def _until(rig: Rig, *, ok: bool) -> None:
    """Answer until the store is well, or is not, and when it is, everything is written."""
    async with asyncio.timeout(_PATIENCE_SEC):
        while rig.app.following.health.ok is not ok or (ok and rig.app.following.health.waiting):
            await _answered(rig)
            await asyncio.sleep(0.2)
            if ok:
                await asyncio.sleep(1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--how", choices=WAYS, default="full")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, small_disk(options.how, Path(directory)) as disk:
        print(asyncio.run(play(disk)))


if __name__ == "__main__":
    main()
