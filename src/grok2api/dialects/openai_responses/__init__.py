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
from grok2api.dialects.base import Envelope
from grok2api.dialects.openai_responses.compaction import CompactionEncoder, compacts, whole_response, whole_window
from grok2api.dialects.openai_responses.decode import Draft, decode, decoded_to_compact, decoded_to_count
from grok2api.dialects.openai_responses.encode import ResponseEncoder, whole
from grok2api.dialects.openai_responses.recalled import Known
from grok2api.dialects.sse import COMMENT, encode_json


class Responses:
    """OpenAI Responses, as a `Dialect`."""

    name = "openai_responses"
    keepalive = COMMENT
    estimates_input = False

    def decode(self, body: bytes, headers: Mapping[str, str]) -> Request:
        return decode(body, headers)

    def encoder(self, request: Request, envelope: Envelope) -> ResponseEncoder:
        return (CompactionEncoder if compacts(request) else ResponseEncoder)(request, envelope)

    def whole(self, request: Request, answers: Sequence[Answer], envelope: Envelope) -> bytes:
        return (whole_response if compacts(request) else whole)(request, answers[0], envelope)

    def problem(self, problem: Problem, request_id: str = "") -> tuple[int, bytes]:
        return openai_errors.render(problem)


class Compaction(Responses):
    """`POST /v1/responses/compact`, as a `Dialect`: a conversation in, a shorter one out, always whole."""

    name = "openai_responses_compact"

    def decode(self, body: bytes, headers: Mapping[str, str]) -> Request:
        return decoded_to_compact(Draft(body), headers, Known())

    def whole(self, request: Request, answers: Sequence[Answer], envelope: Envelope) -> bytes:
        return whole_window(request, answers[0], envelope)


class InputTokens:
    """`POST /v1/responses/input_tokens`, as a `Counting` dialect."""

    def decode(self, body: bytes, headers: Mapping[str, str]) -> Request:
        return decoded_to_count(Draft(body), headers, Known())

    def counted(self, tokens: int) -> bytes:
        return encode_json({"object": "response.input_tokens", "input_tokens": tokens})

    def problem(self, problem: Problem, request_id: str = "") -> tuple[int, bytes]:
        return openai_errors.render(problem)


RESPONSES = Responses()
COMPACTION = Compaction()
INPUT_TOKENS = InputTokens()
