"""Exact before pattern, the most particular pattern first."""

import itertools
import time

import pytest

from grok2api.patterns import Patterns, is_pattern

TABLE = {"*": "any", "a-*": "a", "a-b-*": "ab", "*-z": "z", "a-b-c": "exact", "a.?": "one", "[x]*": "brackets"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a-b-c", "exact"),
        ("a-b-d", "ab"),
        ("a-b-", "ab"),
        ("a-q", "a"),
        ("a-q-z", "a"),  # as particular as `*-z`, and written first
        ("q-z", "z"),
        ("a.1", "one"),
        ("axx", "any"),
        ("a.", "any"),
        ("[x]1", "brackets"),
        ("x1", "any"),
        ("line\nbreak", "any"),
    ],
)
def test_the_most_particular_fits(name: str, value: str) -> None:
    assert Patterns(TABLE).get(name) == value


def test_the_order_of_the_table_decides_only_between_equals() -> None:
    unequal = {key: TABLE[key] for key in ("*", "a-*", "a-b-*", "a-b-c")}
    for order in itertools.permutations(unequal.items()):
        table = Patterns(dict(order))
        assert [table.get(name) for name in ("a-b-c", "a-b-d", "a-d", "d")] == ["exact", "ab", "a", "any"]


def test_many_wildcards_do_not_go_astray() -> None:
    table = Patterns({"*a*a*a*a*a*a*a*a*b": 1})
    started = time.process_time()
    assert table.get("a" * 256) is None
    assert time.process_time() - started < 0.1


def test_nothing_fits_nothing() -> None:
    assert Patterns({"a-?": "a"}).get("a-bc") is None
    assert Patterns({}).get("") is None
    assert [is_pattern(key) for key in ("a", "a*", "?", "[a]")] == [False, True, True, False]
