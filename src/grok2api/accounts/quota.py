"""What the upstream's own counts mean for an account: windows, tier, and an end of rests and doubts.

Pure. Whoever asks the upstream hands the numbers here. A question that failed is not handed here at all: what it
says, which is mostly nothing, is in `lifecycle.questioned` (P4).
"""

from collections.abc import Mapping

import msgspec

from grok2api.accounts.model import DAY, Account, Kind, Rest, Source, State, Window
from grok2api.accounts.resting import Policy, rest_for
from grok2api.catalog import LOWEST_FIRST, WEB_MODES, Tier
from grok2api.upstreams.base import Told

#: The modes whose totals tell the tier.
TELLING_MODES = ("auto", "fast", "heavy")

_BASIC_FAST = 30
#: A rest as short as this is the upstream's pacing. It is soon over, and what is left of a window says nothing of it.
_PACING_SEC = 60.0


def learn(
    account: Account, mode: str, told: Told, now: float, policy: Policy, asked_at: float | None = None
) -> Account:
    """The account after the upstream told its quota of `mode`, asked for at `asked_at`.

    Fresh quota ends strikes, the mode's rest (P2) and a doubt about the session, unless they are newer than the
    question; none left rests the mode until the window ends. The upstream tells no reset time, so a window is taken
    to begin with its last use, or now, or earlier when that is known. A basic account's `fast` is 30 a day whatever
    is told.
    """
    if account.tier is Tier.BASIC and mode == "fast":
        told = Told(min(told.remaining, _BASIC_FAST), _BASIC_FAST, DAY)
    resets_at = _end(told, account.windows.get(mode), now)
    window = Window(
        remaining=max(0, told.remaining),
        total=told.total,
        window_sec=told.window_sec,
        resets_at=resets_at if told.remaining < told.total else None,
        source=Source.REAL,
    )
    rests = {key: rest for key, rest in account.rests.items() if key != mode or _stands(rest, asked_at)}
    if told.remaining <= 0 and policy.counts_quota:
        before = account.rests.get(mode)
        if before is None or before.until <= now:
            before = rest_for(resets_at - now, now, policy, "quota used up")
        rests[mode] = before
    changed = msgspec.structs.replace(account, windows={**account.windows, mode: window}, rests=rests, strikes=())
    return alive(changed, asked_at)


def _end(told: Told, known: Window | None, now: float) -> float:
    """When the window that was told is over, at the latest."""
    ends = [now + told.window_sec]
    if told.used_at is not None:
        ends.append(told.used_at + told.window_sec)
    if known is not None and known.resets_at is not None:
        ends.append(known.resets_at)
    return min(end for end in ends if end > now)


def _stands(rest: Rest, asked_at: float | None) -> bool:
    """Whether fresh quota says nothing about this rest of its mode."""
    return rest.until - rest.since <= _PACING_SEC or (asked_at is not None and rest.since > asked_at)


def alive(account: Account, asked_at: float | None = None) -> Account:
    """The account after the upstream answered a question of its: a doubt older than the question is over.

    So is expiry: expired accounts are asked only when the operator wants it, and the session evidently lives.
    """
    doubted = account.state in (State.SUSPECT, State.EXPIRED)
    if not doubted or (asked_at is not None and (account.last_error_at or 0.0) > asked_at):
        return account
    return msgspec.structs.replace(account, state=State.ACTIVE, state_reason="")


def untold(account: Account, *, wholly: bool = False) -> bool:
    """Whether a window is still one that a tier is taken to have, or `wholly`, all of them: nobody ever told it."""
    if account.kind is Kind.API:
        return account.last_used_at is None
    defaults = [window.source is Source.DEFAULT for mode, window in account.windows.items() if mode in WEB_MODES]
    return all(defaults) if wholly else any(defaults)


def is_spent(account: Account, mode: str, now: float) -> bool:
    """Whether nothing is left of the mode, or it rests longer than a moment: fresh quota could help.

    It could not where there is none at all.
    """
    rest, window = account.rests.get(mode), account.windows.get(mode)
    if window is not None and window.total <= 0:
        return False
    if rest is not None and rest.until - now > _PACING_SEC:
        return True
    return window is not None and window.refilled(now).remaining <= 0


#: Tier by the total of a mode; unlisted totals say nothing.
_TIER_TOTALS: Mapping[str, Mapping[int, Tier]] = {
    "auto": {150: Tier.HEAVY, 50: Tier.SUPER, 20: Tier.BASIC, 7: Tier.BASIC, 0: Tier.BASIC},
    "fast": {400: Tier.HEAVY, 140: Tier.SUPER, 30: Tier.BASIC},
}


def told_tier(totals: Mapping[str, int]) -> Tier | None:
    """The tier that these totals by mode speak for, the lowest when they contradict; `None` when they say nothing."""
    signs = [tier for mode, tiers in _TIER_TOTALS.items() if (tier := tiers.get(totals.get(mode, -1))) is not None]
    if totals.get("heavy", 0) > 0:
        signs.append(Tier.HEAVY)
    return min(signs, key=LOWEST_FIRST.index, default=None)


def infer_tier(totals: Mapping[str, int]) -> Tier:
    """The tier that these totals by mode speak for; the lowest when they say nothing."""
    return told_tier(totals) or Tier.BASIC
