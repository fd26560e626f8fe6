"""The console's usage wire: what is left of each kind of work, of which chat is ours.

Pure. The upstream tells counts and when the last of them was used, but not how long a window is: the hour is what is
kept locally too. Moments come as epoch seconds or as ISO text.
"""

from datetime import UTC, datetime
from typing import Any

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Told
from grok2api.upstreams.reading import count, decode_any
from grok2api.upstreams.refusals import classify

WINDOW_SEC = 3600

_CHAT = "chat"


def read_usage(body: bytes, what: str) -> Told:
    """The count of chat in an answer with status 200. Raises `Refusal`."""
    value = decode_any(body)
    if not isinstance(value, dict):
        raise Refusal(classify(200, {}, body, what=what))
    told = _told(_chat(value))
    if told is None:
        message = f"{what} told its usage in a way that this version does not understand"
        raise Refusal(Problem(kind=Kind.UPSTREAM, message=message, upstream_status=200, evidence=body[:400]))
    return told


def _chat(value: dict[str, Any]) -> dict[str, Any]:
    quotas = value.get("quotas")
    rows = quotas if isinstance(quotas, list) else []
    return next((row for row in rows if isinstance(row, dict) and row.get("kind") == _CHAT), {})


def _told(row: dict[str, Any]) -> Told | None:
    limit, used, remaining = (count(row.get(name)) for name in ("limit", "used", "remaining"))
    if remaining is None and limit is not None and used is not None:
        remaining = max(0, limit - used)
    if remaining is None:
        return None
    total = remaining if limit is None else max(limit, remaining)
    return Told(remaining, total, WINDOW_SEC, _moment(row.get("last_consumed_at")))


def _moment(value: Any) -> float | None:
    """Epoch seconds of a moment in any of its spellings; `None` for none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
