"""What outcomes do to accounts: one table, and `settle`, which reads it.

Pure. An attempt ends in a `Problem` or in success; `OUTCOMES` says what that means for the account that
was used, `TRANSITIONS` what the account becomes. Whose fault it was decides everything: a caller's bad
request, a moderated prompt or a client that left changes nothing; a challenge page or a connection that was
not answered is the fault of the way there (P3); a rate limit rests one mode only (P1). What must be done next
is returned as values.

Health is a number in 0.05..1 that `selection` weighs: failures multiply it, successes add 0.12.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from grok2api.accounts.model import DAY, HOUR, Account, State
from grok2api.accounts.resting import Attempt, Holdings, Pause, Policy, healed, paused, spent
from grok2api.canonical.problem import Kind as Cause
from grok2api.canonical.problem import Problem
from grok2api.catalog import WEB_MODES

HEAL = 0.12
HEALTH_FLOOR = 0.05
#: Refusals closer together than this are one strike: a burst of parallel requests must not disable an account.
STRIKE_GAP_SEC = 60.0
#: An account that answered within this time is not doubted because of a question about its quota.
LATELY_SEC = float(HOUR)


class Outcome(StrEnum):
    """What an attempt did to its lease."""

    OK = "ok"
    CANCELLED = "cancelled"  # the client left
    BLAMELESS = "blameless"  # the caller's fault, ours, or the way there: nothing about the account
    SPENT = "spent"  # an answer came that cannot be used; it cost quota all the same
    TROUBLED = "troubled"  # the upstream failed; a mild doubt about the account
    RATE_LIMITED = "rate_limited"
    ACCOUNT_LIMITED = "account_limited"
    UNAUTHORIZED = "unauthorized"
    CREDENTIAL = "credential"
    BLOCKED = "blocked"
    MODE_REFUSED = "mode_refused"
    FORBIDDEN = "forbidden"
    OUT_OF_CREDITS = "out_of_credits"


OUTCOMES: Mapping[Cause, Outcome] = {
    Cause.INVALID:          Outcome.BLAMELESS,
    Cause.MODEL_NOT_FOUND:  Outcome.BLAMELESS,
    Cause.NOT_FOUND:        Outcome.BLAMELESS,
    Cause.METHOD:           Outcome.BLAMELESS,
    Cause.UPGRADE:          Outcome.BLAMELESS,
    Cause.CONFLICT:         Outcome.BLAMELESS,
    Cause.TOO_LARGE:        Outcome.BLAMELESS,
    Cause.MEDIA_TYPE:       Outcome.BLAMELESS,
    Cause.UNAUTHENTICATED:  Outcome.BLAMELESS,
    Cause.REFUSED:          Outcome.BLAMELESS,
    Cause.NO_ACCOUNT:       Outcome.BLAMELESS,
    Cause.RATE_LIMITED:     Outcome.RATE_LIMITED,
    Cause.ACCOUNT_LIMITED:  Outcome.ACCOUNT_LIMITED,
    Cause.UNAUTHORIZED:     Outcome.UNAUTHORIZED,
    Cause.CREDENTIAL:       Outcome.CREDENTIAL,
    Cause.BLOCKED:          Outcome.BLOCKED,
    Cause.MODE_REFUSED:     Outcome.MODE_REFUSED,
    Cause.FORBIDDEN:        Outcome.FORBIDDEN,
    Cause.OUT_OF_CREDITS:   Outcome.OUT_OF_CREDITS,
    Cause.CHALLENGE:        Outcome.BLAMELESS,
    Cause.UNREACHABLE:      Outcome.BLAMELESS,
    Cause.UPSTREAM_DOWN:    Outcome.TROUBLED,
    Cause.TIMEOUT:          Outcome.TROUBLED,
    Cause.EMPTY:            Outcome.TROUBLED,
    Cause.CUT:              Outcome.TROUBLED,
    Cause.UPSTREAM:         Outcome.TROUBLED,
    Cause.UPSTREAM_INVALID: Outcome.BLAMELESS,
    Cause.CALL_MISSING:     Outcome.SPENT,
    Cause.CALL_BROKEN:      Outcome.SPENT,
    Cause.FORMAT_BROKEN:    Outcome.SPENT,
    Cause.DRAINING:         Outcome.BLAMELESS,
    Cause.UNAVAILABLE:      Outcome.BLAMELESS,
    Cause.INTERNAL:         Outcome.BLAMELESS,
}  # fmt: skip


#: Problems whose code says more than their kind: what the upstream demands of the configuration, not of the account.
OUTCOMES_BY_CODE: Mapping[str, Outcome] = {"dpop_required": Outcome.BLAMELESS}


def outcome_of(success: bool, problem: Problem | None) -> Outcome:
    """What the holder of a lease reported; saying nothing means that the client left."""
    if problem is not None:
        return OUTCOMES_BY_CODE.get(problem.code) or OUTCOMES[problem.kind]
    return Outcome.OK if success else Outcome.CANCELLED


class RefreshQuota(msgspec.Struct, frozen=True):
    """Ask the upstream how much of `mode` the account has left."""

    account_id: str
    mode: str


class Persist(msgspec.Struct, frozen=True):
    """The account has changed and is to be written, some time soon. It has so many more uses and failures."""

    account_id: str
    uses: int = 0
    fails: int = 0


class Exhausted(msgspec.Struct, frozen=True):
    """Nobody can serve any of `modes` now."""

    modes: tuple[str, ...]


Effect = RefreshQuota | Persist | Exhausted


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of an account.

    reason: for the state. health: the factor. heals: rests, strikes and doubts end. spends: one call of the
    window. fails: counts as a failure. pause: what rests. strike: counts towards DISABLED.
    verify: ask the upstream whether the session still lives.
    """

    to: State
    reason: str = ""
    health: float = 1.0
    heals: bool = False
    spends: bool = False
    fails: bool = True
    pause: Pause | None = None
    strike: bool = False
    verify: bool = False


