"""The end of a response whose process is gone: said by somebody else, from what was stored of it."""

from collections.abc import Mapping
from typing import Any

from grok2api.canonical.problem import Problem
from grok2api.dialects.openai_responses.resource import error_of
from grok2api.dialects.sse import DONE, named


def ended(document: Mapping[str, Any], number: int, problem: Problem | None) -> tuple[dict[str, Any], bytes]:
    """A response that broke off, or that was given up (no problem), and its last frames, from `number` on."""
    if problem is None:
        document = {**document, "status": "cancelled"}
        return document, _frame("response.incomplete", document, number) + DONE
    document = {**document, "status": "failed", "error": error_of(problem)}
    return document, _frame("response.failed", document, number)


def _frame(kind: str, document: Mapping[str, Any], number: int) -> bytes:
    return named(kind, {"type": kind, "sequence_number": number, "response": document})
