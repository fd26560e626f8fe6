"""What an answer can be asked to contain or look like, as a table: more thinking, searches, odd habits.

Pure. These are not faults of the way but varieties of the answer, written like faults (`faults.py`).
"""

from collections.abc import Callable, Mapping

import msgspec

from grok2api.simulator.render import RenderOptions
from grok2api.simulator.script import Cite, Decline, Picture, Say, Script, Search, Think, WebResult, XPost

_PHOBOS = WebResult("https://example.org/phobos", "Phobos", "The larger of two moons.")
_DEIMOS = WebResult("https://example.org/deimos", "Deimos", "The smaller of two moons.")
_POST = XPost("1234567890", "simulated", "Two moons tonight.")

_WORDS = ("The", "simulator", "says", "one", "more", "short", "sentence", "so", "that", "this", "answer", "grows")


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One variety. `script` changes what is said, `options` how it is rendered."""

    name: str
    written: str
    says: str
    script: Callable[[Script, int | None], Script] | None = None
    options: Mapping[str, bool | int] = {}
    counted: str = ""

    def applied(self, options: RenderOptions, at: int | None) -> RenderOptions:
        """The options with this variety switched on; `counted` is the one that `@N` sets."""
        changed = dict(self.options)
        if self.counted and at is not None:
            changed[self.counted] = at
        return msgspec.structs.replace(options, **changed)


def _before(script: Script, *steps: Think | Search) -> Script:
    return msgspec.structs.replace(script, steps=(*steps, *script.steps))


def _think(script: Script, at: int | None) -> Script:
    lines = (
        Think("Looking closer", tag="header"),
        *(Think(f"Consideration {n} of the question.") for n in range(1, (at or 3) + 1)),
    )
    return _before(script, *lines)


def _agents(script: Script, at: int | None) -> Script:
    count = 3 if at is None else at
    return _before(script, *(Think(f"Agent {n} reads the question.", agent=f"Agent {n}") for n in range(1, count + 1)))


def _search(script: Script, at: int | None) -> Script:
    found = _before(script, Search("moons of Mars", web=(_PHOBOS, _DEIMOS)))
    return found.saying(Say(" Mars has two moons."), Cite(_PHOBOS.url, _PHOBOS.title), Cite(_DEIMOS.url, _DEIMOS.title))


def _x_search(script: Script, at: int | None) -> Script:
    found = _before(script, Search("two moons", posts=(_POST,), agent="Agent 2"))
    return found.saying(Say(" Somebody posted about it."), Cite(_POST.url, "Post by @simulated"))


def _image(script: Script, at: int | None) -> Script:
    return script.saying(Picture(progress=(33, 66, 100)))


def _moderated(script: Script, at: int | None) -> Script:
    return script.saying(Picture(progress=(50, 100), moderated=True))


def _late(script: Script, at: int | None) -> Script:
    return script.saying(Think("A thought that comes after the answer has begun."), Say(" And one more sentence."))


def _long(script: Script, at: int | None) -> Script:
    return script.saying(Say("".join(f" {_WORDS[n % len(_WORDS)]}" for n in range(500 if at is None else at))))


def _empty(script: Script, at: int | None) -> Script:
    return Script()


def _decline(script: Script, at: int | None) -> Script:
    return Script(steps=(Decline(),))


def _length(script: Script, at: int | None) -> Script:
    return msgspec.structs.replace(script, finish="max_output_tokens")


def _filtered(script: Script, at: int | None) -> Script:
    return msgspec.structs.replace(script, finish="content_filter")


def _only_thinking(script: Script, at: int | None) -> Script:
    return Script(steps=(Think("Thinking", tag="header"), Think("There is nothing to say.")))


FEATURES: tuple[Feature, ...] = (
    Feature(name="empty", written="empty", says="a clean end with no content", script=_empty),
    Feature(
        name="only-thinking",
        written="only-thinking",
        says="reasoning, then a clean end with no answer",
        script=_only_thinking,
    ),
    Feature(name="decline", written="decline", says="the model declines (console: a `refusal` part)", script=_decline),
    Feature(name="think", written="think@N", says="N lines of reasoning (default 3)", script=_think),
    Feature(name="agents", written="agents@N", says="reasoning of N agents (default 3)", script=_agents),
    Feature(name="search", written="search", says="a web search with results, and citations", script=_search),
    Feature(name="x-search", written="x-search", says="a search on X with a post, and a citation", script=_x_search),
    Feature(name="image", written="image", says="an image drawn in the chat, with progress (grok.com)", script=_image),
    Feature(name="moderated", written="moderated", says="an image that is withheld (grok.com)", script=_moderated),
    Feature(name="late-thinking", written="late-thinking", says="reasoning after the answer has begun", script=_late),
    Feature(name="long", written="long@N", says="N more words (default 500)", script=_long),
    Feature(
        name="length", written="length", says="the console says that the answer was cut at its limit", script=_length
    ),
    Feature(
        name="filtered",
        written="filtered",
        says="the console says that a content filter ended the answer",
        script=_filtered,
    ),
    Feature(name="glued", written="glued", says="grok.com: two objects in a line", options={"glued": True}),
    Feature(
        name="prefixed",
        written="prefixed",
        says="grok.com: every line begins with `data: `",
        options={"prefixed": True},
    ),
    Feature(
        name="flat",
        written="flat",
        says="grok.com: frames one level higher, without `response`",
        options={"flat": True},
    ),
    Feature(
        name="card-xml",
        written="card-xml",
        says="grok.com: tool cards only in their XML form",
        options={"card_xml_only": True},
    ),
    Feature(name="double", written="double", says="grok.com: `modelResponse` twice", options={"model_responses": 2}),
    Feature(name="no-soft-stop", written="no-soft-stop", says="grok.com: no soft stop", options={"soft_stop": False}),
    Feature(
        name="no-final", written="no-final", says="grok.com: no `finalMetadata`", options={"final_metadata": False}
    ),
    Feature(
        name="no-end",
        written="no-end",
        says="the body ends after the last token, with no frame that says so",
        options={"soft_stop": False, "final_metadata": False, "model_responses": 0},
    ),
    Feature(name="unknown", written="unknown", says="frames and events that nobody knows", options={"unknown": True}),
    Feature(
        name="hidden",
        written="hidden",
        says="console: reasoning only as `encrypted_content`",
        options={"summaries": False},
    ),
    Feature(
        name="encrypted",
        written="encrypted",
        says="console: reasoning also as `encrypted_content`",
        options={"encrypted": True},
    ),
    Feature(
        name="interleaved",
        written="interleaved",
        says="console: parallel searches that finish out of order",
        options={"interleaved": True},
    ),
    Feature(
        name="bare-calls",
        written="bare-calls",
        says="console: calls only in `output_item` events",
        options={"argument_events": False},
    ),
    Feature(name="done", written="done", says="console: `[DONE]` at the end", options={"done_line": True}),
    Feature(
        name="annotations",
        written="annotations@N",
        says="console: citations of shape 1 (full), 2 (title is the url, indices 0; default) or 3 (only the url)",
        options={"annotations": 2},
        counted="annotations",
    ),
)
