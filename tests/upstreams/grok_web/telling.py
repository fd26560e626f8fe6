"""What a list of facts says, as one plain value that can be written down next to a transcript."""

from collections.abc import Iterable
from typing import Any

from grok2api.canonical.events import (
    Cited,
    Ended,
    Fact,
    Failed,
    Produced,
    Progressed,
    Said,
    Searched,
    Sourced,
    Thought,
)
from grok2api.upstreams.grok_web.chat_wire import Parser
from grok2api.upstreams.grok_web.options import WebOptions

OPTIONS = WebOptions()


def told(body: bytes, cuts: Iterable[int] = (), options: WebOptions = OPTIONS) -> list[Fact]:
    """The facts of a body that is read in pieces, cut at `cuts`."""
    parser = Parser(options)
    facts: list[Fact] = []
    at = 0
    for cut in [*sorted(cuts), len(body)]:
        facts += parser.feed(body[at:cut])
        at = cut
    return facts + parser.close()


def merged(facts: Iterable[Fact]) -> list[Fact]:
    """The facts with neighbouring pieces of text, and of thinking, as one."""
    out: list[Fact] = []
    for fact in facts:
        if out and isinstance(fact, Said | Thought) and type(out[-1]) is type(fact):
            out[-1] = type(fact)(out[-1].text + fact.text)
        else:
            out.append(fact)
    return out


def text_of(facts: Iterable[Fact]) -> str:
    return "".join(fact.text for fact in facts if isinstance(fact, Said))


def summary(facts: Iterable[Fact]) -> dict[str, Any]:
    """Everything that was said, without the order between the kinds of facts."""
    facts = list(facts)
    text = text_of(facts)
    said: dict[str, Any] = {
        "thinking": "".join(fact.text for fact in facts if isinstance(fact, Thought)),
        "text": text,
        "citations": [[text[f.start : f.end], f.url, f.title] for f in facts if isinstance(f, Cited)],
        "searches": [[f.tool, f.query, [s.url for s in f.sources]] for f in facts if isinstance(f, Searched)],
        "sources": [[s.url, s.title, s.kind] for f in facts if isinstance(f, Sourced) for s in f.sources],
        "percents": [fact.percent for fact in facts if isinstance(fact, Progressed)],
        "pictures": [fact.url for fact in facts if isinstance(fact, Produced) and not fact.placed],
        "places": [fact.url for fact in facts if isinstance(fact, Produced) and fact.placed],
    }
    return {name: value for name, value in said.items() if value} | {"end": _end(facts)}


def _end(facts: list[Fact]) -> str:
    last = facts[-1]
    if isinstance(last, Ended):
        return str(last.finish)
    assert isinstance(last, Failed)
    return " ".join(word for word in ("failed", last.problem.kind, last.problem.code) if word)
