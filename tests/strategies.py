"""Hypothesis strategies shared by the tests: streams of events that satisfy the grammar, and hostile JSON.

The streams are made by feeding random facts to the real `Sequencer`, so they are exactly what encoders
will see; how events are batched is drawn separately with `batches`.
"""

import itertools
import json
from typing import Any

from hypothesis import strategies as st

from grok2api.canonical.events import (
    CallArgued,
    CallClosed,
    CallOpened,
    Cited,
    Ended,
    Event,
    Fact,
    Failed,
    Finish,
    Finished,
    Produced,
    Progressed,
    Reasoned,
    Said,
    Searched,
    Source,
    Sourced,
    Started,
    Thought,
    Usage,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.sequence import Sequencer

_words = st.text(alphabet=st.sampled_from('ab "\\\n\t\r\u2028é漢😀</'), min_size=1, max_size=12)
_urls = st.sampled_from(["https://x.ai/a", "https://example.org/b?c=1", "https://x.com/i/status/1"])
_sources = st.builds(Source, _urls, _words, st.sampled_from(["web", "x_post"]))
_usages = st.builds(
    Usage,
    input=st.integers(1, 999),
    output=st.integers(1, 999),
    reasoning=st.just(0),
    cached=st.integers(0, 5),
    exact=st.booleans(),
)


@st.composite
def _cut(draw: st.DrawFn, text: str) -> list[str]:
    """`text` in pieces, none of them empty."""
    marks = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=3)))
    edges = [0, *marks, len(text)]
    return [text[a:b] for a, b in itertools.pairwise(edges) if a < b]


@st.composite
def _call(draw: st.DrawFn, number: int, custom: bool) -> list[Fact]:
    arguments = draw(_words) if custom else draw(st.sampled_from(["{}", '{"a": 1}', '{"s":"x\\n\\"y", "n": [1, 2.5]}']))
    name = draw(st.sampled_from(["read_file", "WebFetch", "f-1"]))
    opened = CallOpened(f"call_{number}", name, custom)
    return [opened, *(CallArgued(piece) for piece in draw(_cut(arguments))), CallClosed()]


@st.composite
def answer_facts(draw: st.DrawFn, *, calls: bool = True, custom_calls: bool = False) -> list[Fact]:
    """The facts of one answer up to its end, which is not among them."""
    facts: list[Fact] = []
    if draw(st.booleans()):
        facts += [Thought(piece) for piece in draw(st.lists(_words, max_size=3))]
        facts.append(Reasoned(draw(st.none() | st.just("b3BhcXVl")), "rs_1"))
    said = 0
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["say", "say", "call", "cite", "search", "source", "progress", "produce", "late"]))
        if kind == "say":
            pieces = draw(st.lists(_words, min_size=1, max_size=4))
            said += sum(map(len, pieces))
            facts += [Said(piece) for piece in pieces]
        elif kind == "call" and calls:
            facts += draw(_call(number, custom_calls and draw(st.booleans())))
        elif kind == "cite" and said:
            start = draw(st.integers(0, said - 1))
            facts.append(Cited(draw(_urls), draw(_words), start, draw(st.integers(start, said))))
        elif kind == "search":
            facts.append(
                Searched("web_search", draw(_words), tuple(draw(st.lists(_sources, max_size=2))), f"ws_{number}")
            )
        elif kind == "source":
            facts.append(Sourced(tuple(draw(st.lists(_sources, max_size=3)))))
        elif kind == "progress":
            facts.append(Progressed(draw(st.integers(0, 100))))
        elif kind == "produce":
            facts.append(Produced("https://assets.grok.com/a.jpg"))
        elif kind == "late":
            facts.append(Thought("late"))
            facts.append(Reasoned("bGF0ZQ==", f"rs_{number}"))
    return facts


@st.composite
def event_streams(
    draw: st.DrawFn, *, failing: bool = False, calls: bool = True, custom_calls: bool = False
) -> list[Event]:
    """A whole stream of the grammar: `Started` first, `Finished` last (or `Failed`, when `failing`)."""
    sequencer = Sequencer()
    facts = draw(answer_facts(calls=calls, custom_calls=custom_calls))
    events: list[Event] = [Started(draw(st.integers(1, 500)))]
    events += sequencer.feed(facts)
    events += sequencer.feed([Ended()])
    if failing:
        events.append(Failed(Problem(kind=Kind.CUT, message="The upstream's answer broke off")))
        return events
    finish = draw(st.sampled_from([Finish.STOP, Finish.LENGTH, Finish.CONTENT_FILTER, Finish.STOP_SEQUENCE]))
    if sequencer.called:
        finish = Finish.TOOL_CALLS
    stop = "END" if finish is Finish.STOP_SEQUENCE else None
    usage = draw(_usages)
    if any(isinstance(fact, Thought) for fact in facts):
        usage = Usage(input=usage.input, output=usage.output + 7, reasoning=7, cached=usage.cached, exact=usage.exact)
    events.append(Finished(finish, usage, stop))
    return events


@st.composite
def batches(draw: st.DrawFn, events: list[Event]) -> list[list[Event]]:
    """The same events as they might arrive: in any grouping, order kept."""
    groups: list[list[Event]] = [[]]
    for event in events:
        if groups[-1] and draw(st.booleans()):
            groups.append([])
        groups[-1].append(event)
    return groups


#: Any JSON value, small.
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def hostile(template: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A valid body with any value, at any depth, put in place of one of its members (or one taken away)."""
    spots = list(_spots(template, ()))

    def spoil(args: tuple[tuple[Any, ...], Any, bool]) -> bytes:
        path, value, drop = args
        body = json.loads(json.dumps(template))
        node = body
        for step in path[:-1]:
            node = node[step]
        if drop:
            del node[path[-1]]
        else:
            node[path[-1]] = value
        return json.dumps(body).encode()

    return st.tuples(st.sampled_from(spots), json_values, st.booleans()).map(spoil)


def _spots(node: Any, path: tuple[Any, ...]) -> Any:
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in members:
        yield (*path, key)
        yield from _spots(child, (*path, key))
