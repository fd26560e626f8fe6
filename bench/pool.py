"""What choosing an account costs in a pool of very many, in every state at once, and what holding them costs.

The pool is the real one, filled as a pool is after weeks: most accounts ready with some quota gone, many resting, some
suspect, expired or disabled, a tenth with a tag that is preferred. The clock is the harness's own and moves on with
every lease, so that rests end, windows reset and probes come due while it is measured. What is measured is the time on
the processor: a single lease is so short that the turn of another process would be all that shows.
"""

import gc
import random
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from bench.stats import best, percentile, shown, table
from grok2api.accounts.leases import Need
from grok2api.accounts.model import WHOLE, Account, Kind, Rest, State, Window, new_account
from grok2api.accounts.options import PoolOptions
from grok2api.accounts.pool import AccountPool
from grok2api.accounts.selection import Strategy
from grok2api.canonical.problem import Kind as Cause
from grok2api.canonical.problem import Problem, Refusal
from grok2api.catalog import Tier

MANY = 100_000
START = 1_800_000_000.0
TAG = "vip"

_TIERS = ((Tier.BASIC, 0.6), (Tier.SUPER, 0.3), (Tier.HEAVY, 0.1))
_LIMITED = Problem(kind=Cause.RATE_LIMITED, message="", retry_after=3600.0)


def mixed(size: int = MANY, seed: int = 7) -> Iterator[Account]:
    """So many accounts, in every state."""
    rng = random.Random(seed)
    tiers = [tier for tier, share in _TIERS for _ in range(int(share * size))]
    for number, tier in enumerate(tiers):
        tags = (TAG,) if rng.random() < 0.1 else ()
        fresh = new_account(f"acc_{number:024x}", f"eyJ{number:0120x}", Kind.WEB, tier, START, tags=tags)
        yield _aged(fresh, rng)


def _aged(account: Account, rng: random.Random) -> Account:
    """The account after some time in service."""
    fate = rng.random()
    if fate < 0.1:
        return msgspec.structs.replace(account, state=State.EXPIRED, state_reason="the upstream answered 401 twice")
    if fate < 0.15:
        return msgspec.structs.replace(account, state=State.DISABLED, state_reason="by the operator")
    if fate < 0.17:
        return msgspec.structs.replace(account, state=State.SUSPECT, state_reason="one bare 401")
    windows = {mode: _used(window, rng) for mode, window in account.windows.items()} if fate < 0.6 else account.windows
    rests = {}
    if fate < 0.35:
        until = START + rng.uniform(1, 86_400)
        key = WHOLE if fate < 0.2 else rng.choice(sorted(account.windows))
        rests[key] = Rest(until, START - 60, START + rng.uniform(-600, 900) if until > START + 900 else None)
    return msgspec.structs.replace(account, windows=windows, rests=rests, health=rng.uniform(0.3, 1.0))


def _used(window: Window, rng: random.Random) -> Window:
    left = rng.randint(1, window.total)
    return Window(left, window.total, window.window_sec, START + rng.uniform(1, window.window_sec))


class Measured(NamedTuple):
    """Microseconds on the processor for one lease, taken and settled, and how many were refused."""

    p50: float
    p99: float
    longest: float
    refused: int


class _Clock:
    now = START


def measure(
    size: int, strategy: Strategy, *, tagged: bool = False, sticky: bool = False, leases: int = 20_000
) -> Measured:
    """Lease by lease in a mixed pool. One in twenty is limited; the clock moves 10 ms with each."""
    clock, rng, spent, refused = _Clock(), random.Random(3), [], 0
    pool = _pool(mixed(size), strategy, lambda: clock.now)
    needs = [
        Need(tiers=tiers, modes=modes, prefer=TAG if tagged else None, sticky=f"talk-{talk}" if sticky else None)
        for talk in range(500)
        for tiers, modes in (
            ((Tier.BASIC, Tier.SUPER, Tier.HEAVY), ("fast",)),
            ((Tier.SUPER,), ("auto", "fast", "expert")),
        )
    ]
    for turn in range(leases):
        clock.now += 0.01
        need, fails = needs[turn % len(needs)], rng.random() < 0.05
        began = time.thread_time()
        try:
            held = pool.acquire(need, ())
            if fails:
                held.lease.failed(_LIMITED)
            else:
                held.lease.succeeded()
            pool.release(held)
        except Refusal:
            refused += 1
        spent.append((time.thread_time() - began) * 1e6)
    return Measured(percentile(spent, 0.5), percentile(spent, 0.99), max(spent), refused)


_KINDS: tuple[tuple[str, Strategy, bool, bool], ...] = (
    ("quota", "quota", False, False),
    ("quota, a preferred tag", "quota", True, False),
    ("quota, conversations", "quota", False, True),
    ("random", "random", False, False),
    ("random, a preferred tag", "random", True, False),
    ("random, conversations", "random", False, True),
)
_SIZES = (1_000, MANY)


def leases_table() -> str:
    """One lease in a mixed pool, by how it is chosen."""
    rows = []
    for name, strategy, tagged, sticky in _KINDS:
        cells = [measure(size, strategy, tagged=tagged, sticky=sticky) for size in _SIZES]
        rows.append([name, *(shown(value) for cell in cells for value in (cell.p50, cell.p99, cell.longest))])
    head = ["", *(f"{size:,}: {what}" for size in _SIZES for what in ("p50", "p99", "longest"))]
    return table(head, rows)


def holding_table() -> str:
    """What filling a pool costs, in time and in memory."""
    rows = [_holding("fresh", list(_fresh(MANY))), _holding("mixed", list(mixed()))]
    return table(
        ["100,000 accounts", "in the pool (bytes each)", "filling the pool (s)", "counting by state (µs)"], rows
    )


def _holding(name: str, accounts: list[Account]) -> list[str]:
    tracemalloc.start()
    pool = _pool(accounts)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    counting = best(pool.census, time.thread_time, runs=5, least=0.002)
    del pool
    gc.collect()
    filling = best(lambda: _pool(accounts), time.thread_time, runs=3, least=0.0)
    return [name, shown(held / MANY), shown(filling), shown(counting * 1e6)]


def _pool(
    accounts: Iterable[Account], strategy: Strategy = "quota", now: Callable[[], float] = lambda: START
) -> AccountPool:
    options = PoolOptions(strategy=strategy, preferred_tags=frozenset({TAG}))
    return AccountPool(accounts, lambda: options, now, random.Random(5), lambda _: None)


def _fresh(size: int) -> Iterator[Account]:
    for number in range(size):
        yield new_account(f"acc_{number:024x}", f"eyJ{number:0120x}", Kind.WEB, Tier.SUPER, START)
