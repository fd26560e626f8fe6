"""What one worker tells the others about an account, and how they take it in.

Pure. `told` is the difference that serving made, small and free of secrets; `heard` merges it into what another worker
knows. Counts are differences and add up, whatever the order. Of rests the newest wins, an end counts only for the
rest that it ended. A state that only the operator leaves wins over one that serves, and what the operator decided later
(a higher `revision`) over both.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.accounts.lifecycle import HEALTH_FLOOR, STRIKE_GAP_SEC
from grok2api.accounts.model import Account, Rest, Source, State, Window
from grok2api.catalog import Tier

_CLOSED = frozenset({State.EXPIRED, State.DISABLED})


class Spent(msgspec.Struct, frozen=True, omit_defaults=True):
    """So many calls of a window, which then resets at that time."""

    calls: int
    resets_at: float | None = None


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """A state that was reached from `was`."""

    was: State
    state: State
    reason: str = ""


class Slip(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last error, and when it was; empty when it was forgiven."""

    said: str = ""
    at: float | None = None


class News(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an account until `at`, by the worker that says so. Absent means unchanged.

    windows: as the upstream told them; all of them when the tier changed. spent: calls by mode. rests: new ones.
    probed: those whose next probe moved. over: the rests that ended, by when they began. health, uses, fails:
    differences. struck: new strikes. pardoned: strikes up to this time are forgiven.
    """

    id: str
    at: float
    revision: int = 0
    turn: Turn | None = None
    tier: Tier | None = None
    windows: Mapping[str, Window] = {}
    spent: Mapping[str, Spent] = {}
    rests: Mapping[str, Rest] = {}
    probed: Mapping[str, Rest] = {}
    over: Mapping[str, float] = {}
    health: float = 0.0
    struck: tuple[float, ...] = ()
    pardoned: float | None = None
    uses: int = 0
    fails: int = 0
    used_at: float | None = None
    slip: Slip | None = None
    user_id: str | None = None


def told(before: Account, after: Account, at: float) -> News | None:
    """What there is to tell when `before` became `after` here; `None` when it is nothing."""
    moved = after.tier is not before.tier
    windows, spent = (after.windows, {}) if moved else _windows(before, after, at)
    rests, probed, over = _rests(before.rests, after.rests)
    uses = after.use_count - before.use_count
    lives = after.state is not before.state or (uses > 0 and after.state is State.ACTIVE)
    erred = (after.last_error, after.last_error_at) != (before.last_error, before.last_error_at)
    news = News(
        id=after.id,
        at=at,
        revision=after.revision,
        turn=Turn(before.state, after.state, after.state_reason) if lives else None,
        tier=after.tier if moved else None,
        windows=windows,
        spent=spent,
        rests=rests,
        probed=probed,
        over=over,
        health=after.health - before.health,
        struck=tuple(time for time in after.strikes if time not in before.strikes),
        pardoned=max((time for time in before.strikes if time not in after.strikes), default=None),
        uses=uses,
        fails=after.fail_count - before.fail_count,
        used_at=after.last_used_at if after.last_used_at != before.last_used_at else None,
        slip=Slip(after.last_error, after.last_error_at) if erred else None,
        user_id=after.user_id if after.user_id != before.user_id else None,
    )
    return None if news == News(id=after.id, at=at, revision=after.revision) else news


def heard(known: Account, news: News) -> Account:
    """What another worker knows of the account after the news."""
    state, reason = _state(known, news)
    later = news.revision < known.revision  # the operator has decided since: what he left stands
    moves = news.tier is not None and not later
    return msgspec.structs.replace(
        known,
        state=state,
        state_reason=reason,
        tier=news.tier if moves and news.tier is not None else known.tier,
        windows=news.windows if moves else _taken(known.windows, news),
        rests=known.rests if later else _rested(known.rests, news),
        health=min(1.0, max(HEALTH_FLOOR, known.health + news.health)),
        strikes=known.strikes if later else _struck(known.strikes, news),
        use_count=known.use_count + news.uses,
        fail_count=known.fail_count + news.fails,
        last_used_at=max(known.last_used_at or 0.0, news.used_at or 0.0) or None,
        user_id=news.user_id or known.user_id,
        **({} if later else _slip(known, news)),
    )


def _windows(before: Account, after: Account, at: float) -> tuple[dict[str, Window], dict[str, Spent]]:
    windows: dict[str, Window] = {}
    spent: dict[str, Spent] = {}
    for mode, window in after.windows.items():
        known = before.windows.get(mode)
        if window is known or window == known:
            continue
        calls = None if known is None else _calls(known.refilled(at), window)
        if calls is None:
            windows[mode] = window
        else:
            spent[mode] = Spent(calls, window.resets_at)
    return windows, spent


def _calls(before: Window, after: Window) -> int | None:
    """How many calls make the one window the other; `None` when something else happened to it."""
    same = (before.total, before.window_sec, _guessed(before)) == (after.total, after.window_sec, after.source)
    goes_on = before.resets_at is None or before.resets_at == after.resets_at
    calls = before.remaining - after.remaining
    return calls if same and goes_on and calls >= 0 else None


def _guessed(window: Window) -> Source:
    """Where the numbers of a window come from when calls were counted since."""
    return Source.ESTIMATED if window.source is Source.REAL else window.source


def _taken(known: Mapping[str, Window], news: News) -> Mapping[str, Window]:
    if not news.windows and not news.spent:
        return known
    windows = {**known, **news.windows}
    for mode, spent in news.spent.items():
        window = windows.get(mode)
        if window is None:
            continue
        window = window.refilled(news.at)
        windows[mode] = Window(
            max(0, window.remaining - spent.calls),
            window.total,
            window.window_sec,
            window.resets_at if window.resets_at is not None else spent.resets_at,
            _guessed(window),
        )
    return windows


def _rests(
    before: Mapping[str, Rest], after: Mapping[str, Rest]
) -> tuple[dict[str, Rest], dict[str, Rest], dict[str, float]]:
    """New rests, those that were only probed, and when those began that are over."""
    new: dict[str, Rest] = {}
    probed: dict[str, Rest] = {}
    if before is after:
        return new, probed, {}
    for key, rest in after.items():
        known = before.get(key)
        if rest == known:
            continue
        kept = known is not None and (known.since, known.until) == (rest.since, rest.until)
        (probed if kept else new)[key] = rest
    return new, probed, {key: rest.since for key, rest in before.items() if key not in after}


def _rested(known: Mapping[str, Rest], news: News) -> Mapping[str, Rest]:
    if not news.rests and not news.probed and not news.over:
        return known
    rests = {key: rest for key, rest in known.items() if rest.since > news.over.get(key, rest.since - 1.0)}
    for key, rest in news.rests.items():
        mine = rests.get(key)
        if mine is None or mine.since <= rest.since:
            rests[key] = rest
    for key, rest in news.probed.items():
        if key in rests and rests[key].since == rest.since:
            rests[key] = rest
    return rests


def _struck(known: tuple[float, ...], news: News) -> tuple[float, ...]:
    """The strikes of both; two that are close together are one, whoever saw them."""
    strikes = [time for time in known if news.pardoned is None or time > news.pardoned]
    for time in news.struck:
        if all(abs(time - other) >= STRIKE_GAP_SEC for other in strikes):
            strikes.append(time)
    return tuple(sorted(strikes))


def _state(known: Account, news: News) -> tuple[State, str]:
    kept = known.state, known.state_reason
    turn = news.turn
    if turn is None or news.revision < known.revision:
        return kept
    if known.state in _CLOSED:
        newer = turn.was is known.state
    else:
        newer = turn.state in _CLOSED or news.at >= (known.last_used_at or 0.0)
    return (turn.state, turn.reason) if newer else kept


def _slip(known: Account, news: News) -> dict[str, Any]:
    """The last error of both, as fields."""
    slip = news.slip
    if slip is None or (slip.at if slip.at is not None else news.at) < (known.last_error_at or 0.0):
        return {}
    return {"last_error": slip.said, "last_error_at": slip.at}
