"""A lane: the accounts of one tier as they stand to one mode, kept in order so that nobody scans them.

Pure data structure. Slots that may serve are on a shelf, and those with a tag that somebody prefers on one more; those
that come back by themselves are by time, and those that may be probed by another. What a lane keeps of a slot is a byte
and a few numbers in flat arrays: a hundred thousand accounts are no hundred thousand objects a mode.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import msgspec

from grok2api.accounts.model import Account
from grok2api.accounts.selection import Reason, Standing
from grok2api.accounts.times import NOWHERE, Times, reach
from grok2api.catalog import Tier

#: Slots woken by one request at most: a whole pool whose windows reset together is spread over requests.
WAKE_LIMIT = 16

_REASONS: tuple[Reason | None, ...] = (None, *Reason)
_CODES = {reason: code for code, reason in enumerate(_REASONS)}
_ABSENT, _READY = 0, _CODES[Reason.READY]


class Slot(msgspec.Struct, eq=False, gc=False):
    """An account in the pool, with what is true of it only while this process runs.

    number: its place in the arrays of its tier; negative when it is in none. turn: the number of the last lease.
    probes: the modes in which a probe is in flight.
    """

    account: Account
    number: int = NOWHERE
    inflight: int = 0
    turn: int = 0
    probes: tuple[str, ...] = ()


class Shelf:
    """Slots in no order; each is put on and taken off in constant time."""

    __slots__ = ("_places", "slots")

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self._places = array("i")

    def __len__(self) -> int:
        return len(self.slots)

    def __contains__(self, slot: Slot) -> bool:
        return slot.number < len(self._places) and self._places[slot.number] != NOWHERE

    def put(self, slot: Slot) -> None:
        """Put it on, if it is not there."""
        reach(self._places, slot.number)
        if self._places[slot.number] == NOWHERE:
            self._places[slot.number] = len(self.slots)
            self.slots.append(slot)

    def fill(self, slots: Sequence[Slot]) -> None:
        """Put slots on that were never here and whose numbers follow each other."""
        reach(self._places, slots[0].number - 1)
        self._places.extend(range(len(self.slots), len(self.slots) + len(slots)))
        self.slots.extend(slots)

    def take(self, slot: Slot) -> None:
        """Take it off, if it is there; the last one gets its place."""
        if slot not in self:
            return
        place, last = self._places[slot.number], self.slots.pop()
        if last is not slot:
            self.slots[place] = last
            self._places[last.number] = place
        self._places[slot.number] = NOWHERE


class Lane:
    """The slots of one (tier, mode). `roster` finds a slot by its number. `tagged`: shelves by preferred tag."""

    __slots__ = ("_codes", "_probes", "_returns", "_roster", "counts", "mode", "ready", "size", "tagged", "tier")

    def __init__(self, tier: Tier, mode: str, roster: Sequence[Slot | None]) -> None:
        self.tier = tier
        self.mode = mode
        self.ready = Shelf()
        self.tagged: dict[str, Shelf] = {}
        self.counts: Counter[Reason] = Counter()
        self.size = 0
        self._roster = roster
        self._codes = bytearray()
        self._returns = Times()
        self._probes = Times()

    def reason(self, slot: Slot) -> Reason | None:
        """How a slot stands; `None` when it is not in this lane."""
        return _REASONS[self._codes[slot.number]] if 0 <= slot.number < len(self._codes) else None

    def put(self, slot: Slot, standing: Standing | None) -> None:
        """Move a slot to where its standing belongs; `None` takes it out of the lane."""
        missing = slot.number + 1 - len(self._codes)
        if missing > 0:
            self._codes.extend(bytes(missing))
        before = self._codes[slot.number]
        after = _ABSENT if standing is None else _CODES[standing.reason]
        if before != after:
            self._move(slot, before, after)
        if standing is not None and (standing.until is not None or standing.probe_at is not None):
            self._returns.put(slot.number, standing.until)
            self._probes.put(slot.number, standing.probe_at)
        elif before > _READY:
            self._returns.put(slot.number, None)
            self._probes.put(slot.number, None)

    def _move(self, slot: Slot, before: int, after: int) -> None:
        old, new = _REASONS[before], _REASONS[after]
        self._codes[slot.number] = after
        if old is None:
            self.size += 1
        else:
            self.counts[old] -= 1
        if new is None:
            self.size -= 1
        else:
            self.counts[new] += 1
        if before == _READY:
            self.ready.take(slot)
            for shelf in self.tagged.values():
                shelf.take(slot)
        if after == _READY:
            self.ready.put(slot)
            self.retag(slot)

    def fill(self, slots: Sequence[Slot]) -> None:
        """Let slots in that were never here, may all serve, and have the numbers that come next."""
        self._codes.extend(bytes(slots[0].number - len(self._codes)))
        self._codes.extend(bytes((_READY,)) * len(slots))
        self.size += len(slots)
        self.counts[Reason.READY] += len(slots)
        self.ready.fill(slots)
        if self.tagged:
            for slot in slots:
                self.retag(slot)

    def retag(self, slot: Slot) -> None:
        """Put a slot that may serve on the shelves of its tags, and off the others."""
        if self.tagged and slot in self.ready:
            for tag, shelf in self.tagged.items():
                (shelf.put if tag in slot.account.tags else shelf.take)(slot)

    def due(self, now: float) -> Iterator[Slot]:
        """Slots whose time has come; the caller puts each where it belongs now before it asks for the next."""
        for _ in range(WAKE_LIMIT):
            first = self._returns.first()
            if first is None or first[0] > now:
                return
            yield self._slot(first[1])

    def probe(self, now: float, without: Collection[str]) -> Slot | None:
        """The slot whose probe has been due longest, and is not in `without`."""
        passed: list[tuple[float, int]] = []
        found = None
        while (first := self._probes.first()) is not None and first[0] <= now:
            slot = self._slot(first[1])
            if slot.account.id not in without:
                found = slot
                break
            passed.append(first)
            self._probes.put(first[1], None)
        for time, number in passed:
            self._probes.put(number, time)
        return found

    def first_return(self) -> float | None:
        """When the first of the resting accounts is back."""
        first = self._returns.first()
        return None if first is None else first[0]

    def _slot(self, number: int) -> Slot:
        slot = self._roster[number]
        assert slot is not None, "a number in a lane has a slot"
        return slot
