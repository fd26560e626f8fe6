"""A lane: the accounts of one tier as they stand to one mode, kept in order so that nobody scans them.

Pure data structure. Ready seats are in an array (swap-remove); those that come back by themselves are in a
heap by time, and those that may be probed in another. Heap entries are not removed when a seat changes: its
`version` moves on and the entry is stale, thrown away when it comes up or when the heap is mostly stale.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterator

from grok2api.accounts.model import Account
from grok2api.accounts.selection import Reason, Standing
from grok2api.catalog import Tier

_UNPLACED = -1
#: Seats woken by one request at most: a whole pool whose windows reset together is spread over requests.
_WAKE_LIMIT = 64


class Slot:
    """An account in the pool, with what is true of it only while this process runs.

    probes: the modes in which a probe is in flight. turn: the number of the last lease.
    """

    __slots__ = ("account", "inflight", "probes", "seats", "turn")

    def __init__(self, account: Account) -> None:
        self.account = account
        self.inflight = 0
        self.turn = 0
        self.probes: list[str] = []
        self.seats: dict[str, Seat] = {}


class Seat:
    """One slot's place in one lane."""

    __slots__ = ("place", "slot", "standing", "version")

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.standing: Standing | None = None
        self.place = _UNPLACED
        self.version = 0


_Heap = list[tuple[float, int, Seat]]


class Lane:
    """The seats of one (tier, mode). `ready` holds the slots that may serve now."""

    __slots__ = ("_clock", "_probes", "_returns", "counts", "mode", "ready", "size", "tier")

    def __init__(self, tier: Tier, mode: str) -> None:
        self.tier = tier
        self.mode = mode
        self.ready: list[Slot] = []
        self.counts: Counter[Reason] = Counter()
        self.size = 0
        self._returns: _Heap = []
        self._probes: _Heap = []
        self._clock = 0

    def put(self, seat: Seat, standing: Standing | None) -> None:
        """Move a seat to where its standing belongs; `None` takes it out of the lane."""
        before = seat.standing
        if standing == before:
            return
        if before is None:
            self.size += 1
        else:
            self.counts[before.reason] -= 1
            if before.reason is Reason.READY:
                self._unready(seat)
        self._clock += 1
        seat.version, seat.standing = self._clock, standing
        if standing is None:
            self.size -= 1
        else:
            self._enter(seat, standing)

    def _enter(self, seat: Seat, standing: Standing) -> None:
        self.counts[standing.reason] += 1
        if standing.reason is Reason.READY:
            seat.place = len(self.ready)
            self.ready.append(seat.slot)
        if standing.until is not None:
            self._push(self._returns, standing.until, seat)
        if standing.probe_at is not None:
            self._push(self._probes, standing.probe_at, seat)

    def _unready(self, seat: Seat) -> None:
        last = self.ready.pop()
        if last is not seat.slot:
            self.ready[seat.place] = last
            last.seats[self.mode].place = seat.place
        seat.place = _UNPLACED

    def _push(self, heap: _Heap, time: float, seat: Seat) -> None:
        if len(heap) > 64 + 2 * self.size:
            heap[:] = [entry for entry in heap if entry[2].version == entry[1]]
            heapq.heapify(heap)
        heapq.heappush(heap, (time, seat.version, seat))

    def due(self, now: float) -> Iterator[Seat]:
        """Seats whose time has come; the caller puts each where it belongs now."""
        for _ in range(_WAKE_LIMIT):
            first = self._first(self._returns)
            if first is None or first[0] > now:
                return
            heapq.heappop(self._returns)
            yield first[2]

    def probe(self, now: float, without: Collection[str]) -> Slot | None:
        """The slot whose probe has been due longest, and is not in `without`."""
        passed: _Heap = []
        found = None
        while (first := self._first(self._probes)) is not None and first[0] <= now:
            if first[2].slot.account.id not in without:
                found = first[2].slot
                break
            passed.append(heapq.heappop(self._probes))
        for entry in passed:
            heapq.heappush(self._probes, entry)
        return found

    def first_return(self) -> float | None:
        """When the first of the resting accounts is back."""
        first = self._first(self._returns)
        return None if first is None else first[0]

    @staticmethod
    def _first(heap: _Heap) -> tuple[float, int, Seat] | None:
        while heap and heap[0][2].version != heap[0][1]:
            heapq.heappop(heap)
        return heap[0] if heap else None
