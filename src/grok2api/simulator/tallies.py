"""How an answer about quota can look beside the usual way, as a table: older forms, and members that are not there.

Pure. A change is made to the answer of `/rest/rate-limits` or `/v1/usage`; other answers stay as they are.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from grok2api.simulator.delivery import Delivery, Head, Write

_Tally = dict[str, Any]


class Tally(msgspec.Struct, frozen=True):
    """One look of an answer about quota. `change` is made to each count in it."""

    name: str
    says: str
    change: Callable[[_Tally], _Tally]


def _without(*names: str) -> Callable[[_Tally], _Tally]:
    return lambda tally: {name: value for name, value in tally.items() if name not in names}


def _in_tokens(tally: _Tally) -> _Tally:
    left, total = tally.get("remainingQueries"), tally.get("totalQueries")
    if left is None or total is None:
        return tally
    efforts = {"cost": 1, "remainingQueries": left, "waitTimeSeconds": 0}
    others = {"lowEffortRateLimits": efforts, "highEffortRateLimits": {**efforts, "cost": 4}}
    seconds = tally["windowSizeSeconds"]
    return {"windowSizeSeconds": seconds, "remainingTokens": left, "totalTokens": total, **others}


def _in_words(tally: _Tally) -> _Tally:
    moment = tally.get("last_consumed_at")
    if not isinstance(moment, int):
        return tally
    return {**tally, "last_consumed_at": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


TALLIES = (
    Tally("no-remaining", "does not say how much is left", _without("remainingQueries", "remaining", "used")),
    Tally("no-total", "does not say of how much", _without("totalQueries", "limit")),
    Tally("no-window", "does not say how long the window is (grok.com)", _without("windowSizeSeconds")),
    Tally("token-quota", "counts tokens, with limits by effort, as it did in older times (grok.com)", _in_tokens),
    Tally("iso-time", "tells times as text (console)", _in_words),
)


def changed(delivery: Delivery, tally: Tally) -> Delivery:
    """The answer with this look; anything that is no answer about quota as it is."""
    try:
        value = msgspec.json.decode(delivery.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return delivery
    if isinstance(value, dict) and "quotas" in value:
        value["quotas"] = [tally.change(row) for row in value["quotas"]]
    elif isinstance(value, dict) and "windowSizeSeconds" in value:
        value = tally.change(value)
    else:
        return delivery
    return msgspec.structs.replace(delivery, steps=(Head(), Write(msgspec.json.encode(value))))
