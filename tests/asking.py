"""Requests of every dialect and what comes back, in one shape for tests that hold for all of them."""

from collections.abc import Callable
from typing import Any

from frames import Frame, chat_text, frames, messages_text, responses_text
from rig import CHAT, MESSAGES, RESPONSES

#: A model of each upstream that one basic account can serve.
WEB, CONSOLE = "grok-4.20-0309-non-reasoning", "grok-4.3-console"

MODELS = {"grok_web": WEB, "console": CONSOLE}
DIALECTS = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES}
TEXT: dict[str, Callable[[bytes], str]] = {"chat": chat_text, "responses": responses_text, "messages": messages_text}


def ask(dialect: str, text: str = "hello", *, model: str = WEB, stream: bool = True, **more: Any) -> dict[str, Any]:
    """A request body."""
    message = [{"role": "user", "content": text}]
    body: dict[str, Any] = {"model": model, "stream": stream}
    if dialect == "responses":
        body["input"] = text
    else:
        body["messages"] = message
    if dialect == "messages":
        body["max_tokens"] = 4096
    return body | more


def whole_text(dialect: str, answer: dict[str, Any]) -> str:
    """The text of a whole answer."""
    if dialect == "chat":
        return str(answer["choices"][0]["message"]["content"] or "")
    if dialect == "responses":
        parts = [part for item in answer["output"] if item["type"] == "message" for part in item["content"]]
        return "".join(part["text"] for part in parts)
    return "".join(block["text"] for block in answer["content"] if block["type"] == "text")


def ended_well(dialect: str, body: bytes) -> bool:
    """Whether a stream ends as a finished answer of its dialect."""
    last = frames(body)[-1]
    if dialect == "responses" and last.payload == "[DONE]":
        last = frames(body)[-2]
    return {
        "chat": last.payload == "[DONE]" and not any("error" in f.payload for f in frames(body)[:-1]),
        "responses": last.event in ("response.completed", "response.incomplete"),
        "messages": last.event == "message_stop",
    }[dialect]


def error_of(dialect: str, body: bytes) -> dict[str, Any]:
    """The error that a broken stream ends with, after checking that the end has its dialect's form (S4)."""
    got: list[Frame] = frames(body)
    if dialect == "chat":
        assert got[-1].payload == "[DONE]"
        assert [f for f in got if f.payload == "[DONE]"] == got[-1:]
        error = got[-2].payload["error"]
        assert set(error) == {"message", "type", "code", "param", "status"}
        return dict(error)
    if dialect == "responses":
        assert got[-1].event == "response.failed"
        response = got[-1].payload["response"]
        assert response["id"]
        assert response["model"]
        assert response["status"] == "failed"
        return dict(response["error"])
    assert got[-1].event == "error"
    assert b"[DONE]" not in body
    assert got[-1].payload["type"] == "error"
    return dict(got[-1].payload["error"])
