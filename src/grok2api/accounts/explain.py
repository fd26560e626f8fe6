"""Words about a choice: why this account, why none (P6, P12), and what about this one.

Pure. What is said once a request reads lanes, never accounts: the counts are kept as accounts move, so that a
refusal costs the same for one account and for a hundred thousand. `explain` is for people, who ask about one.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import msgspec

from grok2api.accounts.lanes import Lane, Slot
from grok2api.accounts.leases import Need
from grok2api.accounts.model import WHOLE, Rest, State, Window
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.query import Status, status
from grok2api.accounts.selection import Price, Reason, Standing, price, standing
from grok2api.canonical.problem import Kind, Problem
from grok2api.catalog import TIER_MODES, Tier

#: Told to clients when nothing will recover by itself: the operator has to act first.
_NO_RECOVERY_SEC = 60.0
#: Seconds until it is worth asking again for one account, where no time is known.
_WAITS: Mapping[Reason, float] = {Reason.AT_CAPACITY: 1.0, Reason.SUSPECT: 5.0}


def why(slot: Slot, lane: Lane, how: str, passed: Sequence[Lane]) -> str:
    """One line: the chosen account and what spoke for it, then how the others stood."""
    window = slot.account.windows.get(lane.mode)
    left = f", {window.remaining}/{window.total} left" if window is not None else ""
    line = f"{slot.account.id} ({how}) for {lane.mode} of {slot.account.tier}: {slot.inflight} in flight{left}"
    parts = [f"{other.mode} of {other.tier}: {_words(other.counts)}" for other in (*passed, lane)]
    return f"{line}; {'; '.join(parts)}"


def _words(counts: Counter[Reason]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in counts.items() if number)


def why_not(need: Need, lanes: Sequence[Lane], without: Collection[str], now: float) -> Problem:
    """The refusal: counts by reason, and the earliest real recovery."""
    if not any(lane.size for lane in lanes):
        message = (
            f"No account of tier {_either(need.tiers)} is here for mode {_either(need.modes)}. "
            "Add one with `grok2api accounts add`."
        )
        return _problem(message, _NO_RECOVERY_SEC)
    parts, soonest = [], math.inf
    for mode in need.modes:
        group = [lane for lane in lanes if lane.mode == mode and lane.size]
        if group:
            words, wait = _account_for(group, without, now)
            parts.append(f"mode {mode}: {words}")
            soonest = min(soonest, wait)
    message = f"No account can serve {'; '.join(parts)}."
    if math.isinf(soonest):
        return _problem(f"{message} None of them comes back by itself.", _NO_RECOVERY_SEC)
    return _problem(message, soonest)


def _problem(message: str, wait: float) -> Problem:
    wait = float(max(1, math.ceil(wait)))
    return Problem(kind=Kind.NO_ACCOUNT, code="rate_limit_exceeded", message=message, retry_after=wait)


def why_not_this(slot: Slot | None, ident: str, need: Need, now: float, cap: int) -> Problem:
    """The refusal when one account alone would do. No `retry_after`: it does not come back by itself."""
    modes = TIER_MODES[slot.account.tier] if slot is not None else frozenset()
    mode = next((mode for mode in need.modes if mode in modes), None)
    if slot is None or mode is None:
        return _of_this(f"Account {ident} is not here any more, and no other can go on with its work.", None)
    stands = standing(slot.account, mode, slot.inflight, slot.probes, now, cap)
    wait = _WAITS.get(stands.reason, stands.until - now if stands.until is not None else None)
    return _of_this(
        f"Account {ident} {_sentence(slot, mode, stands, now, cap)}; no other can go on with its work.", wait
    )


def _of_this(message: str, wait: float | None) -> Problem:
    whole = None if wait is None else float(max(1, math.ceil(wait)))
    return Problem(kind=Kind.NO_ACCOUNT, code="account_unavailable", message=message, retry_after=whole)


def _account_for(group: Sequence[Lane], without: Collection[str], now: float) -> tuple[str, float]:
    """How the lanes of one mode stand, in words, and the seconds until the first of them serves again."""
    counts: Counter[Reason] = Counter()
    for lane in group:
        counts.update(lane.counts)
    tried = counts.pop(Reason.READY, 0)
    back = min((time for lane in group if (time := lane.first_return()) is not None), default=math.inf)
    words = [f"{counts[reason]} {reason}" for reason in Reason if counts[reason] > 0]
    if counts[Reason.RESTING] > 0:
        place = words.index(f"{counts[Reason.RESTING]} {Reason.RESTING}")
        words[place] += f" (first back in {spell(back - now)})"
    if tried:
        words.append(f"{tried} tried already" if without else f"{tried} ready")
    soon = tried or counts[Reason.AT_CAPACITY] > 0 or counts[Reason.SUSPECT] > 0
    return ", ".join(words), 1.0 if soon else back - now


def spell(seconds: float) -> str:
    """A length of time as a person says it."""
    whole = max(1, math.ceil(seconds))
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    return f"{whole // 3600} h"


def _either(words: Sequence[str]) -> str:
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"


class ModeExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One account as it stands to one mode.

    until: when it is back by itself. probe_at: when one attempt may find out early. words: the same as a sentence.
    price: what its use costs now; None where costs are not compared (`random`) or it cannot serve.
    """

    mode: str
    reason: Reason
    words: str
    until: float | None = None
    probe_at: float | None = None
    rest: Rest | None = None
    window: Window | None = None
    price: Price | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One account: what it can do now, and why not more.

    whole: the rest of the whole account, if there is one. strikes: of how many that disable it.
    conversations: how many prefer it.
    """

    id: str
    tier: Tier
    state: State
    state_reason: str
    status: Status
    health: float
    strikes: int
    strikes_allowed: int
    in_flight: int
    max_inflight: int
    conversations: int
    use_count: int
    fail_count: int
    last_used_at: float | None
    last_error: str
    last_error_at: float | None
    tags: tuple[str, ...]
    whole: Rest | None
    modes: tuple[ModeExplanation, ...]


def explain(slot: Slot, now: float, options: PoolOptions, conversations: int = 0) -> Explanation:
    """What the account of `slot` can do at `now`, mode by mode."""
    account = slot.account
    return Explanation(
        id=account.id,
        tier=account.tier,
        state=account.state,
        state_reason=account.state_reason,
        status=status(account, now),
        health=account.health,
        strikes=len(account.strikes),
        strikes_allowed=options.strikes,
        in_flight=slot.inflight,
        max_inflight=options.max_inflight,
        conversations=conversations,
        use_count=account.use_count,
        fail_count=account.fail_count,
        last_used_at=account.last_used_at,
        last_error=account.last_error,
        last_error_at=account.last_error_at,
        tags=account.tags,
        whole=_lasting(account.rests.get(WHOLE), now),
        modes=tuple(_explain_mode(slot, mode, now, options) for mode in sorted(TIER_MODES[account.tier])),
    )


def _explain_mode(slot: Slot, mode: str, now: float, options: PoolOptions) -> ModeExplanation:
    account, cap = slot.account, options.max_inflight
    stands = standing(account, mode, slot.inflight, slot.probes, now, cap)
    window = account.windows.get(mode)
    priced = stands.reason is Reason.READY and options.strategy == "quota"
    return ModeExplanation(
        mode=mode,
        reason=stands.reason,
        words=_sentence(slot, mode, stands, now, cap),
        until=stands.until,
        probe_at=stands.probe_at,
        rest=_lasting(account.rests.get(mode), now),
        window=None if window is None else window.refilled(now),
        price=price(slot, mode, now) if priced else None,
    )


def _lasting(rest: Rest | None, now: float) -> Rest | None:
    return rest if rest is not None and rest.until > now else None


def _sentence(slot: Slot, mode: str, stands: Standing, now: float, cap: int) -> str:
    account = slot.account
    match stands.reason:
        case Reason.READY:
            return "can serve"
        case Reason.AT_CAPACITY:
            return f"is at capacity: {slot.inflight} of {cap} attempts at once are under way"
        case Reason.SUSPECT:
            how = "one attempt at a time finds out" if stands.probe_at is not None else "an attempt is finding out now"
            return f"is suspect ({account.state_reason}): {how}"
        case Reason.RESTING:
            rests = [rest for key in (WHOLE, mode) if (rest := _lasting(account.rests.get(key), now)) is not None]
            longest = max(rests, key=lambda rest: rest.until)
            return f"rests for {spell(longest.until - now)} ({longest.reason}){_probe_words(slot, mode, stands, now)}"
        case Reason.EXPIRED:
            return f"is expired ({account.state_reason}) until its credential is replaced or it is enabled"
        case Reason.DISABLED:
            return f"is disabled ({account.state_reason}) until it is enabled"


def _probe_words(slot: Slot, mode: str, stands: Standing, now: float) -> str:
    if mode in slot.probes:
        return "; a probe is under way"
    if stands.probe_at is None:
        return ""
    return "; a probe may try it now" if stands.probe_at <= now else f"; a probe in {spell(stands.probe_at - now)}"
