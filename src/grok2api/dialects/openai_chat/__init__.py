"""OpenAI chat completions: the wire of `POST /v1/chat/completions`."""

from collections.abc import Mapping, Sequence

from grok2api.canonical.problem import Problem
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import Answer
from grok2api.dialects import openai_errors, sse
from grok2api.dialects.base import Envelope
from grok2api.dialects.openai_chat.decode import decode
from grok2api.dialects.openai_chat.encode import Encoder
from grok2api.dialects.openai_chat.whole import whole_many


class Chat:
    """The dialect."""

    name = "openai_chat"
    keepalive = sse.COMMENT
    estimates_input = False

    def decode(self, body: bytes, headers: Mapping[str, str]) -> Request:
        return decode(body, headers)

    def encoder(self, request: Request, envelope: Envelope) -> Encoder:
        return Encoder(request, envelope)

    def whole(self, request: Request, answers: Sequence[Answer], envelope: Envelope) -> bytes:
        return whole_many(request, answers, envelope)

    def problem(self, problem: Problem, request_id: str = "") -> tuple[int, bytes]:
        return openai_errors.render(problem)


CHAT = Chat()
