"""Scenarios: which request gets which fault, script or delay.

Pure apart from counting. The newest matching scenario wins for each of the three; one that is limited by
`times` is used up after so many matching requests. The JSON form is what `POST /_sim/scenarios` takes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.catalog import MODES
from grok2api.simulator.faults import Fault, read_fault
from grok2api.simulator.script import Script, read_script

#: What a word in `match.endpoint` stands for besides the endpoint of that name.
GROUPS: Mapping[str, frozenset[str]] = {
    "chat": frozenset({"web", "socket", "console", "api"}),
    "media": frozenset({"imagine", "edit", "video"}),
}


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests a scenario is about; what is left out matches everything.

    endpoint: `chat` (any surface that answers), `media` (pictures and films), one by its journal name, or `any`.
    nth: only the n-th (from 1) of the requests that match otherwise. contains: a piece of what is said.
    """

    endpoint: str = "chat"
    account: str | None = None
    mode: str | None = None
    model: str | None = None
    contains: str | None = None
    nth: int | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A request as scenarios see it."""

    endpoint: str
    account: str | None = None
    mode: str | None = None
    model: str | None = None
    message: str = ""


class Scenario(msgspec.Struct, kw_only=True):
    """What matching requests get. `delay` is seconds between frames; `times` limits how often."""

    match: Match = Match()
    faults: tuple[Fault, ...] = ()
    script: Script | None = None
    delay: float | None = None
    times: int | None = None
    seen: int = 0
    used: int = 0

    def applies(self, seen: Seen) -> bool:
        """Whether it is about this request; counts it if so."""
        if (self.times is not None and self.used >= self.times) or not _fits(self.match, seen):
            return False
        self.seen += 1
        if self.match.nth is not None and self.seen != self.match.nth:
            return False
        self.used += 1
        return True


def _fits(match: Match, seen: Seen) -> bool:
    named = match.endpoint in ("any", seen.endpoint) or seen.endpoint in GROUPS.get(match.endpoint, ())
    pairs = ((match.account, seen.account), (_wire(match.mode), _wire(seen.mode)), (match.model, seen.model))
    return (
        named
        and all(wanted is None or wanted == found for wanted, found in pairs)
        and (match.contains is None or match.contains in seen.message)
    )


def _wire(mode: str | None) -> str | None:
    return None if mode is None else MODES.get(mode, mode)


class _Written(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    match: Match = Match()
    fault: str | list[str] = []
    script: Any = None
    delay: float | None = None
    times: int | None = None


def read_faults(written: str | list[str] | tuple[str, ...]) -> tuple[Fault, ...]:
    """One fault or several. Raises `ValueError`."""
    return tuple(read_fault(one) for one in ([written] if isinstance(written, str) else written))


def read_scenario(data: Any) -> Scenario:
    """A scenario from its JSON form. Raises `ValueError` (`msgspec.ValidationError` is one)."""
    written = msgspec.convert(data, _Written)
    script = None if written.script is None else read_script(written.script)
    faults = read_faults(written.fault)
    return Scenario(match=written.match, faults=faults, script=script, delay=written.delay, times=written.times)


def shown(scenario: Scenario) -> dict[str, Any]:
    """A scenario in the form it is written in, with its counts."""
    return {
        "match": {name: value for name, value in msgspec.to_builtins(scenario.match).items() if value is not None},
        "fault": [str(fault) for fault in scenario.faults],
        "script": None if scenario.script is None else msgspec.to_builtins(scenario.script),
        "delay": scenario.delay,
        "times": scenario.times,
        "seen": scenario.seen,
        "used": scenario.used,
    }
