"""Prefill: the answer is what comes behind the client's own beginning, however the upstream cuts it."""

import pytest

from grok2api.canonical.events import CallClosed, CallOpened, Ended, Fact, Said, Thought
from grok2api.canonical.request import Message, Request, Role, Text
from grok2api.gateway.continuing import Continue, asked_on


@pytest.mark.parametrize(
    ("prefill", "answer", "rest"),
    [
        ("The answer is (", "B) because", "B) because"),
        ("The answer is (", "The answer is (B) because", "B) because"),
        ("The answer is (", "\n The answer is (B)", "B)"),
        ("The answer is ", "The answer is B", " B"),
        ("The answer is (", "The answer could be", "The answer could be"),
        ("The answer is (", "The answer", "The answer"),
        ("{", '{"a": 1}', '"a": 1}'),
        ("{", '"a": 1}', '"a": 1}'),
        (" ", "all of it", "all of it"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_what_the_model_repeats_is_taken_out(prefill: str, answer: str, rest: str, size: int) -> None:
    stage = Continue(prefill)
    batches: list[list[Fact]] = [[Said(answer[at : at + size])] for at in range(0, len(answer), size)]
    out = [fact for batch in [*batches, [Ended()]] for fact in stage.feed(batch)]
    assert "".join(fact.text for fact in out if isinstance(fact, Said)) == rest
    assert out[-1] == Ended()


def test_thinking_passes_and_a_call_lets_go_of_what_was_held() -> None:
    stage = Continue("Hello you")
    facts: list[Fact] = [Thought("t"), Said("Hello"), CallOpened("c", "f"), CallClosed(), Said("Hello you")]
    assert [fact for one in facts for fact in stage.feed([one])] == facts


def test_the_wish_is_the_last_turn() -> None:
    request = Request(model="m", messages=(Message(Role.ASSISTANT, (Text("The answer"),)),), prefill="The answer")
    [before, wish] = asked_on(request).messages
    assert (before, wish.role) == (request.messages[0], Role.SYSTEM)
    plain = Request(model="m", messages=request.messages)
    assert asked_on(plain) is plain
