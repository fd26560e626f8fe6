"""What the fake upstream says, rendered once: an answer of so many tokens on each of the wires.

Pure. The bytes of grok.com and console.x.ai are made by the simulator's renderers; the chat completion is for peers
that speak to an OpenAI upstream. Each token holds one `MARK`, so that tokens can be counted in any dialect.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from grok2api.simulator import render_console, render_web
from grok2api.simulator.render import PLAIN_OPTIONS, Frame, Ids
from grok2api.simulator.script import say

Wire = Literal["web", "console", "openai"]
WIRES: tuple[Wire, ...] = ("web", "console", "openai")

#: Stands once in every token and nowhere else in an answer's frame.
MARK = b"@"

_WORDS = ("moon", "tide", "orbit", "light", "a", "river", "stone", "because", "it", "turns")
_IDS = Ids("00000000-0000-4000-8000-00000000000a", "user-1", "00000000-0000-4000-8000-00000000000b")
_QUESTION = "Tell me about the moon."
_CHUNK = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1767225600, "model": "bench"}

CONTENT_TYPES: Mapping[Wire, bytes] = {
    "web": b"application/json",
    "console": b"text/event-stream",
    "openai": b"text/event-stream",
}


class Spoken(NamedTuple):
    """An answer in pieces: what comes before the first token, each token's bytes, and what comes after the last."""

    opening: bytes
    tokens: list[bytes]
    closing: bytes

    @property
    def whole(self) -> bytes:
        return self.opening + b"".join(self.tokens) + self.closing


def words(tokens: int) -> str:
    """A text of exactly so many tokens."""
    mark = MARK.decode()
    return " ".join(mark + _WORDS[number % len(_WORDS)] for number in range(tokens))


def spoken(wire: Wire, tokens: int) -> Spoken:
    """The answer of so many tokens on this wire."""
    text = words(tokens)
    if wire == "openai":
        return _openai(text)
    if wire == "web":
        frames = render_web.render(say(text), _QUESTION, _IDS, PLAIN_OPTIONS).frames
    else:
        asked = {"model": "grok-4.3", "input": _QUESTION, "stream": True}
        frames = render_console.render(say(text), asked, _IDS, PLAIN_OPTIONS).frames
    return _split(frames)


def completion(tokens: int) -> bytes:
    """The body of a chat completion that is not streamed."""
    message = {"role": "assistant", "content": words(tokens)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 8, "completion_tokens": tokens, "total_tokens": tokens + 8}
    return msgspec.json.encode({**_CHUNK, "object": "chat.completion", "choices": [choice], "usage": usage})


def _split(frames: list[Frame]) -> Spoken:
    places = [place for place, frame in enumerate(frames) if frame.kind == "token"]
    first, behind = places[0], places[-1] + 1
    if len(places) != behind - first:
        raise ValueError("something stands between the tokens")
    return Spoken(
        b"".join(frame.data for frame in frames[:first]),
        [frame.data for frame in frames[first:behind]],
        b"".join(frame.data for frame in frames[behind:]),
    )


def _openai(text: str) -> Spoken:
    pieces = [piece if place == 0 else " " + piece for place, piece in enumerate(text.split(" "))]
    return Spoken(
        _chunk({"role": "assistant", "content": ""}, None),
        [_chunk({"content": piece}, None) for piece in pieces],
        _chunk({}, "stop") + b"data: [DONE]\n\n",
    )


def _chunk(delta: Mapping[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + msgspec.json.encode({**_CHUNK, "choices": [choice]}) + b"\n\n"
