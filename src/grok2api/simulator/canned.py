"""Answers for a person who types a question into a real client that talks to the simulator.

Pure and deterministic: the same words get the same answer. No model runs here, and the answers say so. The
simulator calls a tool when it is asked in words or by `tool_choice`, runs errands with files, answers from a tool's
result, writes JSON when JSON is wanted, draws two pictures when the words begin with `Drawing:`, names the files that
came along, and otherwise takes up the topic.
"""

import re

from grok2api.simulator.errands import next_steps
from grok2api.simulator.invent import hints, value_for
from grok2api.simulator.reading import Asked, Offered
from grok2api.simulator.render import encode
from grok2api.simulator.script import Call, Cite, Picture, Say, Script, Search, Step, Think, WebResult, say

_GREETING = re.compile(r"(?i)^\W*(hi|hello|hey|good (?:morning|day|evening)|hallo|moin|salut|hola)\b")
_ASKS_TOOL = re.compile(r"(?i)\b(?:use|call|run|invoke|try|with)\b[^.?!\n]{0,60}\b(?:tools?|functions?)\b")
_PARALLEL = re.compile(r"(?i)\b(?:parallel|both|at once|at the same time|simultaneously|each of)\b")
_SEARCHES = re.compile(r"(?i)\b(?:search|look up|latest|news|today|sources?)\b")
_MAGIC = re.compile(r"(?<![\w:])sim:\S+")
_VERBS = frozenset({"get", "list", "fetch", "do", "run", "make", "the", "current", "tool", "a", "my"})
_TOPIC_LENGTH = 240
_DRAWING = "Drawing: "
_DRAWN = 2


def answer(asked: Asked, unknown_words: tuple[str, ...] = ()) -> Script:
    """What the simulator says to `asked`; `unknown_words` are magic words that name no fault."""
    if unknown_words:
        return say(
            f"I do not know {', '.join(f'sim:{word}' for word in unknown_words)}; docs/simulator.md lists the words."
        )
    if asked.text.startswith(_DRAWING):
        return Script(steps=(Picture(progress=(33, 66, 100)),) * _DRAWN)
    steps: tuple[Step, ...] = _thoughts(asked) if asked.thinks else ()
    errand = next_steps(asked)
    if errand:
        return Script(steps=(*steps, *errand))
    calls = _calls(asked)
    if calls:
        return Script(steps=(*steps, *calls))
    if asked.schema is not None:
        return Script(steps=(*steps, Say(encode(value_for(asked.schema, _topic(asked))).decode())))
    if asked.results:
        return Script(steps=(*steps, Say(_from_results(asked.results))))
    return Script(steps=(*steps, *_prose(asked)))


def _topic(asked: Asked) -> str:
    words = " ".join(_MAGIC.sub("", asked.text).split())
    return words if len(words) <= _TOPIC_LENGTH else words[:_TOPIC_LENGTH].rsplit(" ", 1)[0] + " …"


def _thoughts(asked: Asked) -> tuple[Step, ...]:
    topic = _topic(asked) or "nothing in particular"
    lines: tuple[Step, ...] = (Think("Reading the question", tag="header"), Think(f"The message says: {topic}"))
    lines += tuple(Think(f"Agent {n} has read it too.", agent=f"Agent {n}") for n in range(1, asked.agents + 1))
    if asked.results:
        return (*lines, Think("A tool has answered; its result goes into the answer."))
    return (*lines, Think("This is the simulator, so the answer is a prepared one."))


def _prose(asked: Asked) -> tuple[Step, ...]:
    topic = _topic(asked)
    greeting = "Hello! " if _GREETING.match(topic) or not topic else ""
    echo = f"You wrote: “{topic}”. " if topic else ""
    brought = f"It came with {', '.join(asked.files)}. " if asked.files else ""
    text = (
        f"{greeting}{echo}{brought}I am the grok2api simulator: your message came all the way through the gateway, and "
        "this answer came all the way back, but no model has read it. Write `sim:think`, `sim:search` or `sim:429` to "
        "see more of what an upstream does."
    )
    if not (asked.search and _SEARCHES.search(topic)):
        return (Say(text),)
    page = WebResult("https://example.org/simulated", "A simulated page", f"Simulated result for {topic}")
    return (Search(topic, web=(page,)), Say(text + " One simulated page was found."), Cite(page.url, page.title))


def _from_results(results: tuple[str, ...]) -> str:
    told = [" ".join(result.split())[:_TOPIC_LENGTH] or "nothing" for result in results]
    if len(told) == 1:
        return f"The tool answered: {told[0]}"
    return "The tools answered:\n" + "\n".join(f"{n}. {one}" for n, one in enumerate(told, 1))


def _calls(asked: Asked) -> tuple[Call, ...]:
    if not asked.tools or (asked.results and not asked.demanded):
        return ()
    topic = _topic(asked)
    wanted = [tool for tool in asked.tools if asked.demanded_name in (None, tool.name)]
    fitting = [tool for tool in wanted if _fits(tool, topic)]
    magic = "sim:tools" in asked.text
    if not (asked.demanded or magic or fitting or _ASKS_TOOL.search(topic)):
        return ()
    chosen = (fitting or wanted)[:4]
    if not chosen:
        return ()
    if not _PARALLEL.search(topic):
        return (_call(chosen[0], topic, 0),)
    if len(fitting) > 1:
        return tuple(_call(tool, topic, 0) for tool in fitting[:4])
    return tuple(_call(chosen[0], topic, nth) for nth in range(min(4, max(2, hints(topic)))))


def _call(tool: Offered, topic: str, nth: int) -> Call:
    schema = tool.schema or {"type": "object", "properties": {}}
    value = value_for({"type": "object", "properties": {}, **schema}, topic, nth)
    return Call(tool.name, encode(value).decode())


def _fits(tool: Offered, topic: str) -> bool:
    """Whether the user's words name this tool, or everything that its name is about."""
    if re.search(rf"(?i)(?<![\w-]){re.escape(tool.name)}(?![\w-])", topic):
        single = re.fullmatch(r"[A-Za-z]+", tool.name) is not None
        verb = rf"(?i)(?:\b(?:use|call|run|invoke|try|with)\b[^.?!\n]{{0,30}}|[`\"']){re.escape(tool.name)}\b"
        return not single or re.search(verb, topic) is not None
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", tool.name)]
    about = [part for part in parts if part not in _VERBS]
    said = set(re.findall(r"[a-z0-9]+", topic.lower()))
    return len(parts) > 1 and bool(about) and all(part in said for part in about)
