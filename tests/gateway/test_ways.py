"""Faults of the way out are remembered by way and upstream, and end with the first answer."""

import pytest

from grok2api.canonical.problem import Kind, Problem
from grok2api.gateway.ways import State, Way, Ways

NAMES = ("direct", "proxy:1")


def ways() -> Ways:
    return Ways(lambda account: "proxy:1" if account.startswith("p") else "direct")


def fault(kind: Kind = Kind.CHALLENGE) -> Problem:
    return Problem(kind=kind, message=f"renew it: {kind}")


def test_P3_challenges_are_counted_for_the_way_with_words_for_the_operator() -> None:
    known = ways()
    for second in range(3):
        known.note("a", "grok_web", fault(), 100.0 + second)
    known.note("p", "grok_web", None, 104.0)
    known.note("a", "console", None, 105.0)
    assert known.report(NAMES) == (
        Way(
            name="direct",
            upstream="grok_web",
            state=State.CHALLENGED,
            since=100.0,
            count=3,
            words="renew it: challenge",
        ),
        Way(name="direct", upstream="console"),
        Way(name="proxy:1", upstream="console"),
        Way(name="proxy:1", upstream="grok_web"),
    )


def test_P3_another_fault_begins_anew() -> None:
    known = ways()
    known.note("a", "grok_web", fault(), 100.0)
    known.note("a", "grok_web", fault(Kind.UNREACHABLE), 107.0)
    found = known.report(NAMES)[0]
    assert (found.state, found.since, found.count) == (State.UNREACHABLE, 107.0, 1)


SAYS_SOMETHING = (
    None,
    Kind.RATE_LIMITED,
    Kind.CREDENTIAL,
    Kind.BLOCKED,
    Kind.REFUSED,
    Kind.UPSTREAM_INVALID,
    Kind.EMPTY,
)
SAYS_NOTHING = (Kind.TIMEOUT, Kind.CUT, Kind.UPSTREAM_DOWN, Kind.UPSTREAM)


@pytest.mark.parametrize("kind", [*SAYS_SOMETHING, *SAYS_NOTHING], ids=str)
def test_P3_what_the_upstream_itself_says_clears_the_way_and_what_an_edge_may_say_does_not(kind: Kind | None) -> None:
    known = ways()
    known.note("a", "grok_web", fault(), 100.0)
    known.note("b", "grok_web", None if kind is None else fault(kind), 101.0)
    state = known.report(NAMES)[0].state
    assert state is (State.OK if kind in SAYS_SOMETHING else State.CHALLENGED)


def test_a_way_that_no_longer_exists_is_not_reported() -> None:
    known = ways()
    known.note("p", "grok_web", fault(), 100.0)
    assert {way.name for way in known.report(("direct",))} == {"direct"}
