"""Which files of a long conversation an upstream is given that takes only a few."""

import pytest
from gateway_fakes import request as plain
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from grok2api.canonical.problem import Kind, Refusal
from grok2api.canonical.request import Image, Inline, Message, Request, Role, Text, ToolCall, ToolResult
from grok2api.gateway.shedding import with_newest_files


def shot(name: str, path: str = "") -> Image:
    return Image(Inline(f"data:image/png;base64,{name}", start=22), path=path or name)


def history(*turns: tuple[str, ...]) -> Request:
    """A user's question, then turns of an agent: a call, and a result with these screenshots."""
    messages = [Message(Role.USER, (Text("Look around."),))]
    for number, names in enumerate(turns):
        call = ToolCall(f"call_{number}", "look", "{}")
        result = ToolResult(call.id, (Text("seen"), *(shot(name) for name in names)))
        messages += [Message(Role.ASSISTANT, (call,)), Message(Role.TOOL, (result,))]
    return replace(plain(), messages=tuple(messages))


def names(request: Request) -> list[str]:
    return [piece.path for piece in request.files()]


def test_the_newest_stay_and_words_stand_for_the_others() -> None:
    fewer, left_out = with_newest_files(history(("a",), ("b",), ("c",), ("d",)), 2)
    assert (names(fewer), left_out) == (["c", "d"], ("a", "b"))
    result = fewer.messages[2].parts[0]
    assert isinstance(result, ToolResult)
    assert result.text == "seen\n[An earlier file of this conversation is left out here]"


def test_what_fits_is_left_as_it_is() -> None:
    asked = history(("a",), ("a",), ("b",))
    assert with_newest_files(asked, 2) == (asked, ())


def test_the_same_file_counts_once_and_stays_wherever_it_is() -> None:
    fewer, left_out = with_newest_files(history(("a",), ("b",), ("c",), ("a",)), 2)
    assert (names(fewer), left_out) == (["a", "c", "a"], ("b",))


def test_what_the_newest_turn_brings_is_never_left_out_but_refused() -> None:
    fewer, left_out = with_newest_files(history(("a", "b"), ("c", "d", "e")), 3)
    assert (names(fewer), left_out) == (["c", "d", "e"], ("a", "b"))
    with pytest.raises(Refusal) as refused:
        with_newest_files(history(("a",), ("c", "d", "e", "f")), 3)
    problem = refused.value.problem
    assert (problem.kind, problem.code, problem.param) == (Kind.INVALID, "too_many_files", "f")


@given(st.lists(st.lists(st.sampled_from("abcdefg"), max_size=3), max_size=8), st.integers(3, 7))
def test_there_are_never_more_than_fit_and_never_fewer_than_could(turns: list[list[str]], most: int) -> None:
    asked = history(*map(tuple, turns))
    fewer, left_out = with_newest_files(asked, most)
    there, all_of_them = set(names(fewer)), set(names(asked))
    assert len(there) == min(most, len(all_of_them))
    assert sorted([*names(fewer), *left_out]) == sorted(names(asked))
    assert with_newest_files(fewer, most) == (fewer, ())
