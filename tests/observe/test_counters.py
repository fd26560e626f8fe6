from hypothesis import given
from hypothesis import strategies as st

from grok2api.observe.counters import Counters


def test_what_was_counted_is_given_out_once() -> None:
    woken: list[None] = []
    counters = Counters({"requests": 5}, lambda: woken.append(None))
    counters.bump("requests")
    counters.bump("tokens", 40)
    counters.bump("nothing", 0)
    assert counters.values() == {"requests": 6, "tokens": 40}
    assert counters.drain() == {"requests": 1, "tokens": 40}
    assert counters.drain() == {}
    assert len(woken) == 2


def test_what_others_counted_is_taken_over_and_what_is_not_written_stays() -> None:
    counters = Counters({"requests": 5})
    counters.bump("requests", 2)
    counters.take_over({"requests": 9, "tokens": 3})
    assert counters.values() == {"requests": 11, "tokens": 3}
    assert counters.drain() == {"requests": 2}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9), st.booleans())))
def test_nothing_is_lost_or_written_twice_when_writing_fails(steps: list[tuple[str, int, bool]]) -> None:
    counters, stored = Counters({}), dict.fromkeys("ab", 0)
    for name, by, works in steps:
        counters.bump(name, by)
        deltas = counters.drain()
        if works:
            stored = {key: stored[key] + deltas.get(key, 0) for key in stored}
        else:
            counters.give_back(deltas)
    deltas = counters.drain()
    assert {key: stored[key] + deltas.get(key, 0) for key in stored} == {
        key: counters.values().get(key, 0) for key in stored
    }
