"""What a request refers to, and how what is stored is read again: pure, so by example."""

import json
from typing import Any

import pytest

from grok2api.canonical.problem import Kind, Refusal
from grok2api.canonical.request import Image, Message, Role, Text, Thinking, ToolCall, ToolResult
from grok2api.canonical.stored import Stored
from grok2api.dialects.openai_responses import recalled
from grok2api.dialects.openai_responses.decode import Draft, decoded
from grok2api.dialects.openai_responses.recalled import Known, Refers
from responses_bodies import CALL, OUTPUT

RESP = "resp_" + "0123456789abcdef01234567"
STEM = RESP.removeprefix("resp_")


def draft(items: Any = "hi", **fields: Any) -> Draft:
    return Draft(json.dumps({"model": "grok", "input": items, **fields}).encode())


def said(text: str, role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": text}


@pytest.mark.parametrize(
    ("items", "fields", "expected"),
    [
        ("hi", {}, Refers()),
        ("hi", {"previous_response_id": None, "conversation": None}, Refers()),
        ("hi", {"previous_response_id": "resp_1"}, Refers("resp_1")),
        ("hi", {"conversation": "conv_1"}, Refers(None, "conv_1")),
        ("hi", {"conversation": {"id": "conv_1"}}, Refers(None, "conv_1")),
        ([{"type": "item_reference", "id": "msg_1"}, {"id": "fc_1"}, said("x")], {}, Refers(items=("msg_1", "fc_1"))),
    ],
)
def test_what_is_referred_to(items: Any, fields: dict[str, Any], expected: Refers) -> None:
    found = draft(items, **fields).refers
    assert found == expected
    assert bool(found) is (expected != Refers())


def test_what_came_before_is_read_as_if_it_had_been_sent() -> None:
    picture = {"type": "input_image", "image_url": "https://a.example/b.png"}
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "opaque"}
    before = [
        {"type": "message", "role": "user", "content": [picture, {"type": "input_text", "text": "What is it?"}]},
        reasoning,
        CALL,
    ]
    request = decoded(draft([OUTPUT, said("And?")]), {}, Known(before=before, account="acc_1", sticky="talk"))
    assert request.messages == (
        Message(
            Role.USER,
            (
                Image("https://a.example/b.png", path="previous_response_id.0.content.0.image_url"),
                Text("What is it?"),
            ),
            "previous_response_id.0",
        ),
        Message(
            Role.ASSISTANT,
            (Thinking("", "opaque", "rs_1"), ToolCall("c1", "weather", CALL["arguments"])),
            "previous_response_id.1",
        ),
        Message(Role.TOOL, (ToolResult("c1", (Text("4 C"),)),), "input.0"),
        Message(Role.USER, (Text("And?"),), "input.1"),
    )
    assert (request.before, request.sticky, request.store) == ("acc_1", "talk", False)


def test_a_session_that_the_client_names_wins() -> None:
    request = decoded(draft(prompt_cache_key="mine"), {}, Known(before=(), sticky="talk"))
    assert request.sticky == "mine"


@pytest.mark.parametrize("items", [None, "", []])
def test_input_may_be_empty_when_something_came_before(items: Any) -> None:
    request = decoded(draft(items, previous_response_id="resp_1"), {}, Known(before=[said("Go on.")]))
    assert [message.parts for message in request.messages] == [(Text("Go on."),)]
    with pytest.raises(Refusal):
        decoded(draft(items, previous_response_id="resp_1"), {}, Known(before=()))


def test_references_are_the_items_that_they_name() -> None:
    known = Known(before=(), items={"fc_1": CALL, "rs_2": {"type": "reasoning", "id": "rs_2", "summary": []}})
    items = [{"type": "item_reference", "id": "fc_1"}, {"id": "rs_2"}, {"id": "rs_gone"}, OUTPUT]
    request = decoded(draft(items), {}, known)
    assert [message.role for message in request.messages] == [Role.ASSISTANT, Role.TOOL]
    assert request.given["item_reference"] == "input.item_reference"
    with pytest.raises(Refusal) as raised:
        decoded(draft([{"id": "msg_gone"}]), {}, known)
    assert (raised.value.problem.kind, raised.value.problem.param) == (Kind.INVALID, "input.0.id")


def test_what_comes_before_anyway_is_not_read_twice() -> None:
    before = [said("Hi"), CALL]
    request = decoded(draft([{"id": "fc_1"}, OUTPUT]), {}, Known(before=before, items={"fc_1": CALL}))
    assert [message.role for message in request.messages] == [Role.USER, Role.ASSISTANT, Role.TOOL]


