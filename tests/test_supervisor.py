"""The parent of several workers, with workers that only pretend."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from grok2api.place import Place, Serves, place_in
from grok2api.supervisor import FIRST_PAUSE_SEC, LONGEST_PAUSE_SEC, Supervisor, pause_before
from grok2api.web.listening import Listeners, PortTaken

#: Notes its place in a file, says that it serves, and lives until it is told to end, or does what the test says.
WORKER = """
import json, os, pathlib, socket, sys, signal
place = json.loads(os.environ["GROK2API_WORKER"])
line = socket.socket(fileno=place["line"])
listener = socket.socket(fileno=place["listener"])
with open(sys.argv[1], "a") as notes:
    notes.write(json.dumps({**place, "pid": os.getpid(), "port": listener.getsockname()[1]}) + "\\n")
exec(sys.argv[2])
line.send(b'{"accounts": [[3, "active"]]}\\n')
signal.sigwait({signal.SIGTERM})
exec(sys.argv[3])
"""
BLOCKED = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})"


class Scene:
    def __init__(self, notes: Path, first: str, last: str, count: int) -> None:
        self.notes = notes
        self.told: list[Serves] = []
        self.listeners = Listeners("127.0.0.1", 0)
        command = (sys.executable, "-c", WORKER, str(notes), f"{BLOCKED}; {first}", last)
        self.supervisor = Supervisor(command, self.listeners, count, self.told.append)
        self.running = asyncio.ensure_future(self.supervisor.run())

    @property
    def started(self) -> list[dict[str, int]]:
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [json.loads(line) for line in lines]

    async def until(self, starts: int) -> list[dict[str, int]]:
        async with asyncio.timeout(10):
            while len(self.started) < starts or not self.told:
                assert not self.running.done()
                await asyncio.sleep(0.01)
        return self.started

    async def ended(self) -> int:
        return await asyncio.wait_for(self.running, 10)


@asynccontextmanager
async def scene(tmp_path: Path, first: str = "", last: str = "", count: int = 2) -> AsyncIterator[Scene]:
    made = Scene(tmp_path / "notes", first, last, count)
    try:
        yield made
    finally:
        if not made.running.done():
            made.supervisor.end()
            await made.ended()
        made.listeners.close()


async def test_each_worker_has_its_place_and_the_parent_says_once_that_all_serve(tmp_path: Path) -> None:
    async with scene(tmp_path, count=3) as made:
        places = await made.until(3)
        assert {place["number"] for place in places} == {1, 2, 3}
        assert {place["count"] for place in places} == {3}
        assert {place["port"] for place in places} == {made.listeners.port}
        assert not any(place["again"] for place in places)
        assert made.told == [Serves([(3, "active")])]
        made.supervisor.end()
        assert await made.ended() == 0


async def test_O3_when_the_first_cannot_start_the_others_are_not_tried(tmp_path: Path) -> None:
    async with scene(tmp_path, first="sys.exit(4)") as made:
        assert await made.ended() == 4
        assert len(made.started) == 1
        assert made.told == []


async def test_a_worker_that_dies_is_started_again_at_once(tmp_path: Path) -> None:
    dies = "place['number'] == 2 and not place['again'] and (line.send(b'{\"accounts\": []}\\n'), os._exit(1))"
    async with scene(tmp_path, first=dies) as made:
        places = await made.until(3)
        assert [(place["number"], place["again"]) for place in places] == [(1, False), (2, False), (2, True)]


async def test_an_end_that_a_worker_spoils_is_seen_in_the_exit_code(tmp_path: Path) -> None:
    async with scene(tmp_path, last="sys.exit(3 if place['number'] == 2 else 0)") as made:
        await made.until(2)
        made.supervisor.end()
        assert await made.ended() == 3


async def test_an_end_during_the_start_is_an_orderly_end(tmp_path: Path) -> None:
    async with scene(tmp_path, first="signal.pthread_sigmask(signal.SIG_UNBLOCK, {15}); signal.pause()") as made:
        async with asyncio.timeout(10):
            while not made.started:
                await asyncio.sleep(0.01)
        made.supervisor.end()
        assert await made.ended() == 0


def test_pauses_grow_and_end_somewhere() -> None:
    assert [pause_before(deaths) for deaths in (1, 2, 3, 4)] == [
        0.0,
        FIRST_PAUSE_SEC,
        2 * FIRST_PAUSE_SEC,
        4 * FIRST_PAUSE_SEC,
    ]
    assert pause_before(1000) == LONGEST_PAUSE_SEC


def test_a_place_is_handed_down_in_the_environment() -> None:
    place = Place(number=2, count=4, listener=5, line=6, again=True)
    assert place_in({"GROK2API_WORKER": place.written()}) == place
    assert place_in({}) is None


def test_O3_an_address_that_somebody_listens_on_is_refused_even_if_he_would_share_it() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortTaken, match=str(other.getsockname()[1])):
            Listeners("127.0.0.1", other.getsockname()[1])
