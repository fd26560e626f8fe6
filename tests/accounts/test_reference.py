"""The page about accounts says what happens, not what was once meant."""

import itertools

import msgspec
import pytest
from pooling import account, problem

from grok2api.accounts import lifecycle
from grok2api.accounts.lifecycle import Outcome, questioned, settle
from grok2api.accounts.model import State
from grok2api.accounts.quota import learn
from grok2api.accounts.reference import diagram, edges, outcomes, questions
from grok2api.accounts.resting import Attempt, Policy
from grok2api.canonical.problem import Kind
from grok2api.upstreams.base import Told

NOW = 1_000_000.0
POLICY = Policy()


def reached(state: State) -> set[State]:
    """The states that an account in `state` really gets to by outcomes, fresh quota and the operator."""
    start = msgspec.structs.replace(account(), state=state)
    ends = {lifecycle.enabled(start).state, lifecycle.disabled(start).state}
    ends.add(learn(start, "fast", Told(3, 30, 86_400), NOW, POLICY).state)
    for outcome in Outcome:
        end = start
        for number in range(POLICY.strikes):
            end, _ = settle(end, outcome, Attempt("fast", NOW + 100 * number), POLICY)
            ends.add(end.state)
            if end.state is not state:
                break
    return ends - {state}


@pytest.mark.parametrize("state", State)
def test_the_diagram_has_every_way_out_of_a_state_and_no_other(state: State) -> None:
    assert {after for before, after in edges() if before is state} == reached(state)


@pytest.mark.parametrize(("state", "outcome"), list(itertools.product(State, Outcome)))
def test_every_outcome_that_changes_a_state_is_on_its_edge(state: State, outcome: Outcome) -> None:
    start = msgspec.structs.replace(account(), state=state)
    end, _ = settle(start, outcome, Attempt("fast", NOW), POLICY)
    words = edges().get((state, end.state), [])
    assert (outcome.value in words) == (end.state is not state)


def test_what_failed_questions_do_is_on_the_page_and_nothing_else() -> None:
    rows = questions().splitlines()[2:]
    found = set()
    for state, kind in itertools.product(State, Kind):
        start = msgspec.structs.replace(account(), state=state)
        end = questioned(start, problem(kind), NOW)
        if end is not start:
            found.add(f"| `{kind}` | {state} | {end.state}: {end.state_reason} |")
    assert found == set(rows)


def test_the_diagram_and_the_table_name_every_state_and_every_outcome() -> None:
    assert [state for state in State if f" {state} --> " not in diagram()] == []
    rows = outcomes().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [outcome.value for outcome in Outcome]
    assert "| `rate_limited` | `rate_limited` | the mode rests | ×0.45 |" in rows
    assert "| `cancelled` | none: the client left | nothing |  |" in rows
