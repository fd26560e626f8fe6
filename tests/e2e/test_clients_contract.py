"""What clients rely on, row by row, on a model of each upstream, streamed and whole: one table a subject.

The rows are those of the tables of what real clients send, need and choke on. What the official SDKs and the golden
transcripts prove elsewhere is not repeated here.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from asking import CONSOLE, DIALECTS, MODELS, WEB, ask
from frames import Frame, frames
from grok2api.simulator.script import Call, Say, Script
from rig import SUPER, Rig, rigged

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
each_way = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL, OTHER = Call("get_weather", '{"city":"Oslo"}'), Call("now", "{}")


def tools(dialect: str) -> list[dict[str, Any]]:
    """Two tools, one of them without parameters."""
    if dialect == "messages":
        return [{"name": "get_weather", "input_schema": SCHEMA}, {"name": "now", "input_schema": {"type": "object"}}]
    functions: list[dict[str, Any]] = [{"name": "get_weather", "parameters": SCHEMA}, {"name": "now"}]
    if dialect == "chat":
        return [{"type": "function", "function": function} for function in functions]
    return [{"type": "function", **function} for function in functions]


def choice(dialect: str, word: str) -> Any:
    """`none`, `required`, or the name of the tool that must be called, as a dialect says it."""
    if dialect == "messages":
        types = {"none": {"type": "none"}, "required": {"type": "any"}}
        return types.get(word, {"type": "tool", "name": word})
    if word in ("none", "required"):
        return word
    return {"type": "function", "function": {"name": word}} if dialect == "chat" else {"type": "function", "name": word}


def one_at_a_time(dialect: str) -> dict[str, Any]:
    if dialect == "messages":
        return {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    return {"parallel_tool_calls": False}


def schema_format(dialect: str) -> dict[str, Any]:
    if dialect == "chat":
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
    form = {"type": "json_schema", "name": "x", "schema": SCHEMA}
    return {"text": {"format": form}} if dialect == "responses" else {"output_config": {"format": form}}


class Answer(msgspec.Struct):
    """What a client made of an answer, in one shape for all dialects."""

    status: int
    ignored: str
    text: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    finish: str = ""
    error: dict[str, Any] = {}


async def asked(rig: Rig, dialect: str, stream: bool, *scripts: Script, **more: Any) -> Answer:
    """The answer, when the upstream answers with these scripts, one after the other."""
    rig.world.scenarios.clear()
    for nth, script in enumerate(scripts, 1):
        rig.world.on(script=script, nth=nth)
    status, headers, body = await rig.post(DIALECTS[dialect], ask(dialect, stream=stream) | more)
    answer = Answer(status, headers.get("x-grok2api-ignored", ""))
    if status != 200:
        answer.error = json.loads(body)["error"]
        return answer
    READERS[dialect](answer, frames(body) if stream else None, None if stream else json.loads(body))
    return answer


def read_chat(answer: Answer, stream: list[Frame] | None, whole: Any) -> None:
    choices = [c for f in stream or () if f.payload != "[DONE]" for c in f.payload["choices"]]
    said = [choice["delta"] for choice in choices] if stream else [choice["message"] for choice in whole["choices"]]
    answer.text = "".join(message.get("content") or "" for message in said)
    functions = [call["function"] for message in said for call in message.get("tool_calls") or ()]
    answer.calls = tuple((one["name"], json.loads(one["arguments"])) for one in functions)
    answer.finish = (choices or whole["choices"])[-1]["finish_reason"]


def read_responses(answer: Answer, stream: list[Frame] | None, whole: Any) -> None:
    response = next(f.payload["response"] for f in reversed(stream) if f.event) if stream else whole
    for item in response["output"]:
        if item["type"] == "message":
            answer.text += "".join(part["text"] for part in item["content"])
        if item["type"] == "function_call":
            answer.calls += ((item["name"], json.loads(item["arguments"])),)
    answer.finish = (response["incomplete_details"] or {}).get("reason") or response["status"]


def read_messages(answer: Answer, stream: list[Frame] | None, whole: Any) -> None:
    blocks = [f.payload["content_block"] for f in stream or () if f.event == "content_block_start"]
    for frame in stream or ():
        if frame.event == "content_block_delta":
            block, delta = blocks[frame.payload["index"]], frame.payload["delta"]
            block["json"] = block.get("json", "") + delta.get("partial_json", "")
            block["text"] = block.get("text", "") + delta.get("text", "")
    for block in blocks or whole["content"]:
        if block["type"] == "text":
            answer.text += block["text"]
        if block["type"] == "tool_use":
            answer.calls += ((block["name"], json.loads(block["json"] or "{}") if stream else block["input"]),)
    ends = [f.payload["delta"] for f in stream or () if f.event == "message_delta"]
    answer.finish = (ends[0] if ends else whole)["stop_reason"]


READERS: dict[str, Callable[[Answer, list[Frame] | None, Any], None]] = {
    "chat": read_chat,
    "responses": read_responses,
    "messages": read_messages,
}
STOPPED = {"chat": "stop", "responses": "completed", "messages": "end_turn"}
CALLED = {"chat": "tool_calls", "responses": "completed", "messages": "tool_use"}

OSLO, NOW = ("get_weather", {"city": "Oslo"}), ("now", {})
WORDS = Script(steps=(Say("It is cold."),))


@every_dialect
@every_model
@each_way
async def test_one_call_at_a_time_is_one_call(tmp_path: Path, dialect: str, model: str, stream: bool) -> None:
    async with rigged(tmp_path) as rig:
        script = Script(steps=(CALL, OTHER))
        more = {"model": model, "tools": tools(dialect), **one_at_a_time(dialect)}
        answer = await asked(rig, dialect, stream, script, **more)
        assert (answer.calls, answer.finish) == ((OSLO,), CALLED[dialect])


@every_dialect
@every_model
@each_way
@pytest.mark.parametrize(("word", "calls"), [("required", (OSLO,)), ("get_weather", (OSLO,)), ("now", (NOW,))])
async def test_forced_means_forced(
    tmp_path: Path, dialect: str, model: str, stream: bool, word: str, calls: tuple[Any, ...]
) -> None:
    """Words in place of a demanded call are put to the model once more; if that does not help, the answer fails."""
    async with rigged(tmp_path) as rig:
        more = {"model": model, "tools": tools(dialect), "tool_choice": choice(dialect, word)}
        called = Script(steps=(OTHER if word == "now" else CALL,))
        answer = await asked(rig, dialect, stream, WORDS, called, **more)
        assert (answer.status, answer.text, answer.calls, answer.finish) == (200, "", calls, CALLED[dialect])
        assert len(rig.world.journal.chats) == 2
        answer = await asked(rig, dialect, stream, WORDS, WORDS, **more)
        assert answer.status == 502
        assert "demands a call" in answer.error["message"]


@every_dialect
@each_way
async def test_no_call_means_no_call(tmp_path: Path, dialect: str, stream: bool) -> None:
    async with rigged(tmp_path) as rig:
        script = Script(steps=(Say("It is cold."), CALL))
        more = {"model": CONSOLE, "tools": tools(dialect), "tool_choice": choice(dialect, "none")}
        answer = await asked(rig, dialect, stream, script, **more)
        assert (answer.text, answer.calls, answer.finish) == ("It is cold.", (), STOPPED[dialect])


@every_dialect
@every_model
@each_way
async def test_a_schema_is_answered_by_bare_json(tmp_path: Path, dialect: str, model: str, stream: bool) -> None:
    fenced = Script(steps=(Say('```json\n{"city":"Oslo"}\n```'),))
    async with rigged(tmp_path) as rig:
        more = {"model": model, **schema_format(dialect)}
        for scripts in ([fenced], [WORDS, fenced]):
            answer = await asked(rig, dialect, stream, *scripts, **more)
            assert (answer.text, answer.finish) == ('{"city":"Oslo"}', STOPPED[dialect])
        answer = await asked(rig, dialect, stream, WORDS, WORDS, **more)
        assert (answer.status, answer.calls) == (502, ())


@every_model
@each_way
async def test_H1_a_prefill_is_continued_and_not_repeated(tmp_path: Path, model: str, stream: bool) -> None:
    turns = [{"role": "user", "content": "A or B?"}, {"role": "assistant", "content": "The answer is ("}]
    async with rigged(tmp_path) as rig:
        for said in ("B), of course.", "The answer is (B), of course."):
            script = Script(steps=(Say(said),))
            answer = await asked(rig, "messages", stream, script, model=model, messages=turns)
            assert answer.text == "B), of course."
        body = rig.world.journal.chats[-1].body
        told = body["message"] if model == WEB else body["input"][-1]["content"][0]["text"]
        assert "repeat nothing of it" in told[-200:]


LIMITS = {"chat": "max_tokens", "responses": "max_output_tokens", "messages": "max_tokens"}
CUT = {"chat": "length", "responses": "max_output_tokens", "messages": "max_tokens"}


@every_dialect
@every_model
@each_way
async def test_a_limit_of_one_token_is_kept(tmp_path: Path, dialect: str, model: str, stream: bool) -> None:
    async with rigged(tmp_path) as rig:
        answer = await asked(rig, dialect, stream, WORDS, model=model, **{LIMITS[dialect]: 1})
        assert (answer.text, answer.finish) == ("It", CUT[dialect])


FOREIGN = [
    ("chat", {"top_k": 5, "max_output_tokens": 9, "stop_sequences": ["x"]}, "max_output_tokens, stop_sequences, top_k"),
    ("responses", {"n": 2, "stop": ["x"], "seed": 0, "max_tokens": 5}, "max_tokens, n, seed, stop"),
    ("messages", {"n": 2, "seed": 1, "max_completion_tokens": 5}, "max_completion_tokens, n, seed"),
]


@pytest.mark.parametrize(("dialect", "more", "ignored"), FOREIGN)
@every_model
@each_way
async def test_H1_a_parameter_of_another_api_is_reported(
    tmp_path: Path, dialect: str, model: str, stream: bool, more: dict[str, Any], ignored: str
) -> None:
    async with rigged(tmp_path) as rig:
        answer = await asked(rig, dialect, stream, WORDS, model=model, **more)
        assert answer.ignored.removesuffix(", max_tokens") == ignored
        nothing: dict[str, Any] = dict.fromkeys(more) | {"n": 1, "stop": []}
        assert (await asked(rig, dialect, stream, WORDS, model=model, **nothing)).ignored == ""


SESSIONS = (
    "x-claude-code-session-id",
    "session_id",
    "session-id",
    "thread-id",
    "conversation_id",
    "x-session-affinity",
)


@every_dialect
@pytest.mark.parametrize("name", SESSIONS)
async def test_P8_a_session_header_keeps_its_account_in_every_dialect(tmp_path: Path, dialect: str, name: str) -> None:
    async with rigged(tmp_path, accounts=[(f"sim-super-{n}", SUPER) for n in range(8)]) as rig:
        for _ in range(5):
            body = json.dumps(ask(dialect, stream=False)).encode()
            async with rig.http.post(rig.url + DIALECTS[dialect], data=body, headers={name: "s-1"}) as answer:
                assert answer.status == 200
        assert len({entry.account for entry in rig.world.journal.chats}) == 1


@each_way
async def test_C3_half_a_surrogate_pair_in_arguments_survives(tmp_path: Path, stream: bool) -> None:
    """It is legal JSON that a strict reader refuses; the client's own reader may take it."""
    script = Script(steps=(Call("get_weather", '{"city":"\\ud83d\\ude00 \\ud800"}'),))
    async with rigged(tmp_path) as rig:
        answer = await asked(rig, "messages", stream, script, model=CONSOLE, tools=tools("messages"))
        assert answer.calls == (("get_weather", {"city": "\U0001f600 \ud800"}),)
