"""One log line for each request: what was asked, who answered, how it ended, why that account.

The line carries ids and numbers, never text of a conversation and never a secret.
"""

import time
from collections.abc import Callable, Iterator

import msgspec
import structlog

from grok2api.canonical.problem import Problem
from grok2api.gateway.exchange import Exchange
from grok2api.gateway.turns import Attempt

_log = structlog.stdlib.get_logger("grok2api.requests")


class Entry(msgspec.Struct, kw_only=True):
    """What is known of a request so far. `started` is monotonic time."""

    request_id: str
    dialect: str
    started: float
    status: int = 0
    exchange: Exchange | None = None
    problem: Problem | None = None
    gone: str = ""


class Journal:
    """Writes the line. `bump` adds to totals by name."""

    def __init__(self, bump: Callable[[str, int], None]) -> None:
        self._bump = bump

    def note(self, entry: Entry) -> None:
        """The request is over."""
        for name, by in counted(entry):
            self._bump(name, by)
        self._log("answered", entry)

    def _log(self, event: str, entry: Entry) -> None:
        fields: dict[str, object] = {
            "request_id": entry.request_id,
            "dialect": entry.dialect,
            "status": entry.status,
            "seconds": round(time.monotonic() - entry.started, 4),
        }
        if entry.exchange is not None:
            fields |= _exchange(entry.exchange)
        if entry.gone:
            fields["gone"] = entry.gone
        if entry.problem is None:
            _log.info(event, **fields)
            return
        fields |= {"problem": entry.problem.kind.value, "message": entry.problem.message}
        if entry.problem.evidence:
            fields["evidence"] = entry.problem.evidence[:400].decode("utf-8", "replace")
        _log.warning("refused" if entry.status >= 400 else "broken", **fields)

    def made(self, entry: Entry) -> None:
        """An answer that was made in the background is over; the request for it has a line of its own."""
        for name, by in _answered(entry):
            self._bump(name, by)
        self._log("made", entry)

    def bug(self, entry: Entry) -> None:
        """Something of ours failed; the traceback goes to the log and nowhere else."""
        _log.exception("bug", request_id=entry.request_id, dialect=entry.dialect)


def counted(entry: Entry) -> Iterator[tuple[str, int]]:
    """What a request adds to the totals.

    The names are ours, whatever is asked for (M3): of dialects, of models that are served, of kinds of problems.
    """
    yield "requests", 1
    yield f"requests.{entry.dialect}", 1
    yield from _answered(entry)


def _answered(entry: Entry) -> Iterator[tuple[str, int]]:
    """The share of the answer in that."""
    if entry.problem is not None:
        yield f"problems.{entry.problem.kind}", 1
    if entry.exchange is not None:
        yield f"models.{entry.exchange.model.name}", 1
        yield "attempts", len(entry.exchange.report.attempts)
        usage = entry.exchange.report.usage
        if usage is not None:
            yield "tokens.input", usage.input
            yield "tokens.output", usage.output


def _exchange(exchange: Exchange) -> dict[str, object]:
    report = exchange.report
    fields: dict[str, object] = {
        "model": exchange.model.name,
        "attempts": [_attempt(attempt) for attempt in report.attempts],
    }
    if report.held:
        fields["held"] = report.held
    if report.usage is not None:
        fields["tokens"] = [report.usage.input, report.usage.output]
        fields["finish"] = report.finish
    return fields


def _attempt(attempt: Attempt) -> str:
    """One attempt in words: the account, the mode, how it ended, and why this account (P12)."""
    ended = attempt.problem.kind.value if attempt.problem is not None else "ok"
    return f"{attempt.account} {attempt.mode} {ended}: {attempt.trace}"
