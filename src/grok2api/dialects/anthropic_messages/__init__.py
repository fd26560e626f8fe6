"""Anthropic Messages: the wire of `POST /v1/messages` and its `count_tokens`."""

from collections.abc import Mapping, Sequence

from grok2api.canonical.problem import Problem
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import Answer
from grok2api.dialects import sse
from grok2api.dialects.anthropic_messages import errors
from grok2api.dialects.anthropic_messages.decode import decode
from grok2api.dialects.anthropic_messages.encode import PING, Encoder
from grok2api.dialects.anthropic_messages.whole import whole
from grok2api.dialects.base import Envelope


class Messages:
    """The dialect."""

    name = "anthropic_messages"
    keepalive = PING
    estimates_input = True

    def decode(self, body: bytes, headers: Mapping[str, str]) -> Request:
        return decode(body, headers)

    def encoder(self, request: Request, envelope: Envelope) -> Encoder:
        return Encoder(request, envelope)

    def whole(self, request: Request, answers: Sequence[Answer], envelope: Envelope) -> bytes:
        return whole(request, answers[0], envelope)

    def counted(self, tokens: int) -> bytes:
        """The body of `count_tokens`."""
        return sse.encode_json({"input_tokens": tokens})

    def problem(self, problem: Problem, request_id: str = "") -> tuple[int, bytes]:
        return errors.render(problem, request_id)


MESSAGES = Messages()
