"""The pool: hands out leases on accounts and settles each exactly once.

It holds every account in memory and decides without I/O: acquiring and settling are synchronous, so nothing
can come between them but the attempt itself. Where there are other workers, what was acquired is theirs to agree to
(`sharing`), and is withdrawn when they have no room. What has to happen afterwards (write, ask for quota) goes to
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
from grok2api.accounts.explain import Explanation, explain, why, why_not, why_not_this
from grok2api.accounts.lanes import Lane, Slot
from grok2api.accounts.leases import Lease, Need
from grok2api.accounts.lifecycle import Effect, Exhausted, Outcome, Persist, outcome_of, settle
from grok2api.accounts.model import Account, State
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.resting import Attempt, probing
from grok2api.accounts.seating import Seating
from grok2api.accounts.selection import Reason, choose
from grok2api.accounts.sharing import FULL_SEC, TRIES, Sharing, probe_name
from grok2api.accounts.sticky import Sticky
from grok2api.canonical.problem import Problem, Refusal
from grok2api.catalog import Tier

#: At most one lease in so many is a probe while others could serve.
PROBE_EVERY = 20
#: How a probe is called in traces.
PROBE = "probe"

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
        sharing: Sharing | None = None,
    ) -> None:
        self.sharing = sharing
        self._options = options
        self._now = now
        self._rng = rng
        self._sink = sink
        self._seen = options()
        self._policy = self._seen.policy
        self._seats = Seating(self._seen)
        self._sticky = Sticky()
        self._turn = 0
        self._probed_at_turn = -PROBE_EVERY
        self._in_flight = 0
        self.add_many(accounts)

    # --- leases

    def lease(self, need: Need, *, without: Collection[str] = ()) -> "Leasing":
        """A lease on the best account; settled when the context ends, however it ends."""
        return Leasing(self, need, without)

    def acquire(self, need: Need, without: Collection[str]) -> "Held":
        """Choose and take an account. Raises `Refusal` with kind NO_ACCOUNT."""
        now = self._now()
        self._follow_options(now)
        if need.only is not None:
            return self._take_only(need, need.only, now)
        passed: list[Lane] = []
        for mode in need.modes:
            slot = self._preferred(need, mode, without, now)
            if slot is not None:
                return self._take(slot, mode, need, "sticky", passed, now)
            for lane in self._seats.lanes(need.tiers, mode):
                if not lane.size:
                    continue
                slot, how = self._pick(lane, need.prefer, without, now)
                if slot is not None:
                    return self._take(slot, mode, need, how, passed, now)
                passed.append(lane)
        self._sink((Exhausted(need.modes),))
        raise Refusal(why_not(need, passed, without, now))

    def _preferred(self, need: Need, mode: str, without: Collection[str], now: float) -> Slot | None:
        """The account that the conversation used before, if it can serve now."""
        used = self._sticky.get(need.sticky, now) if need.sticky is not None else None
        for ident in (need.before, used):
            slot = self._seats.get(ident) if ident is not None else None
            if slot is None or slot.account.tier not in need.tiers or slot.account.id in without:
                continue
            if self._is_ready(slot, mode, now):
                return slot
        return None

    def _is_ready(self, slot: Slot, mode: str, now: float) -> bool:
        lane = self._seats.lane(slot.account.tier, mode)
        if lane is None:
            return False
        if slot not in lane.ready:
            self._seats.wake(slot, now)
        return slot in lane.ready

    def _take_only(self, need: Need, ident: str, now: float) -> "Held":
        slot = self._seats.get(ident)
        for mode in need.modes:
            if slot is not None and self._is_ready(slot, mode, now):
                return self._take(slot, mode, need, "the only one that will do", [], now)
        raise Refusal(why_not_this(slot, ident, need, now, self._seen.max_inflight))

    def refuses(self, need: Need) -> Problem | None:
        """Why `lease` would be refused now; nothing is taken to find out."""
        return None if self.ready(need) else why_not(need, self._lanes(need), (), self._now())

    def ready(self, need: Need) -> bool:
        """Whether `lease` would find an account now; nothing is taken to find out."""
        now = self._now()
        self._follow_options(now)
        for lane in self._lanes(need):
            for slot in lane.due(now):
                self._seats.wake(slot, now)
            if lane.ready or lane.probe(now, ()) is not None:
                return True
        return False

    def _lanes(self, need: Need) -> list[Lane]:
        return [lane for mode in need.modes for lane in self._seats.lanes(need.tiers, mode) if lane.size]

    def _pick(self, lane: Lane, prefer: str | None, without: Collection[str], now: float) -> tuple[Slot | None, str]:
        for slot in lane.due(now):
            self._seats.wake(slot, now)
        may_probe = self._turn - self._probed_at_turn >= PROBE_EVERY
        probe = lane.probe(now, without) if may_probe or not lane.ready else None
        if probe is not None:
            return probe, PROBE
        found, how = self._choose(lane, prefer, without, now)
        if found is not None:
            return found, how
        return lane.probe(now, without), PROBE

    def _choose(self, lane: Lane, prefer: str | None, without: Collection[str], now: float) -> tuple[Slot | None, str]:
        """The best of those that may serve; of those with the preferred tag, when there are any."""
        strategy = self._seen.strategy
        shelf = lane.tagged.get(prefer) if prefer is not None else None
        if shelf:
            slot = choose(shelf.slots, lane.mode, strategy, without, now, self._rng)
            if slot is not None:
                return slot, f"{strategy}, tag {prefer}"
        return choose(lane.ready.slots, lane.mode, strategy, without, now, self._rng), strategy

    def _take(self, slot: Slot, mode: str, need: Need, how: str, passed: list[Lane], now: float) -> "Held":
        lane = self._seats.lane(slot.account.tier, mode)
        assert lane is not None, "a slot is taken from a lane"
        trace = why(slot, lane, how, passed)
        probe = how == PROBE
        self._turn += 1
        slot.turn = self._turn
        self._in_flight += 1
        moved = self._seats.count(slot, 1)
        if probe:
            self._probed_at_turn = self._turn
            slot.probes = (*slot.probes, mode)
            before, slot.account = slot.account, probing(slot.account, mode, now, self._policy)
            self._changed(before, slot.account)
        if probe or moved:
            self._seats.place(slot, now)
        if need.sticky is not None:
            self._sticky.keep(need.sticky, slot.account.id, now + self._seen.sticky_ttl_sec)
        account = slot.account
        return Held(slot, Lease(account.credential, mode, account.tier, trace), need.sticky, now, probe)

    def release(self, held: "Held") -> None:
        """End a lease: once, however the attempt ended."""
        slot, lease = held.slot, held.lease
        moved = self._seats.count(slot, -1)
        self._in_flight -= 1
        if held.probe:
            slot.probes = _without(slot.probes, lease.mode)
        before = slot.account
        if self._seats.get(before.id) is not slot:
            return
        now = self._now()
        outcome = outcome_of(lease.success, lease.problem)
        account, effects = settle(before, outcome, _attempt(lease, held.leased_at, now), self._policy)
        self._seats.hold(slot, account)
        self._changed(before, account)
        if held.probe or moved or account.state is not before.state or account.rests is not before.rests:
            self._seats.place(slot, now)
        if held.sticky is not None and outcome not in _GOOD_ENOUGH:
            self._sticky.drop(held.sticky, account.id)
        if effects:
            self._sink(effects)

    def withdraw(self, held: "Held", *, full: bool) -> None:
        """Undo a lease whose attempt never began; `full`: because the other workers have no room for it."""
        slot = held.slot
        moved = self._seats.count(slot, -1)
        self._in_flight -= 1
        if held.probe:
            slot.probes = _without(slot.probes, held.lease.mode)
        now = self._now()
        if full:
            self._seats.full(slot, now + FULL_SEC, now)
        elif slot.number >= 0 and (held.probe or moved):
            self._seats.place(slot, now)

    @property
    def cap(self) -> int:
        """Most leases at once on one account."""
        return self._seen.max_inflight

    def refusal(self, need: Need, without: Collection[str]) -> Problem:
        """Why there is no lease although an account was found."""
        return why_not(need, self._lanes(need), without, self._now())

    # --- accounts

    def add(self, account: Account) -> None:
        """Take an account in; one that is here already is replaced."""
        self._seats.seat(account, self._now())

    def add_many(self, accounts: Iterable[Account]) -> None:
        """Take accounts in, at a fraction of the cost of one by one."""
        self._seats.fill(accounts, self._now())

    def replace(self, account: Account) -> None:
        """Put `account` where the one with its id was; leases on it go on and are settled on the new one."""
        self._seats.seat(account, self._now())

    def remove(self, ident: str) -> bool:
        """Forget an account; leases on it go on and end without a trace."""
        return self._seats.unseat(ident)

    def change(self, ident: str, how: Callable[[Account], Account]) -> Account | None:
        """Replace an account by `how` of it and have it written; `None` when it is not here."""
        slot = self._seats.get(ident)
        if slot is None:
            return None
        before = slot.account
        account = how(before)
        if account != before:
            self.replace(account)
            self._changed(before, account)
            uses, fails = account.use_count - before.use_count, account.fail_count - before.fail_count
            self._sink((Persist(ident, uses, fails),))
        return account

    def enable(self, ident: str) -> Account | None:
        """Let an account work again and forget what was held against it."""
        return self.change(ident, lifecycle.enabled)

    def disable(self, ident: str, reason: str = "by the operator") -> Account | None:
        """Take an account out; leases on it go on."""
        return self.change(ident, lambda account: lifecycle.disabled(account, reason))

    def get(self, ident: str) -> Account | None:
        slot = self._seats.get(ident)
        return None if slot is None else slot.account

    def list(self) -> tuple[Account, ...]:
        """Every account. Nothing that runs once a request may ask for it."""
        return tuple(slot.account for slot in self._seats)

    def idents(self) -> tuple[str, ...]:
        """The ids of all accounts."""
        return self._seats.idents()

    def in_flight(self, ident: str) -> int:
        """The leases that are out on one account."""
        slot = self._seats.get(ident)
        return 0 if slot is None else slot.inflight

    def explain(self, ident: str) -> Explanation | None:
        """What one account can do now and why not more; `None` when it is not here."""
        slot = self._seats.get(ident)
        if slot is None:
            return None
        now = self._now()
        return explain(slot, now, self._options(), self._sticky.held_by(ident, now))

    def serves(self, tiers: Collection[Tier], mode: str) -> bool:
        """Whether an account exists that may ever serve this."""
        return any(
            lane.size > sum(lane.counts[reason] for reason in _CLOSED) for lane in self._seats.lanes(tiers, mode)
        )

    def census(self, tier: Tier | None = None) -> Census:
        """Counts by state, of one tier or of all. They are kept as accounts change, so that asking costs nothing."""
        now = self._now()
        sections = [section for section in self._seats.sections.values() if tier is None or section.tier is tier]
        states: Counter[State] = Counter()
        for section in sections:
            states.update(section.states)
        return Census(
            total=states.total(),
            active=states[State.ACTIVE],
            suspect=states[State.SUSPECT],
            expired=states[State.EXPIRED],
            disabled=states[State.DISABLED],
            resting=sum(section.resting(now) for section in sections),
            in_flight=self._in_flight,
        )

    def __len__(self) -> int:
        return len(self._seats)

    def __repr__(self) -> str:
        census = self.census()
        states = ", ".join(f"{number} {state}" for state in State if (number := getattr(census, state.value)))
        return f"<AccountPool {census.total} accounts: {states or 'none'}; {census.in_flight} in flight>"

    def _changed(self, before: Account, after: Account) -> None:
        if self.sharing is not None and after is not before:
            self.sharing.changed(before, after)

    def _follow_options(self, now: float) -> None:
        """Apply options that changed; what they mean for many accounts is done a slice at a time."""
        options = self._options()
        if options is not self._seen:
            self._seen, self._policy = options, options.policy
            self._seats.follow(options, now)
        if self._seats.behind:
            self._seats.catch_up()


def _without(modes: tuple[str, ...], mode: str) -> tuple[str, ...]:
    place = modes.index(mode)
    return (*modes[:place], *modes[place + 1 :])


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
        sharing = self._pool.sharing
        if sharing is None:
            self._held = self._pool.acquire(self._need, self._without)
        else:
            self._held = await self._agreed(sharing)
        return self._held.lease

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._pool.release(held)
            if self._pool.sharing is not None:
                _give(self._pool.sharing, held)

    async def _agreed(self, sharing: Sharing) -> "Held":
        """A lease that the other workers have room for, on the first account of which that is true."""
        for _ in range(TRIES):
            held = self._pool.acquire(self._need, self._without)
            try:
                room = await _room(sharing, held, self._pool.cap)
            except BaseException:
                self._pool.withdraw(held, full=False)
                raise
            if room:
                return held
            self._pool.withdraw(held, full=True)
        raise Refusal(self._pool.refusal(self._need, self._without))


async def _room(sharing: Sharing, held: Held, cap: int) -> bool:
    """Whether there is room over all workers for this lease; if there is, it is taken."""
    ident = held.lease.credential.account_id
    if not held.probe:
        return await sharing.take(ident, cap)
    if not await sharing.take(probe_name(ident), 1):
        return False
    room = False
    try:
        room = await sharing.take(ident, cap)
    finally:
        if not room:
            sharing.give(probe_name(ident))
    return room


def _give(sharing: Sharing, held: Held) -> None:
    ident = held.lease.credential.account_id
    sharing.give(ident)
    if held.probe:
        sharing.give(probe_name(ident))
