"""The one loop: attempts, held-back starts, leases, corrections, time-outs."""

import asyncio
from contextlib import aclosing

import pytest
from gateway_fakes import FakePool, FakeUpstream, request, watch, work

from grok2api.canonical.events import (
    CallArgued,
    CallClosed,
    CallOpened,
    Ended,
    Event,
    Failed,
    Finish,
    Finished,
    PartDelta,
    Said,
    Searched,
    Started,
    Thought,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import check, fold
from grok2api.gateway.policy import Policy
from grok2api.gateway.respond import Work, respond
from grok2api.gateway.turns import Report
from grok2api.gateway.watch import Watch
from grok2api.gateway.ways import State


def problem(kind: Kind, **more: object) -> Problem:
    return Problem(kind=kind, message=f"it is {kind.value}", **more)  # type: ignore[arg-type]


def failed(kind: Kind, **more: object) -> list[object]:
    return [[Failed(problem(kind, **more))]]


WHOLE: list[object] = [[Thought("hm"), Said("Hel")], [Said("lo")], [Ended(usage=Usage(input=3, output=2, exact=True))]]


async def play(
    job: Work,
    pool: FakePool,
    policy: Policy = Policy(),  # noqa: B008
    watched: Watch | None = None,
) -> tuple[list[Event], Report]:
    report = Report()
    async with aclosing(respond(job, pool, policy, watched or watch(), report)) as batches:
        events = [event async for _, batch in batches for event in batch]
    return list(check(events)), report


async def test_an_answer_flows_and_its_lease_succeeds() -> None:
    pool = FakePool("a")
    events, report = await play(work(FakeUpstream(WHOLE)), pool)
    answer = fold(events)
    assert (answer.thinking(), answer.text()) == ("hm", "Hello")
    assert answer.usage == Usage(input=3, output=2, exact=True)
    assert events[0] == Started(7)
    assert pool.ended == [("a", "ok")]
    assert report.finish == "stop"


@pytest.mark.parametrize(
    "bad",
    [
        failed(Kind.RATE_LIMITED, upstream_status=429),
        failed(Kind.RATE_LIMITED),
        failed(Kind.UNAUTHORIZED, upstream_status=401),
        failed(Kind.CREDENTIAL, upstream_status=400),
        failed(Kind.UPSTREAM_DOWN, upstream_status=503),
        failed(Kind.UPSTREAM),
        failed(Kind.UNREACHABLE),
        [[Searched("web_search", "q")], *failed(Kind.RATE_LIMITED)],
        [[Ended()]],
        [[Said("")], [Ended()]],
    ],
    ids=str,
)
async def test_S2_S3_a_failure_before_any_output_is_answered_by_the_next_account(bad: list[object]) -> None:
    pool = FakePool("a", "b")
    events, report = await play(work(FakeUpstream(bad, WHOLE)), pool)
    assert fold(events).text() == "Hello"
    assert [account for account, _ in pool.ended] == ["a", "b"]
    assert pool.ended[0][1] != "ok"
    assert [attempt.account for attempt in report.attempts] == ["a", "b"]


@pytest.mark.parametrize(
    "kind", [Kind.CUT, Kind.REFUSED, Kind.UPSTREAM_INVALID, Kind.CHALLENGE, Kind.INVALID], ids=lambda kind: kind.value
)
async def test_what_another_account_cannot_mend_is_not_tried_again(kind: Kind) -> None:
    pool = FakePool("a", "b")
    events, _ = await play(work(FakeUpstream(failed(kind), WHOLE)), pool)
    assert events == [Failed(problem(kind))]
    assert pool.ended == [("a", kind.value)]


async def test_a_status_outside_retry_on_codes_is_not_tried_again() -> None:
    bad = failed(Kind.UPSTREAM_DOWN, upstream_status=500)
    events, _ = await play(work(FakeUpstream(bad, WHOLE)), FakePool("a", "b"))
    assert isinstance(events[0], Failed)
    more = Policy(retry_on=frozenset({500}))
    events, _ = await play(work(FakeUpstream(bad, WHOLE)), FakePool("a", "b"), more)
    assert fold(events).text() == "Hello"


async def test_the_number_of_accounts_is_bounded() -> None:
    bad = failed(Kind.RATE_LIMITED)
    events, report = await play(
        work(FakeUpstream(bad, bad, bad, WHOLE)), FakePool("a", "b", "c", "d"), Policy(accounts=3)
    )
    assert isinstance(events[0], Failed)
    assert len(report.attempts) == 3


async def test_S4_a_failure_after_output_ends_the_answer_in_band() -> None:
    pool = FakePool("a", "b")
    events, _ = await play(work(FakeUpstream([[Said("Hel")], *failed(Kind.RATE_LIMITED)], WHOLE)), pool)
    answer = fold(events)
    assert answer.text() == "Hel"
    assert answer.problem == problem(Kind.RATE_LIMITED)
    assert pool.ended == [("a", "rate_limited")]


async def test_S4_an_upstream_that_just_stops_is_cut() -> None:
    events, _ = await play(work(FakeUpstream([[Said("Hel")]])), FakePool("a"))
    assert isinstance(events[-1], Failed)
    assert events[-1].problem.kind is Kind.CUT


async def test_S1_no_account_is_said_with_the_pools_own_words() -> None:
    events, _ = await play(work(FakeUpstream()), FakePool())
    assert isinstance(events[0], Failed)
    assert (events[0].problem.kind, events[0].problem.retry_after) == (Kind.NO_ACCOUNT, 42)


async def test_when_accounts_run_out_a_rate_limit_becomes_the_pools_retry_after_and_others_stay() -> None:
    events, _ = await play(work(FakeUpstream(failed(Kind.RATE_LIMITED))), FakePool("a"))
    assert isinstance(events[0], Failed)
    assert events[0].problem.kind is Kind.NO_ACCOUNT
    events, _ = await play(work(FakeUpstream(failed(Kind.CREDENTIAL))), FakePool("a"))
    assert isinstance(events[0], Failed)
    assert events[0].problem.kind is Kind.CREDENTIAL


async def test_S3_empty_on_every_account_is_empty_response() -> None:
    pool = FakePool("a", "b")
    events, _ = await play(work(FakeUpstream([[Ended()]], [[Ended()]])), pool)
    assert isinstance(events[0], Failed)
    assert events[0].problem.code == "empty_response"
    assert pool.ended == [("a", "empty"), ("b", "empty")]


async def test_thinking_alone_is_no_answer() -> None:
    events, _ = await play(work(FakeUpstream([[Thought("hm")], [Ended()]], WHOLE)), FakePool("a", "b"))
    assert isinstance(events[-1], Failed)
    assert events[-1].problem.kind is Kind.EMPTY


async def test_an_answer_cut_by_its_limit_may_be_empty() -> None:
    events, _ = await play(work(FakeUpstream([[Ended(Finish.LENGTH)]])), FakePool("a"))
    assert isinstance(events[-1], Finished)
    assert events[-1].finish is Finish.LENGTH


async def test_S7_silence_before_output_moves_on_to_the_next_account() -> None:
    upstream = FakeUpstream([asyncio.Event().wait()], WHOLE)
    pool = FakePool("a", "b")
    events, _ = await play(work(upstream), pool, Policy(first_token=0.01))
    assert fold(events).text() == "Hello"
    assert pool.ended == [("a", "timeout"), ("b", "ok")]
    assert upstream.closed == 2


async def test_S7_the_deadline_bounds_the_whole() -> None:
    events, _ = await play(
        work(FakeUpstream([[Said("Hel")], asyncio.Event().wait()])), FakePool("a"), Policy(deadline=0.05)
    )
    assert isinstance(events[-1], Failed)
    assert events[-1].problem.code == "stream_idle_timeout"


async def test_S13_leaving_closes_the_upstream_and_cancels_the_lease() -> None:
    pool, upstream = FakePool("a"), FakeUpstream(WHOLE)
    answer = respond(work(upstream), pool, Policy(), watch(), Report())
    await anext(answer)
    assert pool.held == ["a"]
    await answer.aclose()
    assert (pool.held, pool.ended, upstream.closed) == ([], [("a", "cancelled")], 1)


async def test_S13_a_cancelled_task_closes_the_upstream_and_cancels_the_lease() -> None:
    pool, upstream = FakePool("a"), FakeUpstream([asyncio.Event().wait()])
    task = asyncio.ensure_future(play(work(upstream), pool))
    while not pool.held:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (pool.held, pool.ended, upstream.closed) == ([], [("a", "cancelled")], 1)


async def test_a_slip_is_asked_once_more_on_the_same_account() -> None:
    def reask(asked: Request, slip: Problem, said: str) -> Request:
        return request(f"{slip.kind.value}: {said}")

    call: list[object] = [[CallOpened("c", "f"), CallArgued("{}"), CallClosed()], [Ended()]]
    slip: list[object] = [[Thought("hm")], *failed(Kind.CALL_MISSING)]
    upstream, pool = FakeUpstream(slip, call), FakePool("a", "b")
    events, _ = await play(work(upstream, reask=reask), pool)
    assert fold(events).finish is Finish.TOOL_CALLS
    assert pool.ended == [("a", "ok"), ("a", "ok")]
    assert upstream.tasks[1].request == request("call_missing: ")

    events, _ = await play(work(FakeUpstream(slip, slip, call), reask=reask), FakePool("a"))
    assert isinstance(events[-1], Failed)
    assert events[-1].problem.kind is Kind.CALL_MISSING


async def test_a_bug_in_an_upstream_releases_the_lease() -> None:
    pool = FakePool("a")
    with pytest.raises(ZeroDivisionError):
        await play(work(FakeUpstream([[Said("x")], ZeroDivisionError()])), pool)
    assert (pool.held, pool.ended) == ([], [("a", "cancelled")])


async def test_what_came_in_one_read_leaves_in_one_batch() -> None:
    upstream = FakeUpstream([[Said("a"), Said("b"), Said("c")], [Said("d"), Ended()]])
    batches = [batch async for _, batch in respond(work(upstream), FakePool("a"), Policy(), watch(), Report())]
    assert [sum(isinstance(event, PartDelta) for event in batch) for batch in batches] == [3, 1]


async def test_P10_second_attempts_end_with_the_budget_and_the_log_says_so() -> None:
    watched, bad = watch(), failed(Kind.UPSTREAM_DOWN, upstream_status=503)
    attempts, held = [], ""
    for _ in range(100):
        _, report = await play(work(FakeUpstream(bad, bad)), FakePool("a", "b"), watched=watched)
        attempts.append(len(report.attempts))
        held = report.held
    assert sum(attempts) == 100 + 20
    assert attempts[:5] == [2] * 5
    assert held == "no second attempt: 20 second attempts for 100 requests in 10 s already"


async def test_P10_in_a_storm_of_limits_calls_are_held_back_before_the_upstream_is_asked() -> None:
    watched, bad, held = watch(), failed(Kind.RATE_LIMITED, upstream_status=429), ""
    while not held:
        upstream, pool = FakeUpstream(bad), FakePool("a")
        events, report = await play(work(upstream), pool, Policy(accounts=1), watched)
        held = report.held
    assert isinstance(events[0], Failed)
    assert (events[0].problem.kind, events[0].problem.retry_after) == (Kind.NO_ACCOUNT, 5)
    assert (upstream.tasks, pool.ended) == ([], [("a", "cancelled")])
    assert held == "not sent: calls of mode fast are held back"
    assert 0 < watched.storms()["fast"] < 1
    events, _ = await play(work(FakeUpstream()), FakePool(), watched=watched)
    assert isinstance(events[0], Failed)
    assert events[0].problem.retry_after == 42


async def test_P3_a_challenge_is_told_to_the_way_and_the_next_answer_clears_it() -> None:
    watched = watch()
    for account in ("a", "p"):
        events, report = await play(work(FakeUpstream(failed(Kind.CHALLENGE))), FakePool(account, "b"), watched=watched)
        assert isinstance(events[0], Failed)
        assert len(report.attempts) == 1
    assert [(way.name, way.state, way.words) for way in watched.ways()] == [
        ("direct", State.CHALLENGED, "it is challenge"),
        ("proxy:1", State.CHALLENGED, "it is challenge"),
    ]
    begun = respond(work(FakeUpstream(WHOLE)), FakePool("a"), Policy(), watched, Report())
    await anext(begun)
    assert [(way.name, way.state) for way in watched.ways()] == [("proxy:1", State.CHALLENGED), ("direct", State.OK)]
    await begun.aclose()


async def test_S7_work_before_the_question_does_not_count_as_silence() -> None:
    """An upstream that says so (uploading, one file after the other) has its whole patience for each step."""
    steps: list[object] = []
    for _ in range(4):
        steps += [asyncio.sleep(0.15), []]
    pool = FakePool("a")
    events, _ = await play(work(FakeUpstream([*steps, *WHOLE])), pool, Policy(first_token=0.4))
    assert fold(events).text() == "Hello"
    assert pool.ended == [("a", "ok")]
    silent = FakeUpstream([[], asyncio.sleep(5), *WHOLE])
    events, _ = await play(work(silent), FakePool("a"), Policy(first_token=0.05))
    assert isinstance(events[-1], Failed)
    assert events[-1].problem.kind is Kind.TIMEOUT
