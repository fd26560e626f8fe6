"""Reading a server-sent stream in tests, strictly: what a client must be able to rely on."""

import json
from typing import Any


class Frame(tuple[str, Any]):
    """`(event, payload)`; the payload of `[DONE]` is that string."""

    @property
    def event(self) -> str:
        return str(self[0])

    @property
    def payload(self) -> Any:
        return self[1]


def frames(body: bytes) -> list[Frame]:
    """The frames of a whole stream; comments are left out. Fails on anything that is no frame."""
    assert body.endswith(b"\n\n"), body[-80:]
    out = []
    for block in body.decode().split("\n\n")[:-1]:
        event, data = "", []
        for line in block.split("\n"):
            if line.startswith(":"):
                continue
            name, colon, value = line.partition(": ")
            assert colon, line
            assert name in ("event", "data"), line
            if name == "event":
                event = value
            else:
                data.append(value)
        if data:
            text = "\n".join(data)
            out.append(Frame((event, text if text == "[DONE]" else json.loads(text))))
    return out


def chat_text(body: bytes) -> str:
    """The text of a chat stream."""
    return "".join(
        choice["delta"].get("content") or ""
        for frame in frames(body)
        if frame.payload != "[DONE]" and "choices" in frame.payload
        for choice in frame.payload["choices"]
    )


def responses_text(body: bytes) -> str:
    """The text of a Responses stream."""
    return "".join(f.payload["delta"] for f in frames(body) if f.event == "response.output_text.delta")


def messages_text(body: bytes) -> str:
    """The text of a Messages stream."""
    deltas = [frame.payload["delta"] for frame in frames(body) if frame.event == "content_block_delta"]
    return "".join(delta["text"] for delta in deltas if delta["type"] == "text_delta")