@pytest.mark.parametrize(
    ("fields", "keeps", "stores", "reported"),
    [
        ({}, True, True, False),
        ({"store": None}, True, True, False),
        ({"store": True}, True, True, False),
        ({"store": False}, True, False, False),
        ({}, False, False, False),
        ({"store": True}, False, False, True),
        ({"store": False}, False, False, False),
    ],
)
def test_store_is_what_happens(fields: dict[str, Any], keeps: bool, stores: bool, reported: bool) -> None:
    request = decoded(draft(**fields), {}, Known(before=(), keeps=keeps))
    assert (request.store, "store" in request.given) == (stores, reported)


def test_an_items_id_tells_its_response() -> None:
    for prefix in ("msg_", "rs_", "fc_", "ctc_", "ws_"):
        for index in (0, 1, 255):
            assert recalled.home(recalled.item_id(prefix, RESP, index)) == RESP
    for other in ("", "msg_1", "rs_" + "0" * 64, "MSG_" + "0" * 28, f"msg_{STEM}000g", f"msg_{STEM}0000\n"):
        assert recalled.home(other) is None


def test_input_items_are_kept_in_the_shape_in_which_they_are_listed() -> None:
    given = [
        said("One"),
        {"role": "assistant", "content": "Two", "phase": "commentary"},
        {"id": "msg_mine", "role": "user", "content": [{"type": "input_text", "text": "Three"}]},
        OUTPUT,
        {"id": "rs_9"},
        {"type": "item_reference", "id": "fc_9"},
        {"type": "shell_call", "call_id": "c2", "action": {}},
    ]
    named = recalled.named(given, RESP)
    assert named[0] == {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "One"}],
        "id": f"msg_{STEM}8000",
        "status": "completed",
    }
    assert named[1]["content"] == [{"type": "output_text", "text": "Two", "annotations": []}]
    assert named[1]["phase"] == "commentary"
    assert (named[2]["id"], named[2]["content"]) == ("msg_mine", given[2]["content"])
    assert named[3] == {**OUTPUT, "id": f"fco_{STEM}8003"}
    assert named[4:6] == [{"type": "item_reference", "id": "rs_9"}, {"type": "item_reference", "id": "fc_9"}]
    assert named[6]["id"] == f"item_{STEM}8006"
    again = decoded(draft(named[:4]), {}, Known(before=[CALL]))
    first = decoded(draft(given[:4]), {}, Known(before=[CALL]))
    assert [message.parts for message in again.messages] == [message.parts for message in first.messages]


def stored(*output: dict[str, Any], **more: Any) -> Stored:
    body = json.dumps({"output": output}).encode()
    return Stored(id=RESP, created_at=1.0, model="grok", status="failed", root=RESP, response=body, **more)


@pytest.mark.parametrize("ident", [5, ["l"], "", "x" * 129, "a\0b", "a ", "\N{CAT FACE}"])
def test_an_id_that_no_database_keeps_is_replaced(ident: Any) -> None:
    [shown] = recalled.named([{"role": "user", "content": "x", "id": ident}], RESP)
    assert shown["id"] == recalled.item_id("msg_", RESP, 0x8000)
    assert recalled.named([{"type": "item_reference", "id": ident}], RESP) == []


def test_a_turn_is_what_was_asked_and_what_was_answered_whole() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": []}
    broken = {**CALL, "status": "incomplete"}
    words = {"type": "message", "id": "msg_1", "role": "assistant", "status": "incomplete", "content": []}
    one = stored(reasoning, words, broken, input=[said("Hi")], kept={"rs_1": "opaque"})
    whole = {**reasoning, "encrypted_content": "opaque"}
    assert recalled.turn(one) == [said("Hi"), whole, words]
    assert recalled.whole_output(one) == [whole, words, broken]
    assert recalled.turn(Stored(id=RESP, created_at=1.0, model="grok", status="queued", root=RESP)) == []
    assert recalled.shown([whole], encrypted=False) == [reasoning]
    assert recalled.shown([whole], encrypted=True) == [whole]


def test_references_in_a_list_become_items_each_once() -> None:
    reference = {"type": "item_reference", "id": "fc_1"}
    items = [said("a"), said("a"), reference, reference, {"type": "item_reference", "id": "gone"}, OUTPUT]
    assert recalled.resolved(items, {"fc_1": CALL}) == [said("a"), said("a"), CALL, OUTPUT]
