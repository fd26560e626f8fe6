"""Compaction: what the model is asked, what the window keeps, and how the summary travels through the client."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import CompactedResponse, Response, ResponseStreamEvent
from pydantic import TypeAdapter
from responses_goldens import envelope

from grok2api.canonical.events import (
    CallOpened,
    Event,
    Failed,
    Finish,
    Finished,
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Started,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.request import Message, Request, Role, Text, ToolCall
from grok2api.canonical.sequence import fold
from grok2api.dialects.openai_responses import COMPACTION, RESPONSES
from grok2api.dialects.openai_responses.sealed import LONGEST, Damaged, seal, unseal
from openai_spec import needs_spec, validate
from responses_bodies import CALL, OUTPUT, WEATHER, decode, problem

SDK_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
TRIGGER = {"type": "compaction_trigger"}
HISTORY = [
    {"role": "developer", "content": "Be brief."},
    {"type": "message", "id": "msg_mine", "role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
    CALL,
    OUTPUT,
    {"role": "assistant", "content": "4 C."},
    {"role": "user", "content": "And tomorrow?"},
]
SUMMARY: list[Event] = [
    Started(7),
    PartStarted(0, PartKind.THINKING),
    PartDelta(0, "let me see"),
    PartEnded(0),
    PartStarted(1, PartKind.TEXT),
    PartDelta(1, "It is 4 C"),
    PartDelta(1, " today.\n"),
    PartEnded(1),
    Finished(Finish.LENGTH, Usage(input=90, output=9, reasoning=3)),
]


def compact(**more: Any) -> Request:
    body = {"model": "m", "input": HISTORY, "tools": [WEATHER], **more}
    return COMPACTION.decode(json.dumps(body).encode(), {})


def window(events: list[Event] = SUMMARY, **more: Any) -> dict[str, Any]:
    return dict(json.loads(COMPACTION.whole(compact(**more), [fold(events)], envelope())))


def payloads(stream: bytes) -> list[dict[str, Any]]:
    datas = [line.removeprefix("data: ") for line in stream.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(data) for data in datas if data != "[DONE]"]


@given(st.text())
def test_a_sealed_summary_comes_back_and_nothing_of_it_can_be_read(text: str) -> None:
    assert unseal(seal(text)) == text.encode("utf-8", "replace").decode()
    assert len(text) < 8 or text not in seal(text)


def test_a_seal_is_bounded_and_finds_damage():
    assert len(unseal(seal("x" * (LONGEST + 1))) or "") == LONGEST
    assert unseal("gAAAAsomebody-elses") is None
    for damaged in (seal("the plan")[:-4], seal("the plan") + "AAAA", "grok2api.c1.", "grok2api.c1.é", "grok2api.c1.A"):
        with pytest.raises(Damaged):
            unseal(damaged)


def test_the_model_is_asked_for_a_summary_with_the_history_and_without_tools():
    request = compact(instructions="Speak French.", reasoning={"effort": "low"}, stream=True, text={"verbosity": "low"})
    *history, last = request.messages
    assert history[0] == Message(Role.SYSTEM, (Text("Speak French."),), "instructions")
    assert any(isinstance(part, ToolCall) for message in history for part in message.parts)
    assert last.role is Role.USER
    assert "summary" in str(last.parts)
    assert not request.tools
    assert request.tool_choice.mode == "none"
    assert (request.stream, request.thinking, request.effort) == (False, False, "low")
    assert request.given == {"effort": "reasoning.effort"}


def test_the_window_is_the_users_messages_and_one_compaction():
    got = window()
    CompactedResponse.model_validate({**got, "output": got["output"][-1:]})  # the SDK types no message of the user
    assert got["object"] == "response.compaction"
    assert got["usage"]["total_tokens"] == 99
    *messages, item = got["output"]
    assert [message["role"] for message in messages] == ["user", "user"]
    assert [message["content"][0]["text"] for message in messages] == ["Weather?", "And tomorrow?"]
    assert messages[0]["id"] == "msg_mine"
    assert item["type"] == "compaction"
    assert unseal(item["encrypted_content"]) == "It is 4 C today."


@needs_spec
def test_the_window_is_what_openai_describes():
    validate("CompactResource", window())


def test_the_window_keeps_the_newest_messages_as_far_as_there_is_room():
    words = [{"role": "user", "content": letter * 50_000} for letter in "abc"]
    kept = [message["content"][0]["text"] for message in window(input=words)["output"][:-1]]
    assert kept == ["b" * 30_000, "c" * 50_000]
    picture = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 200_000}
    mixed = [{"role": "user", "content": [{"type": "input_text", "text": "See:"}, picture]}]
    assert window(input=mixed)["output"][0]["content"] == [{"type": "input_text", "text": "See:"}]


def test_a_window_comes_back_as_a_conversation():
    request = decode([*window()["output"], {"role": "user", "content": "Go on."}])
    assert [message.role for message in request.messages] == [Role.USER] * 4
    assert "It is 4 C today." in str(request.messages[2].parts)
    assert not request.given


@pytest.mark.parametrize("kind", ["compaction", "compaction_summary", "context_compaction"])
def test_a_compaction_of_somebody_else_is_passed_over_and_reported(kind: str) -> None:
    items = [{"role": "user", "content": "hi"}, {"type": kind, "id": "cmp_1", "encrypted_content": "gAAAA"}]
    request = decode(items)
    assert len(request.messages) == 1
    assert request.given == {"compaction": "input.compaction"}


def test_a_damaged_compaction_is_refused_by_name():
    items = [{"role": "user", "content": "hi"}, {"type": "compaction", "encrypted_content": seal("x")[:-4]}]
    assert problem(items).param == "input.1.encrypted_content"


def test_a_trigger_in_mid_input_was_answered_long_ago():
    assert len(decode([{"role": "user", "content": "hi"}, TRIGGER, {"role": "user", "content": "ho"}]).messages) == 2


def test_a_trigger_is_answered_by_one_compaction_item_streamed_and_whole():
    request = decode([*HISTORY, TRIGGER], tools=[WEATHER], stream=True)
    frames = payloads(RESPONSES.encoder(request, envelope()).feed(SUMMARY))
    assert [frame["type"].removeprefix("response.") for frame in frames] == [
        "created", "in_progress", "output_item.added", "compaction.compacting", "output_item.done", "completed",
    ]  # fmt: skip
    for frame in frames:
        SDK_EVENT.validate_python(frame, strict=True)
    assert [frame["sequence_number"] for frame in frames] == list(range(6))
    done, completed = frames[-2]["item"], frames[-1]["response"]
    assert completed["output"] == [done]
    assert unseal(done["encrypted_content"]) == "It is 4 C today."
    assert completed["usage"]["output_tokens"] == 9
    whole = json.loads(RESPONSES.whole(request, [fold(SUMMARY)], envelope()))
    Response.model_validate(whole, strict=True)
    assert [item["encrypted_content"] for item in whole["output"]] == [done["encrypted_content"]]
    assert "compacts" not in whole


BLANK: list[Event] = [
    Started(7),
    PartStarted(0, PartKind.TEXT),
    PartDelta(0, "  \n"),
    PartEnded(0),
    PartStarted(1, PartKind.CALL, CallOpened("call_1", "x")),
    PartDelta(1, "{}"),
    PartEnded(1),
    Finished(Finish.STOP, Usage(input=1, output=1)),
]
BROKEN = [*SUMMARY[:6], Failed(Problem(kind=Kind.CUT, message="it broke off"))]


@pytest.mark.parametrize("events", [BLANK, BROKEN, BROKEN[-1:]], ids=["blank", "cut", "at once"])
def test_without_a_summary_there_is_a_failure_and_no_item(events: list[Event]) -> None:
    request = decode([*HISTORY, TRIGGER], stream=True)
    frames = payloads(RESPONSES.encoder(request, envelope()).feed(events))
    assert frames[-1]["type"] == "response.failed"
    assert frames[-1]["response"]["output"] == []
    assert not any(frame["type"] == "response.output_item.done" for frame in frames)
    if events is BLANK:
        with pytest.raises(Refusal):
            window(BLANK)
