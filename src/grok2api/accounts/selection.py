"""Which account is chosen: who may serve a mode now, and what each choice costs.

Pure. `standing` says whether an account may serve a mode and, if not, why and until when; `choose` picks
from those that may. Both strategies keep the in-flight cap (P13); `quota` weighs what is left, `random`
takes the least recently used of a few at random, which is unpredictable and fair at once (P7).
"""

import random
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol, TypeVar

import msgspec

from grok2api.accounts.model import WHOLE, Account, State

Strategy = Literal["quota", "random"]

#: Up to this many candidates are all compared; of more, a sample: the best of a few at random is as fair over
#: time, and costs the same for thirty accounts and for a hundred thousand (P9).
EXACT = 16
SAMPLE = 8
_RANDOM_SAMPLE = 4

_INFLIGHT_COST = 20.0
_QUOTA_COST = 50.0
_HEALTH_COST = 100.0
#: Ill health is half forgotten after this long without an error; else a poor account never got a second chance.
_HEALTH_HALF_LIFE_SEC = 300.0


class Reason(StrEnum):
    """How an account stands to a mode. The words appear in refusals and traces."""

    READY = "ready"
    RESTING = "resting"
    AT_CAPACITY = "at capacity"
    SUSPECT = "suspect"
    EXPIRED = "expired"
    DISABLED = "disabled"


class Standing(msgspec.Struct, frozen=True, gc=False):
    """How an account stands to a mode: why it may not serve, until when, and when a probe may be tried."""

    reason: Reason
    until: float | None = None
    probe_at: float | None = None


READY = Standing(Reason.READY)
_FULL = Standing(Reason.AT_CAPACITY)
_CLOSED: Mapping[State, Standing] = {
    State.EXPIRED: Standing(Reason.EXPIRED),
    State.DISABLED: Standing(Reason.DISABLED),
}


def standing(account: Account, mode: str, inflight: int, probes: Collection[str], now: float, cap: int) -> Standing:
    """How `account` stands to `mode`; `probes` are the modes in which a probe of it is in flight."""
    closed = _CLOSED.get(account.state)
    if closed is not None:
        return closed
    if account.rests:
        resting = _resting(account, mode, inflight < cap, probes, now)
        if resting is not None:
            return resting
    if inflight >= cap:
        return _FULL
    if account.state is State.SUSPECT:
        return Standing(Reason.SUSPECT, None, None if probes else 0.0)
    return READY


def _resting(account: Account, mode: str, has_room: bool, probes: Collection[str], now: float) -> Standing | None:
    found = [rest for key in (WHOLE, mode) if (rest := account.rests.get(key)) is not None and rest.until > now]
    if not found:
        return None
    until = max(rest.until for rest in found)
    whole = WHOLE in account.rests and account.rests[WHOLE].until > now
    if not has_room or mode in probes or (probes and (whole or account.state is State.SUSPECT)):
        return Standing(Reason.RESTING, until)
    times = [rest.probe_at for rest in found if rest.probe_at is not None]
    return Standing(Reason.RESTING, until, max(times) if len(times) == len(found) else None)


class Candidate(Protocol):
    """An account as the pool holds it: `turn` is the number of its last lease."""

    account: Account
    inflight: int
    turn: int


C = TypeVar("C", bound=Candidate)


class Price(NamedTuple):
    """What makes it dear to use an account next."""

    load: float
    quota: float
    health: float

    @property
    def total(self) -> float:
        return self.load + self.quota + self.health


def price(candidate: Candidate, mode: str, now: float) -> Price:
    """The terms of the cost: its load, the share of its quota that is gone, its ill health."""
    account, inflight = candidate.account, candidate.inflight
    return Price(_INFLIGHT_COST * inflight, _gone(account, mode, inflight, now), _illness(account, now))


def cost(candidate: Candidate, mode: str, now: float) -> float:
    """How dear it is to use this account next: the sum of its price, without making one."""
    account, inflight = candidate.account, candidate.inflight
    total = _INFLIGHT_COST * inflight + _gone(account, mode, inflight, now)
    return total + _illness(account, now) if account.health < 1.0 else total


def _gone(account: Account, mode: str, inflight: int, now: float) -> float:
    window = account.windows.get(mode)
    if window is None or (window.resets_at is not None and window.resets_at <= now):
        return 0.0
    gone = window.total - window.remaining + inflight
    return _QUOTA_COST * gone / window.total if gone < window.total else _QUOTA_COST


def _illness(account: Account, now: float) -> float:
    age = max(0.0, now - (account.last_error_at or 0.0))
    return _HEALTH_COST * (1.0 - account.health) * float(0.5 ** (age / _HEALTH_HALF_LIFE_SEC))


def choose(
    ready: Sequence[C], mode: str, strategy: Strategy, without: Collection[str], now: float, rng: random.Random
) -> C | None:
    """The best of `ready` whose account is not in `without`; `None` when there is no other."""
    pool: Sequence[C] = ready
    size = len(ready)
    if strategy == "random":
        pool = _sample(ready, _RANDOM_SAMPLE, rng) if size > _RANDOM_SAMPLE else ready
    elif size > EXACT:
        pool = _sample(ready, SAMPLE, rng)
    best = _best(pool, mode, strategy, without, now)
    if best is None and pool is not ready:
        return next((candidate for candidate in ready if candidate.account.id not in without), None)
    return best


def _sample(ready: Sequence[C], count: int, rng: random.Random) -> list[C]:
    size, draw = len(ready), rng.random
    return [ready[int(draw() * size)] for _ in range(count)]


def _best(pool: Sequence[C], mode: str, strategy: Strategy, without: Collection[str], now: float) -> C | None:
    best, lowest, weighs = None, float("inf"), strategy == "quota"
    for candidate in pool:
        if without and candidate.account.id in without:
            continue
        dear = cost(candidate, mode, now) if weighs else 0.0
        if best is None or dear < lowest or (dear == lowest and candidate.turn < best.turn):
            best, lowest = candidate, dear
    return best