#: The rows that change nothing.
_STILL: Mapping[State, Next] = {state: Next(to=state, fails=False) for state in State}

_ACTIVE, _SUSPECT, _EXPIRED, _DISABLED = State.ACTIVE, State.SUSPECT, State.EXPIRED, State.DISABLED

_REFUSED = Pause(length=float(DAY), probe=6.0 * HOUR, empties=True, reason="refused by the upstream")
_UNPAID = Pause(length=float(DAY), probe=float(HOUR), reason="no credits left")
_OK = Next(to=_ACTIVE, heals=True, spends=True, fails=False)
_DEAD = Next(to=_EXPIRED, reason="the upstream no longer accepts this session", health=0.55)
_BARRED = Next(to=_DISABLED, reason="the upstream blocked this account", health=0.25)
_TWICE = Next(to=_EXPIRED, reason="the upstream answered 401 twice", health=0.55)


def _usable(state: State, unauthorized: Next) -> dict[tuple[State, Outcome], Next]:
    """The rows of a state that serves; only a bare 401 tells ACTIVE and SUSPECT apart."""
    return {
        (state, Outcome.OK):              _OK,
        (state, Outcome.CANCELLED):       _STILL[state],
        (state, Outcome.BLAMELESS):       _STILL[state],
        (state, Outcome.SPENT):           Next(to=state, spends=True, fails=False),
        (state, Outcome.TROUBLED):        Next(to=state, health=0.75),
        (state, Outcome.RATE_LIMITED):    Next(to=state, health=0.45, pause=Pause()),
        (state, Outcome.ACCOUNT_LIMITED): Next(to=state, health=0.45, pause=Pause(whole=True)),
        (state, Outcome.UNAUTHORIZED):    unauthorized,
        (state, Outcome.CREDENTIAL):      _DEAD,
        (state, Outcome.BLOCKED):         _BARRED,
        (state, Outcome.MODE_REFUSED):    Next(to=state, pause=_REFUSED),
        (state, Outcome.FORBIDDEN):       Next(to=state, health=0.25, strike=True),
        (state, Outcome.OUT_OF_CREDITS):  Next(to=state, pause=_UNPAID),
    }  # fmt: skip


def _closed(state: State, **news: Next) -> dict[tuple[State, Outcome], Next]:
    """The rows of a state that only the operator leaves: late outcomes change nothing, unless `news` says so."""
    return {(state, outcome): news.get(outcome.value, _STILL[state]) for outcome in Outcome}


TRANSITIONS: Mapping[tuple[State, Outcome], Next] = {
    **_usable(_ACTIVE, unauthorized=Next(to=_SUSPECT, reason="one bare 401", health=0.55, verify=True)),
    **_usable(_SUSPECT, unauthorized=_TWICE),
    **_closed(_EXPIRED, blocked=_BARRED),
    **_closed(_DISABLED),
}


