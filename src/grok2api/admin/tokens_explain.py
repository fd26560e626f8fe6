"""`GET tokens/{id}/explain`: what one account can do now, mode by mode, and why not more."""

from collections.abc import Mapping

import msgspec

from grok2api.accounts.explain import Explanation, ModeExplanation
from grok2api.admin.codes import refuse
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.admin.rows import Quota, RestRow, millis, public_mode, quota_of, rest_of


class ModeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One mode. words: why, as a sentence. until: when it can serve again by itself. probe_at: when one attempt may
    find out early. cost: what speaks against choosing it next; null where costs are not compared.
    """

    mode: str
    ready: bool
    reason: str
    words: str
    until: int | None
    probe_at: int | None
    quota: Quota | None
    rest: RestRow | None
    cost: Mapping[str, float] | None


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """rest: of the whole account, if there is one. strikes: unexplained refusals, of so many that disable it.
    conversations: how many prefer this account.
    """

    id: str
    pool: str
    status: str
    state: str
    state_reason: str
    health: float
    strikes: int
    strikes_allowed: int
    in_flight: int
    max_in_flight: int
    conversations: int
    use_count: int
    fail_count: int
    last_used_at: int | None
    last_error: str
    last_error_at: int | None
    tags: tuple[str, ...]
    rest: RestRow | None
    modes: tuple[ModeRow, ...]


async def explain_token(parts: Parts, call: Call[None, None]) -> Explained:
    """Told from memory, as a request would find it this moment."""
    found = parts.pool.explain(call.path["id"])
    if found is None:
        raise refuse("account_not_found", "No account has this id", "id")
    return _explained(found)


def _explained(found: Explanation) -> Explained:
    return Explained(
        id=found.id,
        pool=found.tier.value,
        status=found.status.value,
        state=found.state.value,
        state_reason=found.state_reason,
        health=round(found.health, 3),
        strikes=found.strikes,
        strikes_allowed=found.strikes_allowed,
        in_flight=found.in_flight,
        max_in_flight=found.max_inflight,
        conversations=found.conversations,
        use_count=found.use_count,
        fail_count=found.fail_count,
        last_used_at=millis(found.last_used_at),
        last_error=found.last_error,
        last_error_at=millis(found.last_error_at),
        tags=found.tags,
        rest=None if found.whole is None else rest_of("*", found.whole),
        modes=tuple(map(_mode, found.modes)),
    )


def _mode(found: ModeExplanation) -> ModeRow:
    price = found.price
    return ModeRow(
        mode=public_mode(found.mode),
        ready=found.reason == "ready",
        reason=found.reason.value,
        words=found.words,
        until=millis(found.until),
        probe_at=millis(found.probe_at),
        quota=None if found.window is None else quota_of(found.window),
        rest=None if found.rest is None else rest_of(found.mode, found.rest),
        cost=None if price is None else {**price._asdict(), "total": price.total},
    )
