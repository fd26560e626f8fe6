"""The pool: hands out leases on accounts and settles each exactly once.

It holds every account in memory and decides without I/O: acquiring and settling are synchronous, so nothing
can come between them but the attempt itself. What has to happen afterwards (write, ask for quota) goes to
`sink` as values. Accounts are kept in one lane for each tier and mode, so that choosing neither scans nor
copies the pool (P9); `selection` chooses, `lifecycle` settles, `explain` finds the words.

A probe, half-open, is one attempt on an account that rests long or is suspect. It is made when nobody else
can serve, and else for one lease in `PROBE_EVERY`, so that accounts come back early without costing much.
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from types import TracebackType

import msgspec

from grok2api.accounts import lifecycle
from grok2api.accounts.explain import why, why_not
from grok2api.accounts.lanes import Lane, Seat, Slot
from grok2api.accounts.leases import Lease, Need
from grok2api.accounts.lifecycle import Effect, Outcome, Persist, outcome_of, settle
from grok2api.accounts.model import Account, State
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.resting import Attempt, awake, probing
from grok2api.accounts.selection import Reason, choose, standing
from grok2api.accounts.sticky import Sticky
from grok2api.canonical.problem import Refusal
from grok2api.catalog import TIER_MODES, Tier

#: At most one lease in so many is a probe while others could serve.
PROBE_EVERY = 20

_GOOD_ENOUGH = frozenset({Outcome.OK, Outcome.CANCELLED, Outcome.BLAMELESS, Outcome.SPENT})
_CLOSED = (Reason.EXPIRED, Reason.DISABLED)


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """How many accounts are in each state, and how many leases are out."""

    total: int
    active: int
    suspect: int
    expired: int
    disabled: int
    resting: int
    in_flight: int


class AccountPool:
    """Accounts by id, in lanes. See `leases.Pool` for what the gateway may ask of it."""

    def __init__(
        self,
        accounts: Iterable[Account],
        options: Callable[[], PoolOptions],
        now: Callable[[], float],
        rng: random.Random,
        sink: Callable[[tuple[Effect, ...]], None],
    ) -> None:
        self._options = options
        self._now = now
        self._rng = rng
        self._sink = sink
        self._seen = options()
        self._policy = self._seen.policy
        self._slots: dict[str, Slot] = {}
        self._lanes = {(tier, mode): Lane(tier, mode) for tier, modes in TIER_MODES.items() for mode in sorted(modes)}
        self._sticky = Sticky()
        self._turn = 0
        self._probed_at_turn = -PROBE_EVERY
        self._in_flight = 0
        for account in accounts:
            self.add(account)

    # --- leases

    def lease(self, need: Need, *, without: Collection[str] = ()) -> "Leasing":
        """A lease on the best account; settled when the context ends, however it ends."""
        return Leasing(self, need, without)

    def acquire(self, need: Need, without: Collection[str]) -> "Held":
        """Choose and take an account. Raises `Refusal` with kind NO_ACCOUNT."""
        self._follow_options()
        now = self._now()
        passed: list[Lane] = []
        for mode in need.modes:
            slot = self._preferred(need, mode, without, now)
            if slot is not None:
                return self._take(slot, self._lanes[slot.account.tier, mode], need, "sticky", passed, now)
            for tier in need.tiers:
                lane = self._lanes.get((tier, mode))
                if lane is None or not lane.size:
                    continue
                slot, how = self._pick(lane, without, now)
                if slot is not None:
                    return self._take(slot, lane, need, how, passed, now)
                passed.append(lane)
        raise Refusal(why_not(need, passed, without, now))

    def _preferred(self, need: Need, mode: str, without: Collection[str], now: float) -> Slot | None:
        if need.sticky is None:
            return None
        ident = self._sticky.get(need.sticky, now)
        slot = self._slots.get(ident) if ident is not None else None
        if slot is None or slot.account.tier not in need.tiers or slot.account.id in without:
            return None
        seat = slot.seats.get(mode)
        if seat is None:
            return None
        self._place(slot, mode, now)
        return slot if seat.standing is not None and seat.standing.reason is Reason.READY else None

    def _pick(self, lane: Lane, without: Collection[str], now: float) -> tuple[Slot | None, str]:
        for seat in lane.due(now):
            self._wake(seat.slot, now)
        may_probe = self._turn - self._probed_at_turn >= PROBE_EVERY
        probe = lane.probe(now, without) if may_probe or not lane.ready else None
        if probe is not None:
            return probe, "probe"
        strategy = self._seen.strategy
        slot = choose(lane.ready, lane.mode, strategy, without, now, self._rng)
        if slot is not None:
            return slot, strategy
        return lane.probe(now, without), "probe"

    def _take(self, slot: Slot, lane: Lane, need: Need, how: str, passed: list[Lane], now: float) -> "Held":
        trace = why(slot, lane, how, passed)
        probe = how == "probe"
        self._turn += 1
        slot.turn = self._turn
        slot.inflight += 1
        self._in_flight += 1
        if probe:
            self._probed_at_turn = self._turn
            slot.probes.append(lane.mode)
            slot.account = probing(slot.account, lane.mode, now, self._policy)
        if probe or slot.inflight >= self._seen.max_inflight:
            self._place_all(slot, now)
        if need.sticky is not None:
            self._sticky.keep(need.sticky, slot.account.id, now + self._seen.sticky_ttl_sec)
        account = slot.account
        return Held(slot, Lease(account.credential, lane.mode, account.tier, trace), need.sticky, now, probe)

    def release(self, held: "Held") -> None:
        """End a lease: once, however the attempt ended."""
        slot, lease = held.slot, held.lease
        slot.inflight -= 1
        self._in_flight -= 1
        if held.probe:
            slot.probes.remove(lease.mode)
        before = slot.account
        if self._slots.get(before.id) is not slot:
            return
        now = self._now()
        outcome = outcome_of(lease.success, lease.problem)
        account, effects = settle(before, outcome, _attempt(lease, held.leased_at, now), self._policy)
        slot.account = account
        was_full = slot.inflight + 1 >= self._seen.max_inflight
        if held.probe or was_full or account.state is not before.state or account.rests is not before.rests:
            self._place_all(slot, now)
        if held.sticky is not None and outcome not in _GOOD_ENOUGH:
            self._sticky.drop(held.sticky, account.id)
        if effects:
            self._sink(effects)

    # --- accounts

    def add(self, account: Account) -> None:
        """Take an account in; one that is here already is replaced."""
        if account.id in self._slots:
            self.replace(account)
            return
        slot = self._slots[account.id] = Slot(account)
        self._seat(slot)
        self._wake(slot, self._now())

    def replace(self, account: Account) -> None:
        """Put `account` where the one with its id was; leases on it go on and are settled on the new one."""
        slot = self._slots[account.id]
        if account.tier is not slot.account.tier:
            self._unseat(slot)
            slot.account = account
            self._seat(slot)
        slot.account = account
        self._wake(slot, self._now())

    def remove(self, ident: str) -> bool:
        """Forget an account; leases on it go on and end without a trace."""
        slot = self._slots.pop(ident, None)
        if slot is None:
            return False
        self._unseat(slot)
        return True

    def change(self, ident: str, how: Callable[[Account], Account]) -> Account | None:
        """Replace an account by `how` of it and have it written; `None` when it is not here."""
        slot = self._slots.get(ident)
        if slot is None:
            return None
        account = how(slot.account)
        if account != slot.account:
            self.replace(account)
            self._sink((Persist(ident),))
        return account

    def enable(self, ident: str) -> Account | None:
        """Let an account work again and forget what was held against it."""
        return self.change(ident, lifecycle.enabled)

    def disable(self, ident: str, reason: str = "by the operator") -> Account | None:
        """Take an account out; leases on it go on."""
        return self.change(ident, lambda account: lifecycle.disabled(account, reason))

    def get(self, ident: str) -> Account | None:
        slot = self._slots.get(ident)
        return None if slot is None else slot.account

    def list(self) -> tuple[Account, ...]:
        return tuple(slot.account for slot in self._slots.values())

    def in_flight(self, ident: str) -> int:
        """The leases that are out on one account."""
        slot = self._slots.get(ident)
        return 0 if slot is None else slot.inflight

    def serves(self, tiers: Collection[Tier], mode: str) -> bool:
        """Whether an account exists that may ever serve this."""
        lanes = (self._lanes.get((tier, mode)) for tier in tiers)
        return any(lane.size > sum(lane.counts[reason] for reason in _CLOSED) for lane in lanes if lane is not None)

    def census(self) -> Census:
        """Counts by state."""
        now = self._now()
        accounts = self.list()
        states = Counter(account.state for account in accounts)
        resting = sum(any(rest.until > now for rest in account.rests.values()) for account in accounts)
        return Census(
            total=len(accounts),
            active=states[State.ACTIVE],
            suspect=states[State.SUSPECT],
            expired=states[State.EXPIRED],
            disabled=states[State.DISABLED],
            resting=resting,
            in_flight=self._in_flight,
        )

    def __len__(self) -> int:
        return len(self._slots)

    def __repr__(self) -> str:
        census = self.census()
        states = ", ".join(f"{number} {state}" for state in State if (number := getattr(census, state.value)))
        return f"<AccountPool {census.total} accounts: {states or 'none'}; {census.in_flight} in flight>"

    # --- lanes

    def _follow_options(self) -> None:
        """Apply options that changed: how everybody stands may depend on them."""
        options = self._options()
        if options is self._seen:
            return
        changed = options != self._seen
        self._seen, self._policy = options, options.policy
        if changed:
            now = self._now()
            for slot in self._slots.values():
                self._place_all(slot, now)

    def _seat(self, slot: Slot) -> None:
        slot.seats = {mode: Seat(slot) for mode in TIER_MODES[slot.account.tier]}

    def _unseat(self, slot: Slot) -> None:
        for mode, seat in slot.seats.items():
            self._lanes[slot.account.tier, mode].put(seat, None)
        slot.seats = {}

    def _wake(self, slot: Slot, now: float) -> None:
        slot.account = awake(slot.account, now)
        self._place_all(slot, now)

    def _place_all(self, slot: Slot, now: float) -> None:
        for mode in slot.seats:
            self._place(slot, mode, now)

    def _place(self, slot: Slot, mode: str, now: float) -> None:
        account = slot.account
        place = standing(account, mode, slot.inflight, slot.probes, now, self._seen.max_inflight)
        self._lanes[account.tier, mode].put(slot.seats[mode], place)


def _attempt(lease: Lease, leased_at: float, now: float) -> Attempt:
    problem = lease.problem
    if problem is None:
        return Attempt(lease.mode, now, leased_at=leased_at)
    said = f"{problem.kind}: {problem.message}"
    return Attempt(lease.mode, now, problem.retry_after, said, leased_at, problem.code)


class Held(msgspec.Struct, frozen=True):
    """A lease that is out, and what the pool must know to end it."""

    slot: Slot
    lease: Lease
    sticky: str | None
    leased_at: float
    probe: bool


class Leasing:
    """The context of one lease. Nothing is taken before it is entered, and leaving it gives everything back."""

    __slots__ = ("_held", "_need", "_pool", "_without")

    def __init__(self, pool: AccountPool, need: Need, without: Collection[str]) -> None:
        self._pool = pool
        self._need = need
        self._without = without
        self._held: Held | None = None

    async def __aenter__(self) -> Lease:
        self._held = self._pool.acquire(self._need, self._without)
        return self._held.lease

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._pool.release(held)