def settle(account: Account, outcome: Outcome, attempt: Attempt, policy: Policy) -> tuple[Account, tuple[Effect, ...]]:
    """The account after an attempt, and what has to be done about it."""
    step = TRANSITIONS[account.state, outcome]
    if step is _STILL[account.state] or (step is _TWICE and _same_doubt(account, attempt)):
        return account, ()
    rests, windows = _holdings(account, step, attempt, policy)
    strikes = _strikes(account.strikes, step, attempt.now)
    state, reason = step.to, account.state_reason if step.to is account.state else _reason(step, attempt)
    if step.strike and len(strikes) >= policy.strikes:
        state, reason = _DISABLED, f"refused {len(strikes)} times without an explanation"
    changed = msgspec.structs.replace(
        account,
        state=state,
        state_reason=reason,
        windows=windows,
        rests=rests,
        health=min(1.0, account.health + HEAL) if step.heals else max(HEALTH_FLOOR, account.health * step.health),
        strikes=strikes,
        use_count=account.use_count + step.spends,
        fail_count=account.fail_count + step.fails,
        last_used_at=attempt.now,
        last_error=attempt.said if step.fails else account.last_error,
        last_error_at=attempt.now if step.fails else account.last_error_at,
    )
    return changed, _effects(changed, step, attempt.mode, policy)


def _same_doubt(account: Account, attempt: Attempt) -> bool:
    """Whether a second bare 401 is of an attempt that ran beside the first: that is one doubt, not two."""
    return account.last_error_at is not None and (attempt.leased_at or attempt.now) < account.last_error_at


def _reason(step: Next, attempt: Attempt) -> str:
    return f"{step.reason} ({attempt.code})" if step.reason and attempt.code else step.reason


def _holdings(account: Account, step: Next, attempt: Attempt, policy: Policy) -> Holdings:
    if step.pause is not None:
        return paused(account, step.pause, attempt, policy)
    rests = healed(account, attempt) if step.heals and account.rests else account.rests
    return spent(account, rests, attempt, policy) if step.spends else (rests, account.windows)


def _strikes(strikes: tuple[float, ...], step: Next, now: float) -> tuple[float, ...]:
    if step.heals:
        return ()
    if step.strike and (not strikes or now - strikes[-1] >= STRIKE_GAP_SEC):
        return (*strikes, now)
    return strikes


def _effects(account: Account, step: Next, mode: str, policy: Policy) -> tuple[Effect, ...]:
    # The console is not asked after each use: it counts the same calls as the window here.
    asks = step.verify or (step.heals and policy.counts_quota and mode in WEB_MODES)
    persist = Persist(account.id, int(step.spends), int(step.fails))
    return (persist, RefreshQuota(account.id, mode)) if asks else (persist,)


#: What a refused question about quota says about the account. What is not here says nothing: no question that
#: fails takes a serving account out (P4), and only attempts count to the second 401.
QUESTIONED: Mapping[tuple[State, Outcome], Next] = {
    (_ACTIVE,  Outcome.UNAUTHORIZED): Next(to=_SUSPECT, reason="one bare 401 to a question about quota"),
    (_ACTIVE,  Outcome.CREDENTIAL):   _DEAD,
    (_ACTIVE,  Outcome.BLOCKED):      _BARRED,
    (_SUSPECT, Outcome.CREDENTIAL):   _DEAD,
    (_SUSPECT, Outcome.BLOCKED):      _BARRED,
    (_EXPIRED, Outcome.BLOCKED):      _BARRED,
}  # fmt: skip


def questioned(account: Account, problem: Problem, now: float) -> Account:
    """The account after the upstream refused to tell its quota."""
    step = QUESTIONED.get((account.state, outcome_of(False, problem)))
    if step is None or (step.to is _SUSPECT and _answered_lately(account, now)):
        return account
    said = f"{problem.kind}: {problem.message}"
    return msgspec.structs.replace(account, state=step.to, state_reason=step.reason, last_error=said, last_error_at=now)


def _answered_lately(account: Account, now: float) -> bool:
    """Whether its last attempt succeeded, not long ago."""
    used, failed = account.last_used_at, account.last_error_at
    return used is not None and now - used < LATELY_SEC and (failed is None or failed < used)


def enabled(account: Account) -> Account:
    """The account as the operator restores it: active, and everything held against it forgotten."""
    return msgspec.structs.replace(
        account, state=_ACTIVE, state_reason="", rests={}, strikes=(), health=1.0, last_error="", last_error_at=None
    )


def disabled(account: Account, reason: str = "by the operator") -> Account:
    """The account as the operator takes it out."""
    return msgspec.structs.replace(account, state=_DISABLED, state_reason=reason)
