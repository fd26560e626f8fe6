"""How each way out fares: directly or through a proxy, to each upstream. Egress faults, told apart from accounts' (P3).

Pure memory: time is an argument. A challenge page, or a connection that nobody answered, is held against the way and
never against the account that went it. While a way is challenged every request still tries, once, because the operator
may have renewed his browser values meanwhile; anything that the upstream itself says clears the way.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

import msgspec

from grok2api.canonical.problem import Kind, Problem


class State(StrEnum):
    """How the last attempt on a way ended, as far as the way is concerned."""

    OK = "ok"
    CHALLENGED = "challenged"  # the edge asks for proof of a browser
    UNREACHABLE = "unreachable"  # nobody answers


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way to one upstream: its state, since when, `count` faults in a row, and `words` for the operator."""

    name: str
    upstream: str
    state: State = State.OK
    since: float | None = None
    count: int = 0
    words: str = ""


_FAULTS: Mapping[Kind, State] = {Kind.CHALLENGE: State.CHALLENGED, Kind.UNREACHABLE: State.UNREACHABLE}
#: Failures that say nothing about the way: silence, a break, and what an edge may say in the upstream's place.
_SILENT = frozenset({Kind.TIMEOUT, Kind.CUT, Kind.UPSTREAM_DOWN, Kind.UPSTREAM})


class Ways:
    """The ways in trouble, by name and upstream; `name_of` tells which way an account goes."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._name_of = name_of
        self._upstreams: set[str] = set()
        self._troubled: dict[tuple[str, str], Way] = {}

    def note(self, account: str, upstream: str, problem: Problem | None, now: float) -> None:
        """An attempt ended in `problem`, or was answered."""
        self._upstreams.add(upstream)
        fault = _FAULTS.get(problem.kind) if problem is not None else None
        if problem is not None and fault is not None:
            self._fault((self._name_of(account), upstream), fault, problem.message, now)
        elif self._troubled and (problem is None or problem.kind not in _SILENT):
            self._troubled.pop((self._name_of(account), upstream), None)

    def _fault(self, key: tuple[str, str], fault: State, words: str, now: float) -> None:
        before = self._troubled.get(key)
        lasts = before is not None and before.state is fault
        self._troubled[key] = Way(
            name=key[0],
            upstream=key[1],
            state=fault,
            since=before.since if before is not None and lasts else now,
            count=before.count + 1 if before is not None and lasts else 1,
            words=words,
        )

    def report(self, names: Iterable[str]) -> tuple[Way, ...]:
        """How the ways of these names fare, to every upstream that was tried; those in trouble first."""
        found = [
            self._troubled.get((name, upstream)) or Way(name=name, upstream=upstream)
            for name in names
            for upstream in sorted(self._upstreams)
        ]
        return tuple(sorted(found, key=lambda way: way.state is State.OK))
