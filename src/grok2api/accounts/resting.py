"""How long accounts rest, and what resting and spending do to windows.

Pure arithmetic for `lifecycle` and `quota`. A rest lasts as long as the upstream asked; else until the
window resets; else the default; never longer than the policy allows. A rest longer than the probe interval
gets half-open probes (P2): one attempt now and then finds out whether it is over early.
"""

from collections.abc import Mapping

import msgspec

from grok2api.accounts.model import DAY, WHOLE, Account, Rest, Source, Window
from grok2api.catalog import Tier


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of the lifecycle.

    default_rest_sec: a limit that comes without any hint, unless `tier_rest_sec` has the tier (strategy `random`,
    which knows no windows); max_rest_sec: no hint rests longer than this.
    probe_interval_sec: how often a long rest may be tried. strikes: unexplained refusals until disabled.
    counts_quota: whether a window that is used up rests its mode (strategy `quota`).
    """

    default_rest_sec: float = 900.0
    max_rest_sec: float = 7.0 * DAY
    probe_interval_sec: float = 900.0
    strikes: int = 3
    counts_quota: bool = True
    tier_rest_sec: Mapping[Tier, float] = {}


class Attempt(msgspec.Struct, frozen=True):
    """One attempt that has ended: in `mode`, at `now`.

    hint: seconds that the upstream asked to wait. said: the problem in words.
    leased_at: when it began; its end says nothing about a rest that began later than that.
    """

    mode: str
    now: float
    hint: float | None = None
    said: str = ""
    leased_at: float | None = None


class Pause(msgspec.Struct, frozen=True):
    """What a transition demands: `key` rests (a mode or `WHOLE`).

    length: fixed seconds instead of the hint. probe: seconds between probes instead of the policy's.
    empties: the window is 0 of 0 from now on.
    """

    whole: bool = False
    length: float | None = None
    probe: float | None = None
    empties: bool = False


Holdings = tuple[Mapping[str, Rest], Mapping[str, Window]]


def rest_until(until: float, now: float, every: float, reason: str, count: int = 1) -> Rest:
    """A rest from `now`, with probes when it is longer than `every`."""
    probe_at = now + every if until - now > every else None
    return Rest(until=until, since=now, probe_at=probe_at, count=count, reason=reason)


def healed(account: Account, attempt: Attempt) -> Mapping[str, Rest]:
    """The rests that a success leaves: it ends those of its mode and of the account."""
    return {key: rest for key, rest in account.rests.items() if not _ended(key, rest, attempt)}


def _ended(key: str, rest: Rest, attempt: Attempt) -> bool:
    return key in (attempt.mode, WHOLE) and (attempt.leased_at is None or rest.since < attempt.leased_at)


def spent(account: Account, rests: Mapping[str, Rest], attempt: Attempt, policy: Policy) -> Holdings:
    """Rests and windows after one call of the mode's quota; `rests` are those that are left after healing.

    An answer in a mode that was thought empty proves that it is not: the window counts as full again.
    """
    mode, now = attempt.mode, attempt.now
    window = account.windows.get(mode)
    if window is None:
        return rests, account.windows
    window = window.refilled(now)
    if window.remaining <= 0 and mode in account.rests and mode not in rests:
        window = Window(window.total, window.total, window.window_sec, None, Source.ESTIMATED)
    resets_at = window.resets_at if window.resets_at is not None else now + window.window_sec
    source = Source.ESTIMATED if window.source is Source.REAL else window.source
    window = Window(max(0, window.remaining - 1), window.total, window.window_sec, resets_at, source)
    if policy.counts_quota and window.remaining == 0 < window.total and mode not in rests:
        rests = {**rests, mode: rest_until(resets_at, now, policy.probe_interval_sec, "quota used up")}
    return rests, {**account.windows, mode: window}


def paused(account: Account, pause: Pause, attempt: Attempt, policy: Policy) -> Holdings:
    """Rests and windows after a limit. A limit without a hint means that the window is used up."""
    key = WHOLE if pause.whole else attempt.mode
    window = None if pause.whole else account.windows.get(attempt.mode)
    until = attempt.now + _length(account.tier, pause, window, attempt, policy)
    before = account.rests.get(key)
    if before is not None and attempt.leased_at is not None and attempt.leased_at <= before.since:
        until = max(until, before.until)  # the answer is older than the rest: it may lengthen it, not shorten
    every = policy.probe_interval_sec if pause.probe is None else pause.probe
    count = 1 if before is None else before.count + 1
    rest = rest_until(until, attempt.now, every, "limited by the upstream", count)
    rests = {**account.rests, key: rest}
    if window is None or (attempt.hint is not None and not pause.empties):
        return rests, account.windows
    total = 0 if pause.empties else window.total
    emptied = Window(0, total, window.window_sec, until, Source.ESTIMATED)
    return rests, {**account.windows, attempt.mode: emptied}


def _length(tier: Tier, pause: Pause, window: Window | None, attempt: Attempt, policy: Policy) -> float:
    if pause.length is not None:
        return max(pause.length, attempt.hint or 0.0)
    if attempt.hint is not None:
        seconds = attempt.hint
    elif tier in policy.tier_rest_sec:
        seconds = policy.tier_rest_sec[tier]
    elif window is not None and window.resets_at is not None and window.resets_at > attempt.now:
        seconds = window.resets_at - attempt.now
    else:
        seconds = policy.default_rest_sec
    return min(max(1.0, seconds), policy.max_rest_sec)


def probing(account: Account, mode: str, now: float, policy: Policy) -> Account:
    """The account while one attempt finds out whether its rest is over: the next may come an interval later."""
    rests = {
        key: msgspec.structs.replace(rest, probe_at=now + policy.probe_interval_sec)
        if key in (mode, WHOLE) and rest.probe_at is not None
        else rest
        for key, rest in account.rests.items()
    }
    return msgspec.structs.replace(account, rests=rests)
