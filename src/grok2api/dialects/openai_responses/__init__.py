"""The OpenAI Responses dialect: `POST /v1/responses`.

Promises the event grammar and the response object of the OpenAI specification, whole and streamed alike.
A request that leans on what is stored is decoded in two steps, `Draft` and `decoded`, with what was found between them;
in one step it is refused by name.
"""

from collections.abc import Mapping, Sequence

from grok2api.canonical.problem import Problem
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import Answer
from grok2api.dialects import openai_errors
from grok2api.dialects.base import Encoder, Envelope
from grok2api.dialects.openai_responses.decode import decode
from grok2api.dialects.openai_responses.encode import ResponseEncoder, whole
from grok2api.dialects.sse import COMMENT


class Responses:
    """OpenAI Responses, as a `Dialect`."""

    name = "openai_responses"
    keepalive = COMMENT
    estimates_input = False

    def decode(self, body: bytes, headers: Mapping[str, str]) -> Request:
        return decode(body, headers)

    def encoder(self, request: Request, envelope: Envelope) -> Encoder:
        return ResponseEncoder(request, envelope)

    def whole(self, request: Request, answers: Sequence[Answer], envelope: Envelope) -> bytes:
        return whole(request, answers[0], envelope)

    def problem(self, problem: Problem) -> tuple[int, bytes]:
        return openai_errors.render(problem)


RESPONSES = Responses()
