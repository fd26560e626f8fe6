"""The budget of large things: counted, bounded, given back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.canonical.problem import Kind, Refusal
from grok2api.media.budget import SMALL, Budget


def budget(limit: int = 10 * SMALL) -> Budget:
    return Budget(lambda: limit)


def test_M2_small_things_are_free_and_large_ones_are_counted_from_their_first_byte() -> None:
    whole = budget()
    with whole.share() as share:
        share.add(SMALL)
        assert whole.held == 0
        share.add(1)
        assert whole.held == SMALL + 1
        share.drop(1)
        assert whole.held == 0
        share.add(5)
    assert whole.held == 0


def test_M2_too_much_at_once_is_a_503_that_says_when_to_come_back() -> None:
    whole = budget()
    with whole.share() as first, whole.share() as second:
        first.add(8 * SMALL)
        second.add(2 * SMALL)
        for ask in (second.add, second.check):
            with pytest.raises(Refusal) as caught:
                ask(1)
            problem = caught.value.problem
            assert (problem.kind, problem.code) == (Kind.UNAVAILABLE, "too_many_large_requests")
            assert problem.retry_after
        first.drop(SMALL)
        second.add(1)
    assert whole.held == 0


def test_one_request_alone_is_always_served() -> None:
    whole = budget(1)
    with whole.share() as only:
        only.check(50 * SMALL)
        only.add(50 * SMALL)
        with whole.share() as other:
            other.add(SMALL)
            with pytest.raises(Refusal):
                other.add(1)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-3 * SMALL, 5 * SMALL)), max_size=40))
def test_nothing_is_counted_twice_or_lost(steps: list[tuple[int, int]]) -> None:
    whole = budget()
    held = [0, 0, 0, 0]
    shares = [whole.share() for _ in held]
    for who, size in steps:
        if size < 0:
            size = min(-size, held[who])
            shares[who].drop(size)
            held[who] -= size
            continue
        try:
            shares[who].add(size)
        except Refusal:
            continue
        held[who] += size
    assert whole.held == sum(size for size in held if size > SMALL)
    for share in shares:
        with share:
            pass
    assert whole.held == 0
