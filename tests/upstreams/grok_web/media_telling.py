"""What a run of media says, as one plain value that can be written down next to a transcript."""

from collections.abc import Iterable
from typing import Any

from grok2api.canonical.events import Failed, Previewed, Progressed
from grok2api.canonical.media import Completed, Made, MediaFact, Reached, Withheld
from grok2api.canonical.problem import Problem
from grok2api.upstreams.grok_web.media_reading import Reading
from grok2api.upstreams.grok_web.options import WebOptions

OPTIONS = WebOptions()


def read(body: bytes, kind: str, wanted: int = 2, cuts: Iterable[int] = ()) -> tuple[list[MediaFact], Reading]:
    """The facts of a conversation that is read in pieces, cut at `cuts`; results without a URL are those of `u-123`."""
    reading = Reading(OPTIONS, kind, wanted)  # type: ignore[arg-type]
    facts: list[MediaFact] = []
    at = 0
    for cut in [*sorted(cuts), len(body)]:
        facts += reading.feed(body[at:cut])
        at = cut
    facts += reading.close()
    return facts + reading.resolve("u-123"), reading


def summary(facts: Iterable[MediaFact], problem: Problem | None = None) -> dict[str, Any]:
    """Everything that was told; with the problem of a reading, which tells no end itself."""
    facts = list(facts)
    percents = [fact.percent for fact in facts if isinstance(fact, Progressed)]
    assert percents == sorted(set(percents)), "progress never falls and is never repeated"
    said: dict[str, Any] = {
        "percents": percents,
        "previews": [[fact.slot, fact.percent] for fact in facts if isinstance(fact, Previewed)],
        "made": [made(fact) for fact in facts if isinstance(fact, Made)],
        "withheld": [fact.slot for fact in facts if isinstance(fact, Withheld)],
        "reached": [[one.checkpoint.started, one.checkpoint.finished] for one in facts if isinstance(one, Reached)],
        "end": "",
    }
    if problem is not None:
        said["end"] = f"{problem.kind} {problem.code}".strip()
    if facts and isinstance(facts[-1], Completed):
        said["end"] = f"completed {facts[-1].made} {facts[-1].withheld}"
    if facts and isinstance(facts[-1], Failed):
        said["end"] = f"failed {facts[-1].problem.kind} {facts[-1].problem.code}".strip()
    assert sum(isinstance(fact, Completed | Failed) for fact in facts) <= 1
    return {name: value for name, value in said.items() if value}


def made(fact: Made) -> str:
    """A result in one line: its slot, id and place, and what is special about it."""
    artifact = fact.artifact
    marks = [
        f"{len(artifact.data)} bytes" if artifact.data else "",
        artifact.mime,
        "" if artifact.bound else "public",
        "preview" if artifact.preview else "",
    ]
    return " ".join([str(fact.slot), artifact.id, artifact.url, *filter(None, marks)])
