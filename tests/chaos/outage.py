"""D4: the database is away for a while. Answers go on, nothing is lost, and nobody has to start anything again.

PYTHONPATH=src:tests python -m chaos.outage --seconds 60 [--engine mariadb] [--how deaf]
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
from sqlalchemy.engine import make_url

from asking import ask
from chaos.proxy import Wire, wire
from databases import database
from grok2api.accounts.lifecycle import disabled
from grok2api.accounts.model import Account
from grok2api.accounts.query import Note
from grok2api.simulator.world import WorldOptions
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import store_for
from rig import BASIC, CHAT, Rig, rigged

ENGINES = ("postgresql", "mariadb")
WAYS = ("cut", "deaf")

#: Seconds within which an administrative write is refused, and after which everything is written.
REFUSED_WITHIN = 25.0
BACK_WITHIN = 60.0

_PAUSE_SEC = 0.05


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen: answers during the outage, the slowest, how long the refusal took, when all was written."""

    answers: int
    slowest_sec: float
    refused_sec: float
    refusal: str
    written_sec: float


async def play(engine: str, how: str, seconds: float, directory: Path) -> Report:
    """One outage. Raises `AssertionError` when something is not as it must be."""
    with database(engine, directory) as direct:
        url = make_url(direct)
        async with wire(url.host or "127.0.0.1", url.port or 0) as line:
            wired = url.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
            settings = {"storage.url": wired, "account.strategy": "random"}
            accounts = tuple((f"sim-basic-{number}", BASIC) for number in range(1, 6))
            world = WorldOptions(burst=True, metered=False)
            async with rigged(directory, accounts=accounts, settings=settings, world=world) as rig:
                assert await _answered(rig) > 0
                report = await _outage(rig, line, how, seconds)
                served = {account.id: account for account in rig.app.pool.list()}
            stored = await _stored(direct, directory)
    _compare(served.values(), stored)
    return report


async def _outage(rig: Rig, line: Wire, how: str, seconds: float) -> Report:
    line.deafen() if how == "deaf" else await line.cut()
    began = time.monotonic()
    refusing = asyncio.ensure_future(_refused(rig))
    times = []
    while time.monotonic() < began + seconds or not refusing.done():
        times.append(await _answered(rig))
        await asyncio.sleep(_PAUSE_SEC)
    refused_sec, refusal = await refusing
    health = rig.app.following.health
    assert not health.ok, "the status must tell that the store is away"
    assert health.reason
    assert health.waiting > 0
    await line.mend()
    mended = time.monotonic()
    async with asyncio.timeout(BACK_WITHIN):
        while rig.app.following.health.waiting or not rig.app.following.health.ok:
            times.append(await _answered(rig))
            await asyncio.sleep(0.5)
    written_sec = time.monotonic() - mended
    note = Note(action="disable", actor="chaos", at=2000.0)
    changed = await rig.app.store.change([rig.app.pool.list()[0].id], lambda account: account, note)
    assert len(changed.accounts) == 1, "administrative writes work again"
    return Report(
        answers=len(times),
        slowest_sec=max(times),
        refused_sec=refused_sec,
        refusal=refusal,
        written_sec=written_sec,
    )


async def _answered(rig: Rig) -> float:
    """Seconds that an answer takes; anything but an answer is a failure."""
    began = time.monotonic()
    status, _, body = await rig.post(CHAT, ask("chat"))
    assert status == 200, body
    return time.monotonic() - began


async def _refused(rig: Rig) -> tuple[float, str]:
    """Seconds until ten administrative writes that came at once were refused, and with which words."""
    began = time.monotonic()
    ids = [account.id for account in rig.app.pool.list()]
    told = await asyncio.gather(*(rig.app.store.change(ids, disabled) for _ in range(10)), return_exceptions=True)
    assert all(isinstance(error, StoreError) for error in told), told
    took = time.monotonic() - began
    assert took < REFUSED_WITHIN
    return took, str(told[0])


async def _stored(url: str, directory: Path) -> dict[str, Account]:
    store = await store_for(url, directory, {})
    try:
        return {account.id: account for account in await store.load()}
    finally:
        await store.close()


def _compare(served: Iterable[Account], stored: dict[str, Account]) -> None:
    for account in served:
        assert account.use_count == stored[account.id].use_count > 0
        assert account.state is stored[account.id].state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--engine", choices=ENGINES, default="postgresql")
    parser.add_argument("--how", choices=WAYS, default="cut")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        print(asyncio.run(play(options.engine, options.how, options.seconds, Path(directory))))


if __name__ == "__main__":
    main()
