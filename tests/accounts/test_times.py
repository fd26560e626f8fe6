"""Numbers by time against the plainest thing that could do the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.accounts.times import Times

NUMBERS = st.integers(0, 40)
STEPS = st.lists(st.tuples(NUMBERS, st.none() | st.integers(0, 12).map(float)), max_size=120)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_the_first_is_the_earliest_whatever_came_moved_and_left(steps: list[tuple[int, float | None]]) -> None:
    times, plain = Times(), dict[int, float]()
    for number, time in steps:
        times.put(number, time)
        if time is None:
            plain.pop(number, None)
        else:
            plain[number] = time
        first = times.first()
        assert len(times) == len(plain)
        assert (first is None) == (not plain)
        assert first is None or (first[0] == min(plain.values()) and plain[first[1]] == first[0])


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_numbers_leave_in_the_order_of_their_times(steps: list[tuple[int, float | None]]) -> None:
    times, plain = Times(), dict[int, float]()
    for number, time in steps:
        times.put(number, time)
        plain[number] = time if time is not None else -1.0
    left = []
    while (first := times.first()) is not None:
        left.append(first[0])
        times.put(first[1], None)
    assert left == sorted(time for time in plain.values() if time >= 0)
