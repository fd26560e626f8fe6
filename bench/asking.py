"""The requests of the load: bodies of each dialect, and their bytes in HTTP/1.1.

Pure. A question holds the number of its stream (`KEY` and five digits), which the fake upstream finds again behind
any gateway, whatever became of the body on the way.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Dialect = Literal["chat", "responses", "messages"]
DIALECTS: tuple[Dialect, ...] = ("chat", "responses", "messages")
PATHS: Mapping[Dialect, str] = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
MODELS: Mapping[str, str] = {"web": "grok-4.3-fast", "console": "grok-4.3-console", "openai": "bench"}

KEY = b"stream-"
_DIGITS = 5


def question(stream: int) -> str:
    """What is asked; the number can be found again by `stream_of`."""
    return f"{KEY.decode()}{stream:0{_DIGITS}d} Tell me about the moon."


def stream_of(body: bytes) -> int:
    """The stream's number in a request's body, 0 when there is none."""
    at = body.find(KEY)
    digits = body[at + len(KEY) : at + len(KEY) + _DIGITS] if at >= 0 else b""
    return int(digits) if digits.isdigit() else 0


def body(dialect: Dialect, model: str, *, stream: bool, number: int = 0, history: int = 0) -> bytes:
    """A request's body; `history` is how many characters of earlier conversation it carries."""
    turns: list[dict[str, Any]] = []
    for _ in range(history // 2000):
        turns += [{"role": "user", "content": "why? " * 200}, {"role": "assistant", "content": "thus. " * 167}]
    turns.append({"role": "user", "content": question(number)})
    fields: dict[str, Any] = {"model": model, "stream": stream}
    if dialect == "responses":
        fields["input"] = turns
    else:
        fields["messages"] = turns
    if dialect == "messages":
        fields["max_tokens"] = 100_000
    return msgspec.json.encode(fields)


def http(path: str, payload: bytes, key: str) -> bytes:
    """The bytes of one POST on a connection that is kept."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\naccept: */*\r\nuser-agent: bench\r\ncontent-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload
