"""Words about a choice: why this account, why none (P6, P12).

Pure. Reads lanes, never accounts: the counts are kept as accounts move, so that a refusal costs the same
for one account and for a hundred thousand.
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence

from grok2api.accounts.lanes import Lane, Slot
from grok2api.accounts.leases import Need
from grok2api.accounts.selection import Reason
from grok2api.canonical.problem import Kind, Problem

#: Told to clients when nothing will recover by itself: the operator has to act first.
_NO_RECOVERY_SEC = 60.0


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
