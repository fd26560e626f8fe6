"""Background runs with a store and an upstream in the test's hand: who begins, who waits, who ends what."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from gateway_fakes import FakeUpstream, request, work

from grok2api.canonical.events import (
    Event,
    Finish,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Started,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.recorded import Piece
from grok2api.canonical.stored import Stored
from grok2api.catalog import BY_NAME
from grok2api.dialects.base import Envelope
from grok2api.dialects.openai_responses.background import ended
from grok2api.dialects.openai_responses.encode import ResponseEncoder
from grok2api.gateway.background import HOLD_SEC, Background, Options
from grok2api.gateway.background_run import Run
from grok2api.gateway.exchange import Exchange
from grok2api.gateway.turns import Report
from grok2api.media.budget import Budget
from grok2api.storage.errors import RefusedValues, StoreError
from grok2api.storage.responses import Held
from grok2api.upstreams.base import Plan
from virtual_time import VirtualTime

NOBODY = Problem(kind=Kind.NO_ACCOUNT, message="nobody is free", retry_after=42)


class Rows:
    """A store in memory. `away` while it cannot be reached."""

    def __init__(self) -> None:
        self.rows: dict[str, Stored] = {}
        self.pieces: dict[str, list[Piece]] = {}
        self.away = False
        self.refused = ""
        self.unfit: set[str] = set()
        self.slow = asyncio.Event()
        self.slow.set()

    async def _reached(self) -> None:
        await self.slow.wait()
        if self.away:
            raise StoreError("away")

    async def add(self, stored: Stored, pieces: Sequence[Piece]) -> None:
        await self._reached()
        self.rows[stored.id] = stored
        self.pieces[stored.id] = list(pieces)

    async def get(self, ident: str) -> Stored | None:
        await self._reached()
        return self.rows.get(ident)

    async def keep(self, stored: Stored, holder: str, pieces: Sequence[Piece]) -> bool:
        await self._reached()
        row = self.rows.get(stored.id)
        if stored.status == self.refused:
            raise RefusedValues("too large")
        if row is None or row.holder != holder:
            return False
        holds = {"holder": None, "held_until": 0.0} if stored.over else {"holder": holder, "held_until": row.held_until}
        self.rows[stored.id] = msgspec.structs.replace(stored, cancelling=row.cancelling, **holds)
        self.pieces[stored.id] += pieces
        return True

    async def record(self, pieces: Mapping[str, Sequence[Piece]]) -> None:
        await self._reached()
        if any(ident in self.unfit for ident in pieces):
            raise RefusedValues("too large")
        for ident, some in pieces.items():
            self.pieces.setdefault(ident, []).extend(some)

    async def hold(self, idents: Collection[str], holder: str, until: float) -> Held:
        await self._reached()
        mine = [row for ident in idents if (row := self.rows.get(ident)) is not None and row.holder == holder]
        for row in mine:
            self.rows[row.id] = msgspec.structs.replace(row, held_until=until)
        return Held(frozenset(row.id for row in mine), frozenset(row.id for row in mine if row.cancelling))

    async def take(self, holder: str, now: float, until: float, most: int) -> list[Stored]:
        await self._reached()
        free = [row for row in self.rows.values() if not row.over and row.held_until < now][:most]
        for row in free:
            self.rows[row.id] = msgspec.structs.replace(row, holder=holder, held_until=until)
        return [self.rows[row.id] for row in free]

    async def ask_to_stop(self, ident: str) -> bool:
        await self._reached()
        row = self.rows.get(ident)
        if row is None or row.over:
            return False
        self.rows[ident] = msgspec.structs.replace(row, cancelling=True)
        return True

    async def frames(self, ident: str, place: int, most: int) -> list[Piece]:
        await self._reached()
        return [piece for piece in self.pieces.get(ident, ()) if piece.behind > place][:most]

    async def expire_frames(self, before: float, most: int) -> int:
        return 0


class Busy:
    draining = False
    active = 0

    def enter(self) -> None:
        self.active += 1

    def leave(self) -> None:
        self.active -= 1


class Stage:
    """One process: its runs, the answers that it is asked for, and the clock."""

    def __init__(self, rows: Rows, time: VirtualTime, holder: str = "here", **options: Any) -> None:
        self.refused: Problem | None = None
        self.asked: list[asyncio.Event] = []
        self.closed = self.waited = 0
        self.broken = False
        self.noted: list[Run] = []
        self.at_end: Callable[[Run], None] = lambda _: None
        self.told: list[str] = []
        self.busy = Busy()
        self.budget = Budget(lambda: 2**30)
        self.numbers = iter(range(10_000))
        self.holder = holder
        self.time = time
        self.runs = Background(
            self.answer,
            lambda _: self.refused,
            rows,
            ended,
            lambda: Options(**options),
            time,
            holder,
            self.busy,
            self.tell,
            time.sleep,
        )

    def note(self, run: Run) -> None:
        self.noted.append(run)
        self.at_end(run)

    async def written(self) -> None:
        self.waited += 1

    async def tell(self, ident: str) -> None:
        self.told.append(ident)

    async def answer(self, _: object) -> AsyncGenerator[tuple[int, list[Event]], None]:
        go = asyncio.Event()
        self.asked.append(go)
        try:
            await go.wait()
            if self.broken:
                raise KeyError("a bug")
            yield 0, [Started(0), PartStarted(0, PartKind.TEXT), PartDelta(0, "Phobos")]
            yield 0, [PartEnded(0), Finished(Finish.STOP, Usage(input=1, output=1))]
        finally:
            self.closed += 1

    def run(self) -> Run:
        envelope = Envelope(
            model="grok", created=1, now=lambda: 2.0, new_id=lambda prefix: f"{prefix}{self.holder}{next(self.numbers)}"
        )
        asked = msgspec.structs.replace(request(), background=True)
        writer = ResponseEncoder(asked, envelope)
        stored = Stored(id=writer.id, created_at=self.time.now, model="grok", status="queued", root=writer.id)
        plan, model = Plan(), BY_NAME["grok-4.3-fast"]
        exchange = Exchange(request=asked, model=model, plan=plan, work=work(FakeUpstream()), report=Report())
        share = self.budget.share()
        share.add(2**20)
        return Run(exchange, writer, stored, share.handed_on(), self.note, self.written)

    async def begun(self) -> Run:
        run = self.run()
        await self.runs.begin(run)
        return run


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


def status(run: Run) -> str:
    return str(run.writer.document["status"])


async def test_as_many_are_made_at_once_as_the_setting_says_in_their_order(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time, at_once=2, waiting=1)
    runs = [await stage.begun() for _ in range(3)]
    await time.settle()
    assert [status(run) for run in runs] == ["in_progress", "in_progress", "queued"]
    with pytest.raises(Refusal) as refused:
        await stage.begun()
    assert refused.value.problem.retry_after
    assert (len(rows.rows), stage.budget.held) == (3, 3 * 2**20)
    stage.asked[0].set()
    await time.settle()
    assert [status(run) for run in runs] == ["completed", "in_progress", "in_progress"]
    assert (rows.rows[runs[0].id].status, stage.busy.active) == ("completed", 2)
    assert stage.budget.held == 2 * 2**20


async def test_one_that_is_cancelled_at_the_very_beginning_leaves_its_place(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time, at_once=1)
    first, second, third = [await stage.begun() for _ in range(3)]
    await time.settle()
    stage.at_end = lambda run: stage.runs.heard(second.id) if run is first else None
    stage.asked[0].set()
    await time.settle()
    assert [status(run) for run in (first, second, third)] == ["completed", "cancelled", "in_progress"]
    assert (rows.rows[second.id].status, len(stage.asked), stage.busy.active) == ("cancelled", 2, 1)


async def test_two_who_cancel_at_once_do_not_disturb_each_other(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time)
    run = await stage.begun()
    await time.settle()
    await asyncio.gather(*(stage.runs.cancel(run.id) for _ in range(5)))
    assert (rows.rows[run.id].status, stage.closed, stage.busy.active) == ("cancelled", 1, 0)
    assert stage.noted == [run]


async def test_a_client_who_leaves_while_it_is_taken_on_changes_nothing(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time)
    rows.slow.clear()
    run = stage.run()
    caller = asyncio.ensure_future(stage.runs.begin(run))
    await time.settle()
    caller.cancel()
    await time.settle()
    rows.slow.set()
    await time.settle()
    stage.asked[0].set()
    await time.settle()
    assert rows.rows[run.id].status == "completed"


async def test_one_that_cannot_be_written_is_not_begun(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time)
    rows.away = True
    run = stage.run()
    with pytest.raises(StoreError):
        await stage.runs.begin(run)
    assert (stage.asked, stage.noted, stage.budget.held) == ([], [], 0)


async def test_no_account_refuses_at_once_and_later_is_waited_for(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time, at_once=1)
    stage.refused = NOBODY
    with pytest.raises(Refusal) as refused:
        await stage.begun()
    assert (refused.value.problem, rows.rows) == (NOBODY, {})
    stage.refused = None
    first, second = await stage.begun(), await stage.begun()
    await time.settle()
    stage.refused = NOBODY
    stage.asked[0].set()
    await time.pass_(30)
    assert (status(first), status(second), len(stage.asked)) == ("completed", "queued", 1)
    stage.refused = None
    await time.pass_(2)
    assert (status(second), len(stage.asked)) == ("in_progress", 2)


async def test_a_bug_of_ours_is_a_failure_and_the_next_one_comes(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time, at_once=1)
    first, second = await stage.begun(), await stage.begun()
    await time.settle()
    stage.broken = True
    stage.asked[0].set()
    await time.settle()
    assert first.writer.document["error"]["code"] == "server_error"
    assert "a bug" not in str(first.writer.document)
    assert (status(first), status(second), rows.rows[first.id].status) == ("failed", "in_progress", "failed")


async def test_the_end_is_shown_once_it_is_stored(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time)
    run = await stage.begun()
    listening = asyncio.ensure_future(heard(run))
    await time.settle()
    rows.slow.clear()
    stage.asked[0].set()
    await time.settle()
    asking = asyncio.ensure_future(stage.runs.get(run.id))
    await time.settle()
    assert (run.over, listening.done(), asking.done()) == (True, False, False)
    rows.slow.set()
    await time.settle()
    known = asking.result()
    assert known is not None
    assert known.status == rows.rows[run.id].status == "completed"
    assert b"event: response.completed" in listening.result()
    assert stage.waited == 1


async def test_what_the_store_cannot_take_is_said_to_be_lost(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time)
    run = await stage.begun()
    await time.settle()
    rows.refused = "completed"
    stage.asked[0].set()
    await time.settle()
    told = msgspec.json.decode(rows.rows[run.id].response)
    assert (told["status"], "too large" in told["error"]["message"], told["output"]) == ("failed", True, [])
    await stage.runs.beat()
    assert b"event: response.completed" in await heard(run)


async def test_frames_that_the_store_cannot_take_disturb_no_other_answer(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time)
    first, second = await stage.begun(), await stage.begun()
    await time.settle()
    rows.unfit.add(first.id)
    await stage.runs.beat()
    assert [len(rows.pieces[run.id]) for run in (first, second)] == [1, 2]
    for go in stage.asked:
        go.set()
    await time.settle()
    assert {rows.rows[run.id].status for run in (first, second)} == {"completed"}


async def heard(run: Run) -> bytes:
    return b"".join([data async for data in run.listen()])


async def test_one_that_was_deleted_is_given_up_with_the_next_beat(rows: Rows, time: VirtualTime) -> None:
    stage = Stage(rows, time)
    run = await stage.begun()
    await time.settle()
    del rows.rows[run.id]
    await stage.runs.beat()
    await time.settle()
    assert (stage.closed, run.over, rows.rows) == (1, True, {})


async def test_another_process_asks_and_the_holder_ends_it(rows: Rows, time: VirtualTime) -> None:
    here, there = Stage(rows, time), Stage(rows, time, "there")
    run = await here.begun()
    await time.settle()
    asking = asyncio.ensure_future(there.runs.cancel(run.id))
    await time.settle()
    assert (there.told, asking.done()) == ([run.id], False)
    here.runs.heard(run.id)
    await time.pass_(0.1)
    assert asking.done()
    assert (rows.rows[run.id].status, here.closed) == ("cancelled", 1)


async def test_one_whose_process_is_gone_is_cancelled_by_who_asks(rows: Rows, time: VirtualTime) -> None:
    here, there = Stage(rows, time), Stage(rows, time, "there")
    run = await here.begun()
    await time.pass_(HOLD_SEC + 1)
    asking = asyncio.ensure_future(there.runs.cancel(run.id))
    await time.pass_(1)
    assert asking.done()
    assert rows.rows[run.id].status == "cancelled"
    await here.runs.beat()
    await time.settle()
    assert (here.closed, rows.rows[run.id].status) == (1, "cancelled")


async def test_after_an_outage_holders_get_time_to_say_that_they_live(rows: Rows, time: VirtualTime) -> None:
    here, there = Stage(rows, time), Stage(rows, time, "there")
    run = await here.begun()
    await time.settle()
    rows.away = True
    await time.pass_(60)
    with pytest.raises(StoreError):
        await there.runs.look()
    rows.away = False
    await there.runs.look()
    assert rows.rows[run.id].status == "queued"
    await here.runs.beat()
    await time.pass_(HOLD_SEC - 1)
    await there.runs.look()
    assert rows.rows[run.id].holder == "here"
    await time.pass_(2)
    await there.runs.look()
    assert rows.rows[run.id].status == "failed"


@pytest.mark.parametrize("waits", [False, True])
async def test_a_stop_ends_what_is_made_and_what_waits(rows: Rows, time: VirtualTime, waits: bool) -> None:
    stage = Stage(rows, time, at_once=1)
    async with stage.runs.running():
        runs = [await stage.begun(), await stage.begun()]
        await time.settle()
        stage.busy.draining = True
        if not waits:
            stage.asked[0].set()
            await time.settle()
            assert status(runs[1]) == "queued"
    ends = [rows.rows[run.id].status for run in runs]
    assert ends == (["failed", "failed"] if waits else ["completed", "failed"])
    assert all("stopped" in (run.writer.document["error"] or {"message": "stopped"})["message"] for run in runs)
    assert stage.busy.active == 0


async def test_a_follower_reads_what_another_process_writes_until_the_end(rows: Rows, time: VirtualTime) -> None:
    here, there = Stage(rows, time), Stage(rows, time, "there")
    run = await here.begun()
    got: list[bytes] = []

    async def follow() -> None:
        got.extend([data async for data in there.runs.frames(run.id, 0)])

    following = asyncio.ensure_future(follow())
    await time.pass_(1)
    await here.runs.beat()
    here.asked[0].set()
    await time.pass_(1)
    assert following.done()
    whole = b"".join([data async for data in run.listen(0)])
    assert b"".join(got) == whole
    assert whole.count(b"event: response.completed") == 1
