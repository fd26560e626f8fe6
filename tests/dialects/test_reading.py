"""The strict parse of a client's JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.canonical.problem import Refusal
from grok2api.dialects.reading import parse

_SPACE = st.sampled_from(["", "", "", " ", "\n\t", " \r\n "])
_WORDS = st.text(st.sampled_from('ab\\": {}[],\n'), max_size=5)
_KEYS = st.one_of(st.sampled_from(["a", "b", "a\\", 'a"', '":']), _WORDS)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> str:
    """The text of a JSON value as some client might write it: any spaces, any strings, perhaps a key twice."""
    if depth == 0 or draw(st.booleans()):
        return json.dumps(draw(st.one_of(_WORDS, st.integers(), st.none())))
    inner = draw(st.lists(documents(depth=depth - 1), max_size=3))
    if draw(st.booleans()):
        return f"[{','.join(inner)}]"
    return written(draw, inner)


def written(draw: st.DrawFn, values: list[str]) -> str:
    pairs = (f"{draw(_SPACE)}{json.dumps(draw(_KEYS))}{draw(_SPACE)}:{draw(_SPACE)}{value}" for value in values)
    return f"{{{','.join(pairs)}{draw(_SPACE)}}}"


@st.composite
def bodies(draw: st.DrawFn) -> str:
    return written(draw, draw(st.lists(documents(), min_size=1, max_size=4)))


def has_a_double(body: str) -> bool:
    doubled: list[bool] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        doubled.append(len({key for key, _ in pairs}) < len(pairs))

    json.loads(body, object_pairs_hook=note)
    return any(doubled)


@given(bodies())
def test_a_key_that_is_there_twice_is_found_in_whatever_a_client_writes(body: str) -> None:
    if has_a_double(body):
        with pytest.raises(Refusal) as refused:
            parse(body.encode())
        assert refused.value.problem.code == "duplicate_key"
    else:
        assert parse(body.encode()).raw == json.loads(body)
