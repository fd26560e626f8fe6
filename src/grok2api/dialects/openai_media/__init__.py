"""OpenAI's endpoints of pictures: the wire of `POST /v1/images/generations` and `POST /v1/images/edits`."""

from collections.abc import Mapping, Sequence

from grok2api.canonical.problem import Problem
from grok2api.canonical.request import Request
from grok2api.canonical.sequence import Answer
from grok2api.dialects import openai_errors, sse
from grok2api.dialects.base import Envelope
from grok2api.dialects.openai_media.decode import Endpoint, decode
from grok2api.dialects.openai_media.encode import Encoder, whole


class Pictures:
    """The dialect of one of the endpoints."""

    name = "openai_images"
    keepalive = sse.COMMENT
    estimates_input = True

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def decode(self, body: bytes, headers: Mapping[str, str]) -> Request:
        return decode(body, headers, self._endpoint)

    def encoder(self, request: Request, envelope: Envelope) -> Encoder:
        return Encoder(request, envelope)

    def whole(self, request: Request, answers: Sequence[Answer], envelope: Envelope) -> bytes:
        return whole(request, answers[0], envelope)

    def problem(self, problem: Problem, request_id: str = "") -> tuple[int, bytes]:
        return openai_errors.render(problem)


GENERATIONS, EDITS = Pictures("generations"), Pictures("edits")
