"""Where every account of the pool sits: by id, and in the lanes of its tier.

No I/O, no clock. Counts are kept as accounts move, so that nobody has to go through them; what depends on the options
is applied to the few accounts that it concerns, or a slice at a time.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from grok2api.accounts.lanes import Lane, Shelf, Slot
from grok2api.accounts.model import Account, State, slim
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.resting import awake
from grok2api.accounts.selection import READY, Reason, Standing, standing
from grok2api.accounts.times import Times
from grok2api.catalog import TIER_MODES, Tier

#: Accounts whose tags are looked at for one request, after the preferred tags have changed.
_SLICE = 500
#: How a slot stands that could serve, were it not full over all workers.
_COULD_SERVE = (Reason.READY, Reason.SUSPECT)
#: Rests that are over and are taken out of the count by one look at it.
_ENDED_LIMIT = 1000


class Section:
    """The accounts of one tier."""

    __slots__ = ("_free", "_rests", "_roster", "lanes", "states", "tier")

    def __init__(self, tier: Tier) -> None:
        self.tier = tier
        self._roster: list[Slot | None] = []
        self._free: list[int] = []
        self._rests = Times()
        self.lanes: Mapping[str, Lane] = {mode: Lane(tier, mode, self._roster) for mode in sorted(TIER_MODES[tier])}
        self.states: Counter[State] = Counter()

    def enter(self, slot: Slot) -> None:
        """Give a slot its number; `place` puts it into lanes."""
        if self._free:
            slot.number = self._free.pop()
            self._roster[slot.number] = slot
        else:
            slot.number = len(self._roster)
            self._roster.append(slot)
        self.states[slot.account.state] += 1

    def fill(self, slots: Sequence[Slot]) -> None:
        """Let in slots that are new and may serve every mode: at once, which is much cheaper than one by one."""
        for number, slot in enumerate(slots, len(self._roster)):
            slot.number = number
        self._roster.extend(slots)
        self.states[State.ACTIVE] += len(slots)
        for lane in self.lanes.values():
            lane.fill(slots)

    def leave(self, slot: Slot) -> None:
        """Take a slot out of every lane; its number is free for the next."""
        for lane in self.lanes.values():
            lane.put(slot, None)
        self.states[slot.account.state] -= 1
        self._rests.put(slot.number, None)
        self._roster[slot.number] = None
        self._free.append(slot.number)
        slot.number = -1

    def place(self, slot: Slot, now: float, cap: int, full_until: float) -> None:
        """Put a slot where it belongs now, in every lane."""
        account = slot.account
        rests = account.rests
        self._rests.put(slot.number, max(rest.until for rest in rests.values()) if rests else None)
        if slot.inflight < cap and full_until <= now and _is_plain(account):
            for lane in self.lanes.values():
                lane.put(slot, READY)
            return
        for mode, lane in self.lanes.items():
            place = standing(account, mode, slot.inflight, slot.probes, now, cap)
            if full_until > now and place.reason in _COULD_SERVE:
                place = Standing(Reason.AT_CAPACITY, full_until)
            lane.put(slot, place)

    def resting(self, now: float) -> int:
        """How many accounts rest in some mode. Rests that ended by thousands at once are counted a little longer."""
        for _ in range(_ENDED_LIMIT):
            first = self._rests.first()
            if first is None or first[0] > now:
                break
            self._rests.put(first[1], None)
        return len(self._rests)


class Seating:
    """All sections. Every change of an account goes through `hold`, `seat` or `unseat`."""

    def __init__(self, options: PoolOptions) -> None:
        self.sections: Mapping[Tier, Section] = {tier: Section(tier) for tier in TIER_MODES}
        self._slots: dict[str, Slot] = {}
        self._left: dict[str, Slot] = {}
        self._busy: set[Slot] = set()
        self._full: dict[Slot, float] = {}
        self._cap = options.max_inflight
        self._tags: frozenset[str] = frozenset()
        self._untagged: Iterator[Slot] = iter(())
        self.behind = False
        self._prefer(options.preferred_tags)

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots.values())

    def idents(self) -> tuple[str, ...]:
        """The ids of all accounts at this moment."""
        return tuple(self._slots)

    def get(self, ident: str) -> Slot | None:
        return self._slots.get(ident)

    def lane(self, tier: Tier, mode: str) -> Lane | None:
        """The lane of a tier and a mode, if that tier has that mode."""
        return self.sections[tier].lanes.get(mode)

    def lanes(self, tiers: Collection[Tier], mode: str) -> Iterator[Lane]:
        """The lanes of a mode in these tiers."""
        for tier in tiers:
            lane = self.sections[tier].lanes.get(mode)
            if lane is not None:
                yield lane

    # --- accounts

    def seat(self, account: Account, now: float) -> Slot:
        """Take a new account in, or put it where the one with its id was."""
        slot = self._slots.get(account.id)
        account = awake(slim(account), now)
        if slot is None:
            slot = self._slots[account.id] = self._left.pop(account.id) if account.id in self._left else Slot(account)
            slot.account = account
            self.sections[account.tier].enter(slot)
            if slot.inflight:
                self._busy.add(slot)
        elif slot.account.tier is not account.tier:
            self.sections[slot.account.tier].leave(slot)
            slot.account = account
            self.sections[account.tier].enter(slot)
        else:
            tags = slot.account.tags
            self.hold(slot, account)
            if tags != account.tags:
                self._retag(slot)
        self.place(slot, now)
        return slot

    def fill(self, accounts: Iterable[Account], now: float) -> None:
        """Take in many accounts."""
        plain: dict[Tier, list[Slot]] = {tier: [] for tier in self.sections}
        for account in accounts:
            account = slim(account)
            if account.id in self._slots or account.id in self._left or not _is_plain(account):
                self.seat(account, now)
                continue
            slot = self._slots[account.id] = Slot(awake(account, now))
            plain[account.tier].append(slot)
        for tier, slots in plain.items():
            if slots:
                self.sections[tier].fill(slots)

    def unseat(self, ident: str) -> bool:
        """Forget an account; one that comes back while leases are out on it finds them counted."""
        slot = self._slots.pop(ident, None)
        if slot is None:
            return False
        self.sections[slot.account.tier].leave(slot)
        self._busy.discard(slot)
        self._full.pop(slot, None)
        if slot.inflight:
            self._left[ident] = slot
        return True

    def hold(self, slot: Slot, account: Account) -> None:
        """Let a slot hold what has become of its account; the tier is the same."""
        before = slot.account.state
        if before is not account.state:
            states = self.sections[account.tier].states
            states[before] -= 1
            states[account.state] += 1
        slot.account = account

    def wake(self, slot: Slot, now: float) -> None:
        """A time that concerns this slot has come."""
        slot.account = awake(slot.account, now)
        self.place(slot, now)

    def place(self, slot: Slot, now: float) -> None:
        full_until = self._full.get(slot, 0.0) if self._full else 0.0
        if full_until and full_until <= now:
            del self._full[slot]
        self.sections[slot.account.tier].place(slot, now, self._cap, full_until)

    def full(self, slot: Slot, until: float, now: float) -> None:
        """Other workers have no room for a lease on this one; it counts as full until then, or until one ends here."""
        if slot.number >= 0:
            self._full[slot] = until
            self.place(slot, now)

    def count(self, slot: Slot, leases: int) -> bool:
        """One lease more or less; whether the slot stands differently because of it."""
        was_full = slot.inflight >= self._cap
        slot.inflight += leases
        if slot.number < 0:
            if not slot.inflight:
                self._left.pop(slot.account.id, None)
            return False
        (self._busy.add if slot.inflight else self._busy.discard)(slot)
        room = leases < 0 and bool(self._full) and self._full.pop(slot, None) is not None
        return room or was_full != (slot.inflight >= self._cap)

    # --- options

    def follow(self, options: PoolOptions, now: float) -> None:
        """Apply options that changed: a cap concerns only accounts with leases on them, tags are taken up in slices."""
        if options.max_inflight != self._cap:
            self._cap = options.max_inflight
            for slot in self._busy:
                self.place(slot, now)
        if options.preferred_tags != self._tags:
            self._prefer(options.preferred_tags)

    def _prefer(self, tags: frozenset[str]) -> None:
        fresh = tags - self._tags
        self._tags = tags
        for section in self.sections.values():
            for lane in section.lanes.values():
                lane.tagged = {tag: lane.tagged.get(tag) or Shelf() for tag in tags}
        if fresh:
            self._untagged = iter(list(self._slots.values()))
            self.behind = bool(self._slots)

    def catch_up(self) -> None:
        """Put a slice of the accounts on the shelves of tags that are newly preferred; `behind` until all are there."""
        some = list(islice(self._untagged, _SLICE))
        for slot in some:
            if slot.account.tags and slot.number >= 0:
                self._retag(slot)
        self.behind = len(some) == _SLICE

    def _retag(self, slot: Slot) -> None:
        for lane in self.sections[slot.account.tier].lanes.values():
            lane.retag(slot)


def _is_plain(account: Account) -> bool:
    """Whether it may serve all that its tier may."""
    return not account.rests and account.state is State.ACTIVE
