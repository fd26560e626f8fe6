"""The two structures that questions wait in, played with by hypothesis."""

from hypothesis import given
from hypothesis import strategies as st

from grok2api.accounts.wheel import SPOKES, Wheel
from grok2api.accounts.wishes import Wishes

QUESTIONS = st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "fast"]))


@given(st.lists(st.tuples(QUESTIONS, st.integers(0, 50)), max_size=60))
def test_every_question_waits_once_and_comes_at_its_earliest_time(wanted: list[tuple[tuple[str, str], int]]) -> None:
    wishes, earliest = Wishes(), {}
    for question, due in wanted:
        wishes.put(question, due)
        earliest[question] = min(due, earliest.get(question, due))
    assert len(wishes) == len(earliest)
    came = []
    for now in range(51):
        while (question := wishes.pop(now)) is not None:
            assert earliest.pop(question) == now
            came.append(question)
    assert earliest == {}
    assert len(came) == len(set(came))
    assert (len(wishes), wishes.pop(1e9)) == (0, None)


def test_a_question_that_came_can_be_wanted_again() -> None:
    wishes = Wishes()
    for _ in range(3):
        wishes.put(("a", ""), 5)
        assert wishes.pop(4) is None
        assert wishes.pop(5) == ("a", "")
        assert wishes.pop(99) is None


@given(
    st.integers(1, 2_000_000_000),
    st.lists(st.floats(0.1, 4000), min_size=1, max_size=40),
    st.sampled_from([7200.0, 86400.0, 100.0]),
)
def test_turned_in_any_steps_the_wheel_brings_everybody_once_a_round(
    start: int, steps: list[float], length: float
) -> None:
    wheel = Wheel()
    everybody = {f"acc_{number}" for number in range(200)}
    for ident in everybody:
        wheel.add(ident)
    now, came = float(start), []
    end = now + length
    for step in [*steps, length]:
        to = min(now + step, end)
        came += [ident for spoke in wheel.passed(now, to, length) for ident in spoke]
        now = to
    assert sorted(came) == sorted(everybody)


def test_a_long_pause_brings_everybody_once() -> None:
    wheel = Wheel()
    wheel.add("acc_1")
    assert [ident for spoke in wheel.passed(0, 1e6, 7200) for ident in spoke] == ["acc_1"]
    assert len(list(wheel.passed(0, 1e6, 7200))) == SPOKES


def test_who_is_dropped_does_not_come() -> None:
    wheel = Wheel()
    wheel.add("acc_1")
    wheel.add("acc_2")
    wheel.drop("acc_1")
    wheel.drop("acc_none")
    assert [ident for spoke in wheel.spokes() for ident in spoke] == ["acc_2"]
