"""What workers tell each other: nothing is lost, nothing counts twice, and the newest word wins."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pooling import account, problem

from grok2api.accounts import lifecycle
from grok2api.accounts.lifecycle import Outcome, outcome_of, settle
from grok2api.accounts.model import WHOLE, Account, Rest, Source, State, Window, current, moved
from grok2api.accounts.news import News, heard, told
from grok2api.accounts.quota import Told, learn
from grok2api.accounts.resting import Attempt, Policy, probing
from grok2api.canonical.problem import Kind
from grok2api.catalog import Tier

POLICY = Policy()
START = 1_000_000.0

change = msgspec.structs.replace


def settled(before: Account, kind: Kind | None, now: float, hint: float | None = None, mode: str = "fast") -> Account:
    found = None if kind is None else problem(kind, hint)
    attempt = Attempt(mode, now, hint, "as the upstream said" if found else "", now - 1.0)
    return settle(before, outcome_of(found is None, found), attempt, POLICY)[0]


def over_the_wire(news: News | None) -> News | None:
    return None if news is None else msgspec.json.decode(msgspec.json.encode(news), type=News)


KINDS = st.sampled_from([None, None, *(kind for kind in Kind)])
STEPS = st.lists(
    st.tuples(KINDS, st.sampled_from([None, 5.0, 5000.0]), st.sampled_from(["fast", "console"]), st.floats(0.5, 4000)),
    max_size=12,
)


@given(steps=STEPS, every=st.integers(1, 4))
def test_whoever_hears_everything_knows_what_the_teller_knows(steps: list, every: int) -> None:
    here = there = base = account(1, Tier.SUPER)
    now = START
    for number, (kind, hint, mode, pause) in enumerate(steps, 1):
        now += pause
        here = settled(here, kind, now, hint, mode)
        if number % every == 0 or number == len(steps):
            news = over_the_wire(told(base, here, now))
            there = there if news is None else heard(there, news)
            base = here
    assert change(there, health=1.0) == change(here, health=1.0)
    assert there.health == pytest.approx(here.health)


@given(mine=STEPS, yours=STEPS)
def test_counts_of_two_workers_add_up_in_whatever_order_they_are_told(mine: list, yours: list) -> None:
    start = account(1, Tier.SUPER)
    ends = []
    for steps in (mine, yours):
        end, now = start, START
        for kind, hint, mode, pause in steps:
            now += pause
            end = settled(end, kind, now, hint, mode)
        ends.append((end, told(start, end, now)))
    (one, from_one), (other, from_other) = ends
    at_one = heard(one, from_other) if from_other else one
    at_other = heard(other, from_one) if from_one else other
    for name in ("use_count", "fail_count", "last_used_at"):
        assert getattr(at_one, name) == getattr(at_other, name)
    assert at_one.use_count == one.use_count + other.use_count
    assert (at_one.state in lifecycle_closed) == (at_other.state in lifecycle_closed)


lifecycle_closed = (State.EXPIRED, State.DISABLED)


#: What only the operator changes; workers read it from the store.
ADMINISTERED = {"id", "secret", "kind", "tags", "created_at", "revision"}

CHANGES = {
    "tier": Tier.HEAVY,
    "state": State.SUSPECT,
    "state_reason": "one bare 401",
    "windows": {"fast": Window(1, 140, 7200, START + 5, Source.REAL)},
    "rests": {"fast": Rest(START + 60, START)},
    "health": 0.5,
    "strikes": (START,),
    "use_count": 3,
    "fail_count": 2,
    "last_used_at": START,
    "last_error": "said",
    "last_error_at": START,
    "user_id": "u-1",
}


def test_everything_that_serving_changes_is_told() -> None:
    assert set(CHANGES) | ADMINISTERED == set(Account.__struct_fields__)
    before = account(1, Tier.SUPER)
    after = change(before, **CHANGES)
    news = over_the_wire(told(before, after, START))
    assert news is not None
    assert heard(before, news) == after


def test_nothing_is_told_of_nothing() -> None:
    assert told(account(), account(), START) is None


def test_news_hold_no_credential() -> None:
    before = account()
    news = told(before, settled(before, Kind.RATE_LIMITED, START, 60.0), START)
    assert before.secret.encode() not in msgspec.json.encode(news)
    assert "secret" not in News.__struct_fields__


def test_P1_a_rest_is_heard_for_its_mode_only() -> None:
    before = account(1, Tier.SUPER)
    news = told(before, settled(before, Kind.RATE_LIMITED, START, 60.0), START)
    assert news is not None
    there = heard(settled(before, None, START, mode="auto"), news)
    assert set(there.rests) == {"fast"}
    assert there.rests["fast"].until == START + 60


def test_P2_an_end_ends_the_rest_that_it_is_about_and_no_newer_one() -> None:
    resting = settled(account(1), Kind.RATE_LIMITED, START, 60.0)
    ended = told(resting, change(resting, rests={}), START + 70)
    assert ended is not None
    assert heard(resting, ended).rests == {}
    again = settled(change(resting, rests={}), Kind.RATE_LIMITED, START + 65, 600.0)
    assert heard(again, ended).rests == again.rests


def test_of_two_rests_the_newer_wins_in_both_workers() -> None:
    start = account(1)
    older, newer = (settled(start, Kind.RATE_LIMITED, START + n, 600.0 - 500 * n) for n in (0, 1))
    of_older, of_newer = told(start, older, START), told(start, newer, START + 1)
    assert of_older
    assert of_newer
    assert heard(older, of_newer).rests == heard(newer, of_older).rests == newer.rests


def test_P2_a_probe_moves_the_next_one_of_everybody_and_wakes_no_rest_that_is_over() -> None:
    resting = settled(account(1), Kind.RATE_LIMITED, START, 5000.0)
    probed = probing(resting, "fast", START + 1000, POLICY)
    news = told(resting, probed, START + 1000)
    assert news is not None
    assert heard(resting, news).rests == probed.rests
    healthy = change(resting, rests={})
    assert heard(healthy, news).rests == {}


def test_a_closed_state_wins_over_one_that_serves() -> None:
    start = account(1)
    expired = settled(start, Kind.CREDENTIAL, START)
    served = settled(start, None, START + 5)
    of_expired, of_served = told(start, expired, START), told(start, served, START + 5)
    assert of_expired
    assert of_served
    assert heard(expired, of_served).state is State.EXPIRED
    assert heard(served, of_expired).state is State.EXPIRED


def test_an_answer_ends_a_doubt_that_another_worker_had_before_it() -> None:
    start = account(1)
    doubted = settled(start, Kind.UNAUTHORIZED, START)
    served = settled(start, None, START + 5)
    of_served, of_doubted = told(start, served, START + 5), told(start, doubted, START)
    assert of_served
    assert of_doubted
    assert heard(doubted, of_served).state is State.ACTIVE
    assert heard(served, of_doubted).state is State.ACTIVE


def test_what_the_operator_decided_later_stands() -> None:
    resting = settled(account(1), Kind.CREDENTIAL, START)
    resting = settled(change(resting, state=State.ACTIVE), Kind.FORBIDDEN, START, 600.0)
    news = told(account(1), change(resting, rests={WHOLE: Rest(START + 600, START)}), START)
    assert news is not None
    enabled = change(account(1), revision=7)
    after = heard(enabled, news)
    assert (after.state, after.rests, after.strikes, after.last_error) == (State.ACTIVE, {}, (), "")
    assert after.fail_count == news.fails == 2


def test_an_enabling_here_is_an_enabling_everywhere() -> None:
    disabled = lifecycle.disabled(account(1))
    news = told(disabled, lifecycle.enabled(disabled), START)
    assert news is not None
    assert heard(disabled, news).state is State.ACTIVE


def test_P3_two_refusals_close_together_are_one_strike_whoever_saw_them() -> None:
    start = account(1)
    one, other = settled(start, Kind.FORBIDDEN, START), settled(start, Kind.FORBIDDEN, START + 5)
    later = settled(start, Kind.FORBIDDEN, START + 100)
    for after, strikes in ((other, 1), (later, 2)):
        news = told(start, after, START)
        assert news is not None
        assert len(heard(one, news).strikes) == strikes
    pardoned = told(one, change(one, strikes=()), START + 50)
    assert pardoned is not None
    assert heard(change(one, strikes=(START, START + 100)), pardoned).strikes == (START + 100,)


def test_calls_are_subtracted_and_told_windows_taken_over() -> None:
    start = change(account(1, Tier.SUPER), windows={"fast": Window(10, 140, 7200, START + 100)})
    spent = told(start, settled(settled(start, None, START), None, START), START)
    assert spent is not None
    assert spent.spent["fast"].calls == 2
    busy = settled(start, None, START)
    assert heard(busy, spent).windows["fast"].remaining == 7
    fresh = told(start, learn(start, "fast", Told(90, 140, 7200), START, POLICY), START)
    assert fresh is not None
    assert heard(busy, fresh).windows["fast"].remaining == 90


def test_calls_after_a_window_is_over_begin_a_new_one() -> None:
    start = change(account(1, Tier.SUPER), windows={"fast": Window(3, 140, 7200, START + 100)})
    later = settled(current(start, START + 200), None, START + 200)
    news = told(start, later, START + 200)
    assert news is not None
    assert heard(start, news).windows["fast"] == later.windows["fast"]


def test_a_move_to_another_tier_takes_its_windows_along() -> None:
    start = account(1, Tier.BASIC)
    news = told(start, moved(start, Tier.SUPER), START)
    assert news is not None
    there = heard(settled(start, None, START), news)
    assert there.tier is Tier.SUPER
    assert set(there.windows) == {"auto", "fast", "expert", "grok43", "console"}


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.BLAMELESS])
def test_what_is_nobodys_fault_is_no_news(outcome: Outcome) -> None:
    start = account()
    assert told(start, settle(start, outcome, Attempt("fast", START), POLICY)[0], START) is None
