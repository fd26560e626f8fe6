"""Periodic work, with a clock in the test's hand."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import asynccontextmanager

import pytest

from grok2api.jobs import Job, JobRunner
from grok2api.storage.errors import StoreError
from virtual_time import InMemory, VirtualTime


class Work:
    """Counts its runs; raises what it is told to."""

    def __init__(self, time: VirtualTime) -> None:
        self.time = time
        self.begun: list[float] = []
        self.error: Exception | None = None
        self.lasts = 0.0
        self.at_once = 0

    async def __call__(self) -> None:
        self.begun.append(self.time.now)
        self.at_once += 1
        assert self.at_once == 1, "a job runs never twice at once"
        try:
            if self.lasts:
                await self.time.sleep(self.lasts)
            if self.error is not None:
                raise self.error
        finally:
            self.at_once -= 1


class Bench:
    def __init__(self, **members: object) -> None:
        self.time = VirtualTime()
        self.start = self.time.now
        self.work = Work(self.time)
        self.memory = InMemory()
        self.interval = 10.0
        self.shift = 0.0
        self.members = members

    def runner(self) -> JobRunner:
        plain = {"name": "job", "help": "Does it.", "every": lambda: self.interval, "work": self.work}
        job = Job(**(plain | self.members))  # type: ignore[arg-type]
        clock = lambda: self.time.now + self.shift  # noqa: E731
        return JobRunner([job], clock, random.Random(7), self.memory, self.time.sleep)

    @asynccontextmanager
    async def running(self):
        runner = self.runner()
        async with runner.running():
            yield runner

    @property
    def runs(self) -> list[float]:
        return [moment - self.start for moment in self.work.begun]


async def test_a_job_runs_once_in_each_interval() -> None:
    bench = Bench()
    async with bench.running():
        await bench.time.pass_(35)
    await bench.time.pass_(100)
    assert bench.runs == [10, 20, 30]


async def test_the_interval_counts_from_the_beginning_of_a_run() -> None:
    bench = Bench()
    bench.work.lasts = 4.0
    async with bench.running():
        await bench.time.pass_(35)
    assert bench.runs == [10, 20, 30]


async def test_a_run_that_lasts_longer_than_its_interval_is_not_joined_by_another() -> None:
    bench = Bench()
    bench.work.lasts = 25.0
    async with bench.running():
        await bench.time.pass_(70)
    assert bench.runs == [10, 35, 60]


@pytest.mark.parametrize(
    ("error", "said"),
    [(ValueError("a secret\nof lines"), "ValueError at test_jobs:"), (StoreError("It is away."), "It is away.")],
)
async def test_an_error_is_counted_and_does_not_end_the_cycle(error: Exception, said: str) -> None:
    bench = Bench()
    bench.work.error = error
    async with bench.running() as runner:
        await bench.time.pass_(35)
        (status,) = runner.status()
        assert (status.runs, status.failures) == (3, 3)
        assert status.last_error.startswith(said)
        assert "secret" not in status.last_error
        bench.work.error = None
        await bench.time.pass_(10)
        assert (runner.status()[0].runs, runner.status()[0].failures) == (4, 3)


async def test_failures_in_a_row_double_the_pause_up_to_the_patience_and_a_success_ends_it() -> None:
    bench = Bench(patience=60.0)
    bench.work.error = StoreError("The store is away.")
    async with bench.running():
        await bench.time.pass_(10 + 20 + 40 + 60 + 60)
        assert bench.runs == [10, 30, 70, 130, 190]
        bench.work.error = None
        await bench.time.pass_(60 + 10)
        assert bench.runs[5:] == [250, 260]


async def test_jitter_adds_up_to_its_share_and_differs() -> None:
    bench = Bench(jitter=0.5)
    async with bench.running():
        await bench.time.pass_(500)
    gaps = [later - earlier for earlier, later in zip(bench.runs, bench.runs[1:], strict=False)]
    assert min(gaps) >= 10
    assert max(gaps) <= 15
    assert len({round(gap, 3) for gap in gaps}) > len(gaps) / 2


async def test_a_changed_interval_is_in_force_within_half_a_minute() -> None:
    bench = Bench()
    bench.interval = 86_400.0
    async with bench.running():
        await bench.time.pass_(100)
        bench.interval = 10.0
        await bench.time.pass_(30)
        assert len(bench.runs) >= 1
        assert bench.runs[0] <= 130


async def test_a_disabled_job_waits_until_it_is_enabled() -> None:
    allowed: list[bool] = []
    bench = Bench(enabled=lambda: bool(allowed))
    async with bench.running() as runner:
        await bench.time.pass_(100)
        assert bench.runs == []
        assert (runner.status()[0].enabled, runner.status()[0].next_at) == (False, None)
        allowed.append(True)
        await bench.time.pass_(30)
        assert len(bench.runs) >= 1


async def test_a_job_with_a_wake_runs_when_it_is_woken_and_not_more_often_than_its_interval() -> None:
    wake = asyncio.Event()
    bench = Bench(wake=wake)
    async with bench.running() as runner:
        await bench.time.pass_(50)
        assert bench.runs == []
        assert runner.status()[0].next_at is None
        wake.set()
        await bench.time.settle()
        assert bench.runs == [50]
        for _ in range(5):
            wake.set()
            await bench.time.pass_(1)
        assert bench.runs == [50]
        await bench.time.pass_(20)
        assert bench.runs == [50, 60]


async def test_running_a_job_now_waits_for_its_end_and_moves_its_next_turn() -> None:
    bench = Bench()
    async with bench.running() as runner:
        await bench.time.pass_(5)
        status = await runner.run_now("job")
        assert (status.runs, status.running, status.next_at) == (1, False, bench.time.now + 10)
        await bench.time.pass_(9)
        assert bench.runs == [5]
        await bench.time.pass_(1)
        assert bench.runs == [5, 15]
        with pytest.raises(KeyError):
            await runner.run_now("another")


async def test_the_status_tells_all_about_a_job() -> None:
    bench = Bench()
    bench.work.lasts = 2.0
    async with bench.running() as runner:
        (fresh,) = runner.status()
        assert (fresh.name, fresh.help, fresh.runs, fresh.next_at) == ("job", "Does it.", 0, bench.start + 10)
        await bench.time.pass_(11)
        (busy,) = runner.status()
        assert (busy.running, busy.started_at, busy.took_sec) == (True, bench.start + 10, None)
        await bench.time.pass_(4)
        (done,) = runner.status()
        assert (done.running, done.ended_at, done.took_sec) == (False, bench.start + 12, 2.0)
        assert (done.last_error, done.failures) == ("", 0)


class Away(InMemory):
    async def put(self, name: str, value: str, now: float) -> None:
        raise StoreError("The store is away.")


async def test_a_remembered_job_keeps_its_day_over_a_restart() -> None:
    bench = Bench(remembered=True)
    bench.interval = 86_400.0
    async with bench.running():
        await bench.time.pass_(1)
        assert bench.runs == [0]
    await bench.time.pass_(40_000)
    async with bench.running():
        await bench.time.pass_(46_000)
        assert bench.runs == [0]
        await bench.time.pass_(500)
        assert bench.runs == [0, 86_400]
    await bench.time.pass_(3 * 86_400)
    async with bench.running():
        await bench.time.settle()
        assert len(bench.runs) == 3


async def test_a_remembered_job_that_failed_is_due_again_after_a_restart() -> None:
    bench = Bench(remembered=True)
    bench.work.error = ValueError()
    async with bench.running():
        await bench.time.settle()
    async with bench.running():
        await bench.time.settle()
    assert bench.runs == [0, 0]


async def test_what_cannot_be_remembered_is_a_failure_that_is_told() -> None:
    bench = Bench(remembered=True)
    bench.memory = Away()
    async with bench.running() as runner:
        await bench.time.settle()
        assert runner.status()[0].last_error == "The store is away."


async def test_remembered_nonsense_counts_as_nothing() -> None:
    bench = Bench(remembered=True)
    await bench.memory.put("job.job", "yesterday", 0.0)
    async with bench.running():
        await bench.time.settle()
    assert bench.runs == [0]
    kept: Mapping[str, str] = await bench.memory.all()
    assert float(kept["job.job"]) == bench.start


async def test_a_clock_that_is_set_back_does_not_stop_the_work() -> None:
    bench = Bench()
    async with bench.running():
        await bench.time.pass_(15)
        bench.shift = -86_400.0
        await bench.time.pass_(40)
        assert len(bench.runs) >= 3
