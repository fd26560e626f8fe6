"""What the upstream's own counts mean for an account: windows, tier, and an end of rests.

Pure. Whoever asks the upstream hands the numbers here. A question that failed is not handed here at all:
it says nothing about the account (P4).
"""

from collections.abc import Mapping

import msgspec

from grok2api.accounts.model import DAY, Account, Source, State, Window
from grok2api.accounts.resting import Policy, rest_for
from grok2api.catalog import LOWEST_FIRST, Tier

_BASIC_FAST = 30


class Told(msgspec.Struct, frozen=True):
    """The upstream's answer about one mode: `remaining` of `total` calls in a window of `window_sec`."""

    remaining: int
    total: int
    window_sec: int


def learn(account: Account, mode: str, told: Told, now: float, policy: Policy) -> Account:
    """The account after the upstream told its quota of `mode`.

    Fresh quota ends the mode's rest (P2), strikes, and a doubt about the session; none left rests the mode until
    the window ends. The upstream tells no reset time, so `now + window_sec` is taken, or an earlier one known.
    A basic account's `fast` is 30 a day whatever the upstream says.
    """
    if account.tier is Tier.BASIC and mode == "fast":
        told = Told(min(told.remaining, _BASIC_FAST), _BASIC_FAST, DAY)
    known = account.windows.get(mode)
    resets_at = now + told.window_sec
    if known is not None and known.resets_at is not None and known.resets_at > now:
        resets_at = min(resets_at, known.resets_at)
    begun = resets_at if told.remaining < told.total else None
    rests = {key: rest for key, rest in account.rests.items() if key != mode}
    if told.remaining <= 0 and policy.counts_quota:
        before = account.rests.get(mode)
        if before is None or before.until <= now:
            before = rest_for(resets_at - now, now, policy, "quota used up")
        rests[mode] = before
    suspect = account.state is State.SUSPECT
    window = Window(max(0, told.remaining), told.total, told.window_sec, begun, Source.REAL)
    return msgspec.structs.replace(
        account,
        windows={**account.windows, mode: window},
        rests=rests,
        strikes=(),
        state=State.ACTIVE if suspect else account.state,
        state_reason="" if suspect else account.state_reason,
    )


#: Tier by the total of a mode; unlisted totals say nothing.
_TIER_TOTALS: Mapping[str, Mapping[int, Tier]] = {
    "auto": {150: Tier.HEAVY, 50: Tier.SUPER, 20: Tier.BASIC, 7: Tier.BASIC},
    "fast": {400: Tier.HEAVY, 140: Tier.SUPER, 30: Tier.BASIC},
}


def infer_tier(totals: Mapping[str, int]) -> Tier:
    """The tier that these totals by mode speak for; the lowest when they contradict or say nothing."""
    signs = [tier for mode, tiers in _TIER_TOTALS.items() if (tier := tiers.get(totals.get(mode, -1))) is not None]
    if totals.get("heavy", 0) > 0:
        signs.append(Tier.HEAVY)
    return min(signs, key=LOWEST_FIRST.index, default=Tier.BASIC)
