"""The targets, each with the figures that it compares, and the report.

Pure. `must` is the line below which a change is not merged, `aim` where the gateway wants to be.
"""

from collections.abc import Callable
from typing import NamedTuple

from bench.scenarios import PACED_STREAMS, SLOW_PACED_STREAMS, Results
from bench.stats import difference, median, ratio, shown, table

#: Added milliseconds of the slowest hundredth of tokens up to which a stream counts as held.
HELD_MS = 50.0

_P99 = "C {} streams: p99 of a token (ms)"
_Figure = Callable[[Results], float]


class Target(NamedTuple):
    """One line: what it is, how it is computed (from figures that may be missing), and its bounds."""

    work: str
    against: str
    value: _Figure
    must: float
    aim: float
    more_is_better: bool
    unit: str = "×"

    def verdict(self, value: float) -> str:
        """`aim`, `must`, or `MISSED`."""
        for bound, word in ((self.aim, "aim"), (self.must, "must")):
            if value >= bound if self.more_is_better else value <= bound:
                return word
        return "MISSED"


def _of(figure: str, ours: str, theirs: str) -> _Figure:
    return lambda results: ratio(results.of(figure, ours), results.of(figure, theirs))


def _above(figure: str, against: str) -> _Figure:
    return lambda results: difference(results.of(figure, "gateway"), results.of(figure, against))


def _alone(figure: str) -> _Figure:
    return lambda results: median(results.of(figure, "gateway"))


def held(results: Results, peer: str) -> int:
    """The most streams, of the numbers tried, whose p99 is at most `HELD_MS` above direct's; 0 when none is."""
    most = 0
    for streams in (*SLOW_PACED_STREAMS, *PACED_STREAMS):
        rounds = results.of(_P99.format(streams), peer)
        floor = results.of(_P99.format(max(streams, PACED_STREAMS[0])), "direct")
        if rounds and floor and median(rounds) - median(floor) <= HELD_MS:
            most = max(most, streams)
    return most


def _held_against(peer: str) -> _Figure:
    def value(results: Results) -> float:
        theirs = held(results, peer)
        if not theirs:
            raise ValueError("it held none")
        return held(results, "gateway") / theirs

    return value


_A32_CPU = "A32: CPU per request (µs)"
_A32, _B32 = "A32: requests/s", "B32: CPU per token (µs)"
_START, _IDLE = "start to first 200 (s)", "idle memory (MB)"

TARGETS = (
    Target("A32, requests/s", "nginx", _of(_A32, "gateway", "nginx"), 0.35, 0.60, True),
    Target("A32, CPU per request, as good as", "nginx", _of(_A32_CPU, "nginx", "gateway"), 0.35, 0.60, True),
    Target("A32, requests/s", "litellm", _of(_A32, "gateway", "litellm"), 60, 130, True),
    Target("B32, CPU per token, as good as", "nginx", _of(_B32, "nginx", "gateway"), 0.35, 0.50, True),
    Target("B32, CPU per token, better than", "litellm", _of(_B32, "litellm", "gateway"), 200, 700, True),
    Target(
        "C, CPU per token at 500 streams",
        "nginx",
        _of("C 500 streams: CPU per token (µs)", "gateway", "nginx"),
        1.5,
        1.0,
        False,
    ),
    Target(
        "C, added p99 at 500 streams",
        "direct",
        _above(_P99.format(500), "direct"),
        50,
        50,
        False,
        "ms",
    ),
    Target("C, streams held", "litellm", _held_against("litellm"), 25, 40, True),
    Target("A1, added median", "direct", _above("A1: median of one request (ms)", "direct"), 0.5, 0.35, False, "ms"),
    Target("memory of 1,000 open streams", "", _alone("memory of 1,000 open streams (MB)"), 25, 10, False, "MB"),
    Target("idle memory", "", _alone(_IDLE), 90, 90, False, "MB"),
    Target("idle memory", "litellm", _of(_IDLE, "gateway", "litellm"), 1 / 4, 1 / 8, False),
    Target("start to first 200", "", _alone(_START), 1.5, 1.5, False, "s"),
    Target("start to first 200", "litellm", _of(_START, "gateway", "litellm"), 1 / 8, 1 / 20, False),
)


def report(results: Results) -> str:
    """The targets and all figures, as Markdown."""
    parts = ["Targets", table(["work", "against", "measured", "must", "aim", "reached"], _targets(results))]
    peers = results.peers()
    parts += ["Figures (median of the rounds)", table(["figure", *peers], _figures(results, peers))]
    return "\n\n".join([*parts, *(f"Note: {note}." for note in dict.fromkeys(results.notes))])


def _targets(results: Results) -> list[list[str]]:
    rows = []
    for target in TARGETS:
        try:
            value = target.value(results)
        except ValueError:  # a peer that was not there
            continue
        cells = [f"{shown(number)} {target.unit}" for number in (value, target.must, target.aim)]
        rows.append([target.work, target.against, *cells, target.verdict(value)])
    return rows


def _figures(results: Results, peers: list[str]) -> list[list[str]]:
    return [
        [figure, *(shown(median(rounds)) if (rounds := results.of(figure, peer)) else "" for peer in peers)]
        for figure in results.names()
    ]
