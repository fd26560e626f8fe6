"""Second attempts and storms, with the clock in the test's hand."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.gateway.budget import RETRY_FLOOR, STORM_FLOOR, RetryBudget, Tally, Throttle


@given(st.lists(st.integers(0, 400), max_size=80))
def test_a_tally_counts_what_happened_in_its_span(tenths: list[int]) -> None:
    tally = Tally(5.0)
    for tenth in sorted(tenths):
        tally.add(tenth / 10)
    end = max(tenths, default=0)
    assert tally.total(end / 10) == sum(tenth > end - 50 for tenth in tenths)
    assert tally.total(end / 10 + 5.0) == 0


def test_a_clock_that_is_put_back_leaves_nothing_counted_for_ever() -> None:
    tally = Tally(5.0)
    tally.add(1000.0)
    tally.add(10.0)
    assert tally.total(10.0) == 1
    assert tally.total(20.0) == 0


def test_P10_second_attempts_stay_below_their_share_of_requests() -> None:
    budget, taken = RetryBudget(), 0
    for request in range(10_000):
        now = request / 100
        budget.began(now)
        taken += budget.take(now, 0.2) + budget.take(now, 0.2)
    assert 0.18 <= taken / 10_000 <= 0.2
    assert str(budget.spent(99.99)) == "200 second attempts for 1000 requests in 10 s"


def test_P10_a_lone_user_always_gets_his_second_attempt() -> None:
    budget = RetryBudget()
    for request in range(100):
        budget.began(request * 3.0)
        assert budget.take(request * 3.0, 0.2)
    assert [budget.take(300.0, 0.2) for _ in range(RETRY_FLOOR)].count(True) == RETRY_FLOOR - 3


def test_no_share_means_no_second_attempt() -> None:
    budget = RetryBudget()
    budget.began(1.0)
    assert not budget.take(1.0, 0.0)


class Upstream:
    """Asked `rate` times a second; answers by limits from `storm` until `calm`. Counts the calls of each second."""

    def __init__(self, rate: int, storm: float, calm: float, share: float = 1.0) -> None:
        throttle, self.calls = Throttle(), Counter[int]()
        for request in range(int(rate * (calm + 30))):
            now = request / rate
            if throttle.admits("fast", now):
                self.calls[int(now)] += 1
                limited = storm <= now < calm and request % 100 < 100 * share
                throttle.ended("fast", now, limited=limited)
        self.at_end = throttle.share("fast", calm + 30)


@pytest.mark.parametrize("rate", [20, 100, 1000])
def test_P10_a_storm_of_limits_makes_the_call_rate_fall_within_five_seconds_and_it_recovers(rate: int) -> None:
    upstream = Upstream(rate, storm=10, calm=40)
    assert [upstream.calls[second] for second in range(10)] == [rate] * 10
    assert max(upstream.calls[second] for second in range(15, 40)) <= max(STORM_FLOOR / 4, 0.06 * rate)
    assert min(upstream.calls[second] for second in range(15, 40)) >= 1
    assert [upstream.calls[second] for second in range(55, 70)] == [rate] * 15
    assert upstream.at_end == 1.0


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_limits_that_only_some_accounts_meet_are_no_storm(share: float) -> None:
    assert set(Upstream(100, storm=10, calm=40, share=share).calls.values()) == {100}


def test_somebody_who_asks_seldom_is_never_held_back() -> None:
    assert set(Upstream(4, storm=0, calm=60).calls.values()) == {4}


def test_a_storm_holds_back_its_own_mode_only() -> None:
    throttle = Throttle()
    for _ in range(200):
        throttle.ended("fast", 1.0, limited=True)
    assert list(throttle.shares(1.0)) == ["fast"]
    assert [throttle.admits("console", 1.0) for _ in range(50)] == [True] * 50
    assert [throttle.admits("fast", 1.0) for _ in range(10)].count(True) <= 1
    assert throttle.shares(60.0) == {}
