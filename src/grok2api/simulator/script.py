"""The data model of an answer: what the simulated upstream thinks, looks up, says and calls.

Pure values, the same for every wire, and the JSON form in which an operator writes one
(docs/simulator.md). Steps are rendered in the order given, so a script may think after it has
begun to speak, as the real one does.
"""

import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

_TOKEN = re.compile(r"\s*\S{1,8}|\s+")


class Think(msgspec.Struct, frozen=True, tag="think"):
    """One line of reasoning by `agent`; `messageTag` is `tag`."""

    text: str
    agent: str = "Grok"
    tag: Literal["header", "summary", "analysis"] = "summary"


class WebResult(msgspec.Struct, frozen=True):
    """A page that a search found."""

    url: str
    title: str = ""
    preview: str = ""


class XPost(msgspec.Struct, frozen=True):
    """A post that a search on X found."""

    post_id: str
    username: str
    text: str = ""

    @property
    def url(self) -> str:
        return f"https://x.com/{self.username}/status/{self.post_id}"


class Search(msgspec.Struct, frozen=True, tag="search"):
    """A search of the upstream's own: a tool card, then its results."""

    query: str
    web: tuple[WebResult, ...] = ()
    posts: tuple[XPost, ...] = ()
    agent: str = "Agent 1"

    @property
    def on_x(self) -> bool:
        return bool(self.posts) and not self.web


class Say(msgspec.Struct, frozen=True, tag="say"):
    """A piece of the answer."""

    text: str


class Cite(msgspec.Struct, frozen=True, tag="cite"):
    """A citation at this place of the answer."""

    url: str
    title: str = ""


class Picture(msgspec.Struct, frozen=True, tag="picture"):
    """A picture that is drawn, told once for every value of `progress`. Without 100 among them it is never finished.

    `name` is its id; empty, one is made. `form` is that of the finished file.
    """

    name: str = ""
    progress: tuple[int, ...] = (50, 100)
    moderated: bool = False
    form: Literal["jpg", "png", "webp"] = "jpg"

    @property
    def comes(self) -> bool:
        """Whether there will be a file of it."""
        return 100 in self.progress and not self.moderated


class Film(msgspec.Struct, frozen=True, tag="film"):
    """A film that is made; the rest as for a picture."""

    progress: tuple[int, ...] = (1, 33, 57, 100)
    moderated: bool = False

    @property
    def comes(self) -> bool:
        return 100 in self.progress and not self.moderated


class Call(msgspec.Struct, frozen=True, tag="call"):
    """A call of one of the caller's tools. `arguments` is JSON text, which may be broken on purpose."""

    name: str
    arguments: str = "{}"


class Decline(msgspec.Struct, frozen=True, tag="decline"):
    """The model declines, in words."""

    text: str = "I can't help with that."


Step = Think | Search | Say | Cite | Picture | Film | Call | Decline


class Tokens(msgspec.Struct, frozen=True):
    """Usage to report instead of what was counted."""

    input: int
    output: int
    reasoning: int = 0
    cached: int = 0


class Script(msgspec.Struct, frozen=True):
    """A whole answer. `finish` is how the console ends it; grok.com has no such word."""

    steps: tuple[Step, ...] = ()
    finish: Literal["completed", "max_output_tokens", "content_filter"] = "completed"
    usage: Tokens | None = None

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return tuple(step for step in self.steps if isinstance(step, Picture))

    @property
    def film(self) -> Film | None:
        return next((step for step in self.steps if isinstance(step, Film)), None)

    @property
    def makes(self) -> bool:
        """Whether it makes files."""
        return bool(self.pictures) or self.film is not None

    def saying(self, *more: Step) -> "Script":
        """This script with `more` at its end."""
        return msgspec.structs.replace(self, steps=self.steps + more)


def cut_short(script: Script, most: int) -> Script:
    """The script as far as `most` tokens of words reach; thinking is free, and calls come whole or not at all."""
    steps: list[Step] = []
    for step in script.steps:
        words = tokens(step.text) if isinstance(step, Say) else tokens(step.arguments) if isinstance(step, Call) else []
        if len(words) > most:
            if isinstance(step, Say) and most:
                steps.append(Say("".join(words[:most])))
            return msgspec.structs.replace(script, steps=tuple(steps), finish="max_output_tokens")
        most -= len(words)
        steps.append(step)
    return script


def say(text: str) -> Script:
    """A script that only says `text`."""
    return Script(steps=(Say(text),))


def tokens(text: str) -> list[str]:
    """`text` in word-like pieces of at most eight letters; joined again they are `text`."""
    return _TOKEN.findall(text)


def calls_as_text(calls: Iterable[Call]) -> str:
    """The block that a model writes when it calls tools over a chat that has none."""
    body = "".join(
        f"  <tool_call>\n    <tool_name>{call.name}</tool_name>\n"
        f"    <parameters>{call.arguments}</parameters>\n  </tool_call>\n"
        for call in calls
    )
    return f"<tool_calls>\n{body}</tool_calls>"


def read_script(data: Any) -> Script:
    """A script from its JSON form: an object, or a text that is simply said.

    Raises `msgspec.ValidationError` naming the field at fault.
    """
    return say(data) if isinstance(data, str) else msgspec.convert(data, Script)
