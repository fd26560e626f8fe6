"""Pages of a list, as OpenAI's SDKs ask for them: `limit`, `order`, `after`."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from grok2api.canonical.problem import Refusal, invalid

DEFAULT, LONGEST = 20, 100


class Paging(msgspec.Struct, frozen=True):
    """What a client asks for: at most `limit` entries behind the entry `after`."""

    limit: int
    newest_first: bool
    after: str | None


def paging(query: Mapping[str, str]) -> Paging:
    """The page that a query asks for, newest first by default. Raises `Refusal`."""
    order = query.get("order") or "desc"
    if order not in ("asc", "desc"):
        raise invalid("order must be asc or desc", "order")
    return Paging(_limit(query.get("limit")), order == "desc", query.get("after") or None)


def _limit(given: str | None) -> int:
    if not given:
        return DEFAULT
    if not (given.isascii() and given.isdecimal() and 1 <= int(given[:9]) <= LONGEST):
        raise invalid(f"limit must be between 1 and {LONGEST}", "limit")
    return int(given)


def unknown_after(what: str) -> Refusal:
    """For an `after` that is not in the list."""
    return invalid(f"after must be the id of {what} that is here", "after")


def listed(data: Sequence[Mapping[str, Any]], *, more: bool) -> dict[str, Any]:
    """A page; its ends are null when it is empty."""
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more}
