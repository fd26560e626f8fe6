"""How long accounts rest, and what resting and spending do to windows.

Pure arithmetic for `lifecycle` and `quota`. A rest lasts as long as the upstream asked. Without a hint it lasts until
the window resets, or under `random`, which counts no quota, for the interval of the account's tier; else a default
that doubles with each limit in a row. Never longer than the policy allows. A rest longer than the probe interval gets
half-open probes (P2): one attempt now and then finds out whether it is over early.
"""

from collections.abc import Mapping

import msgspec

from grok2api.accounts.model import DAY, DEFAULT_WINDOWS, WHOLE, Account, Rest, Source, Window
from grok2api.catalog import Tier

#: No rest is shorter: an upstream that asks for none has refused all the same.
SHORTEST_SEC = 1.0
#: A default rest is doubled so often at most; the policy's bound comes first.
_MOST_DOUBLINGS = 16


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of the lifecycle.

    default_rest_sec: a limit that comes without any hint; max_rest_sec: nothing rests longer than this.
    probe_interval_sec: how often a long rest may be tried. strikes: unexplained refusals until disabled.
    counts_quota: whether a window that is used up rests its mode (strategy `quota`).
    tier_rest_sec: where no quota is counted, how long a limit without a hint rests.
    """

    default_rest_sec: float = 900.0
    max_rest_sec: float = 7.0 * DAY
    probe_interval_sec: float = 900.0
    strikes: int = 3
    counts_quota: bool = True
    tier_rest_sec: Mapping[Tier, float] = {}


class Attempt(msgspec.Struct, frozen=True):
    """One attempt that has ended: in `mode`, at `now`.

    hint: seconds that the upstream asked to wait. said: the problem in words; code: its stable word, if it has one.
    leased_at: when it began; its end says nothing about a rest or a doubt that began later than that.
    """

    mode: str
    now: float
    hint: float | None = None
    said: str = ""
    leased_at: float | None = None
    code: str = ""

    def began_before(self, time: float) -> bool:
        """Whether it was under way already at `time`."""
        return self.leased_at is not None and self.leased_at <= time


class Pause(msgspec.Struct, frozen=True):
    """What a transition demands of the mode, or of the `whole` account.

    length: fixed seconds instead of the hint. probe: seconds between probes instead of the policy's.
    empties: the window is 0 of 0 from now on. reason: for people.
    """

    whole: bool = False
    length: float | None = None
    probe: float | None = None
    empties: bool = False
    reason: str = "limited by the upstream"


Holdings = tuple[Mapping[str, Rest], Mapping[str, Window]]


def rest_for(
    seconds: float, now: float, policy: Policy, reason: str, *, probe: float | None = None, count: int = 0
) -> Rest:
    """A rest of so many seconds from `now`, within bounds; with probes when it is longer than the time between two."""
    length = min(max(SHORTEST_SEC, seconds), policy.max_rest_sec)
    every = policy.probe_interval_sec if probe is None else probe
    return Rest(
        until=now + length, since=now, probe_at=now + every if length > every else None, count=count, reason=reason
    )


def healed(account: Account, attempt: Attempt) -> Mapping[str, Rest]:
    """The rests that a success leaves: it ends those of its mode and of the account, and limits in a row."""
    return {key: rest for key, rest in account.rests.items() if not _ended(key, rest, attempt)}


def _ended(key: str, rest: Rest, attempt: Attempt) -> bool:
    return key in (attempt.mode, WHOLE) and not attempt.began_before(rest.since)


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
        rests = {**rests, mode: rest_for(resets_at - now, now, policy, "quota used up")}
    return rests, {**account.windows, mode: window}


def paused(account: Account, pause: Pause, attempt: Attempt, policy: Policy) -> Holdings:
    """Rests and windows after a limit. Where quota counts, a limit without a hint means that the window is used up."""
    key = WHOLE if pause.whole else attempt.mode
    window = None if pause.whole else account.windows.get(attempt.mode)
    before = account.rests.get(key)
    count = _in_a_row(before, pause, attempt)
    seconds = _length(account.tier, pause, window, attempt, policy, count)
    rest = rest_for(seconds, attempt.now, policy, pause.reason, probe=pause.probe, count=count)
    if before is not None and attempt.began_before(before.since) and before.until > rest.until:
        rest = before  # the answer is older than the rest: it may lengthen it, not shorten it
    rests = {**account.rests, key: rest}
    if window is None or not (pause.empties or (attempt.hint is None and policy.counts_quota)):
        return rests, account.windows
    total = 0 if pause.empties else window.total
    emptied = Window(0, total, window.window_sec, rest.until, Source.ESTIMATED)
    return rests, {**account.windows, attempt.mode: emptied}


def _in_a_row(before: Rest | None, pause: Pause, attempt: Attempt) -> int:
    """How many limits in a row gave no time. Attempts that ran side by side met the same limit, which is one."""
    if attempt.hint is not None or pause.length is not None:
        return 0
    if before is None:
        return 1
    return max(1, before.count) if attempt.began_before(before.since) else before.count + 1


def _length(tier: Tier, pause: Pause, window: Window | None, attempt: Attempt, policy: Policy, count: int) -> float:
    if pause.length is not None:
        return max(pause.length, attempt.hint or 0.0)
    if attempt.hint is not None:
        return attempt.hint
    if tier in policy.tier_rest_sec and not policy.counts_quota:
        return policy.tier_rest_sec[tier]
    if policy.counts_quota and window is not None and window.resets_at is not None and window.resets_at > attempt.now:
        return window.resets_at - attempt.now
    return float(policy.default_rest_sec * 2 ** min(count - 1, _MOST_DOUBLINGS))


def awake(account: Account, now: float) -> Account:
    """The account as the pool goes on with it at `now`: windows whose time has passed are full.

    A rest that is over is remembered for as long as it lasted: a limit that comes again in that time is one in a row.
    """
    rests, windows = account.rests, account.windows
    if not rests and windows is DEFAULT_WINDOWS[account.tier]:
        return account
    if any(_forgotten(rest, now) for rest in rests.values()):
        rests = {key: rest for key, rest in rests.items() if not _forgotten(rest, now)}
    if any(window.resets_at is not None and window.resets_at <= now for window in windows.values()):
        windows = {mode: window.refilled(now) for mode, window in windows.items()}
    if rests is account.rests and windows is account.windows:
        return account
    return msgspec.structs.replace(account, rests=rests, windows=windows)


def _forgotten(rest: Rest, now: float) -> bool:
    return now >= 2 * rest.until - rest.since


def probing(account: Account, mode: str, now: float, policy: Policy) -> Account:
    """The account while one attempt finds out whether its rest is over: the next may come an interval later."""
    rests = {
        key: msgspec.structs.replace(rest, probe_at=now + policy.probe_interval_sec)
        if key in (mode, WHOLE) and rest.probe_at is not None
        else rest
        for key, rest in account.rests.items()
    }
    return msgspec.structs.replace(account, rests=rests)
