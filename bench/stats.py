"""Figures out of measurements: medians, percentiles, ratios of one interleaved run, and tables to show them.

Pure. A shared machine drifts, so ratios are taken within a round and only then their median.
"""

from collections.abc import Callable, Iterable, Sequence
from statistics import median


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values do not exceed. Raises `ValueError` when empty."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    rank = max(0, -int(-share * len(ordered) // 1) - 1)
    return ordered[min(rank, len(ordered) - 1)]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of the ratios round by round. Raises `ValueError` when the rounds differ in number or there are none."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def difference(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of the differences round by round."""
    return median(one - other for one, other in zip(ours, theirs, strict=True))


def best(work: Callable[[], object], clock: Callable[[], float], *, runs: int, least: float) -> float:
    """Seconds of one call: the fastest of `runs` timings, each of as many calls as take `least` seconds."""
    calls = 1
    while True:
        taken = _timed(work, clock, calls)
        if taken >= least or calls >= 1 << 20:
            break
        calls *= 2
    return min([taken, *(_timed(work, clock, calls) for _ in range(runs - 1))]) / calls


def _timed(work: Callable[[], object], clock: Callable[[], float], calls: int) -> float:
    begun = clock()
    for _ in range(calls):
        work()
    return clock() - begun


def shown(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{2 if abs(value) < 10 else 1}f}" if abs(value) >= 0.1 else f"{value:.3f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, its columns in line."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
