"""What came of it: results as values, as `clients/results.json`, as a table for people, as README's section. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_BECAUSE = " because "


@dataclass(frozen=True)
class Case:
    """One thing that a client did. result: passed, failed or skipped; detail: why, when it did not pass."""

    case: str
    result: str
    detail: str = ""


@dataclass(frozen=True)
class Run:
    """A client over one backend."""

    backend: str
    model: str
    cases: tuple[Case, ...]
    seconds: float

    @property
    def failed(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.result == "failed")

    @property
    def summary(self) -> str:
        """`12 passed`, `11 passed, 1 failed, 2 skipped`."""
        counts = {word: sum(case.result == word for case in self.cases) for word in ("passed", "failed", "skipped")}
        return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing ran"


@dataclass(frozen=True)
class Result:
    """A client of one version, over every backend that it was run over."""

    name: str
    title: str
    kind: str
    version: str
    did: str
    day: str
    runs: tuple[Run, ...]

    @property
    def failed(self) -> bool:
        return not self.runs or any(run.failed or not run.cases for run in self.runs)


def written(results: Iterable[Result]) -> str:
    """The text of `clients/results.json`. A case is one line, so that changes are easy to read."""
    shown = [asdict(result) for result in results]
    for result in shown:
        for run in result["runs"]:
            run["cases"] = [f"{case['result']}: {case['case']}" + _why(case["detail"]) for case in run["cases"]]
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


def read(text: str) -> tuple[Result, ...]:
    """Back from that text."""
    return tuple(_result(one) for one in json.loads(text or "[]"))


def _why(detail: str) -> str:
    return f"{_BECAUSE}{detail}" if detail else ""


def merged(known: Iterable[Result], new: Iterable[Result], order: Sequence[str]) -> tuple[Result, ...]:
    """Newer results in the place of older ones, in the order of the table; clients that left it are dropped."""
    by_name = {result.name: result for result in (*known, *new)}
    return tuple(by_name[name] for name in order if name in by_name)


def table(results: Iterable[Result]) -> str:
    """For the terminal: a line for each run, then what failed and what was skipped."""
    rows = [("client", "version", "over", "result", "seconds")]
    notes = []
    for result in results:
        for run in result.runs:
            rows.append((result.title, result.version, run.backend, run.summary, f"{run.seconds:.1f}"))
            notes += [
                f"{case.result}: {result.name} over {run.backend}, {case.case}: {case.detail}"
                for case in run.cases
                if case.result != "passed"
            ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def section(results: Sequence[Result]) -> str:
    """README's table, and under it the reason of everything that was not run."""
    backends = list(dict.fromkeys(run.backend for result in results for run in result.runs))
    lines = [f"| client | version | what was done | {' | '.join(backends)} |", "|---" * (3 + len(backends)) + "|"]
    for result in results:
        by_backend = {run.backend: run.summary for run in result.runs}
        cells = [result.title, result.version, result.did, *(by_backend.get(name, "-") for name in backends)]
        lines.append(f"| {' | '.join(cells)} |")
    skipped = list(_skipped(results))
    return "\n".join([*lines, *(["", "Not run, and why:", "", *skipped] if skipped else []), ""])


def _skipped(results: Iterable[Result]) -> Iterable[str]:
    said: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for run in result.runs:
            for case in run.cases:
                if case.result == "skipped":
                    cases = said.setdefault((result.title, case.detail), [])
                    cases += [case.case] if case.case not in cases else []
    for (title, why), cases in said.items():
        yield f"* {title}, {', '.join(f'`{case}`' for case in cases)}: {why}"


def _case(line: str) -> Case:
    result, _, rest = line.partition(": ")
    name, _, detail = rest.partition(_BECAUSE)
    return Case(name, result, detail)


def _result(data: dict[str, Any]) -> Result:
    runs = tuple(Run(**{**run, "cases": tuple(_case(line) for line in run["cases"])}) for run in data["runs"])
    return Result(**{**data, "runs": runs})
