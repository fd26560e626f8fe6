"""JSON answers from an upstream that only writes words: by instruction, and by verification.

`instruct` asks for the form, `Verify` lets only an answer of that form through. What passes is the model's own
text, without what it wrote around it; nothing is filled in.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from grok2api.canonical.events import CallOpened, Cited, Ended, Fact, Failed, Finish, Said
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Format, Message, Request, Role, Text
from grok2api.tools.arguments import compact
from grok2api.tools.spans import Spans
from grok2api.tools.validate import violation

_OBJECT = """\
Answer with exactly one JSON object and nothing else: no words before or after it, no markdown fence."""

_SCHEMA = """\
Answer with exactly one JSON value that is valid against the JSON schema below, and nothing else: no words before \
or after it, no markdown fence, every required member present, no member that the schema does not allow.
{about}
JSON schema:
{schema}"""

_FENCED = re.compile(r"```[\w+-]{0,16}[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_START = re.compile(r"[{\[]")
_TRIES = 64


def instruct(request: Request) -> Request:
    """The request with a SYSTEM message that asks for `request.format`; unchanged when that is text."""
    asked = request.format
    if asked.kind == "text":
        return request
    message = Message(Role.SYSTEM, (Text(_instruction(asked)),))
    return msgspec.structs.replace(request, messages=(message, *request.messages))


def _instruction(asked: Format) -> str:
    if asked.kind == "json_object" or asked.schema is None:
        return _OBJECT
    about = f"It is called {asked.name}." + (f" {asked.description}" if asked.description else "")
    return _SCHEMA.format(about=about, schema=msgspec.json.encode(asked.schema).decode())


class Verify:
    """A stage that holds the answer's text to its end, and then tells the bare JSON, or FORMAT_BROKEN.

    Everything else passes at once. An answer that calls a tool, or that was cut short by a limit or a filter, is
    not judged: its text passes as it is. An empty answer stays empty.
    native: the upstream writes the form by itself, so that text which begins like an object passes as it comes.
    """

    def __init__(self, asked: Format, *, native: bool = False) -> None:
        self._asked = asked
        self._native = native
        self._pieces: list[str] = []
        self._cited: list[Cited] = []
        self._judging = asked.kind != "text"

    def feed(self, facts: list[Fact]) -> list[Fact]:
        """The facts, with `Said` replaced by the JSON before `Ended`, or with `Failed` as the last."""
        out: list[Fact] = []
        for fact in facts:
            if not self._judging:
                out.append(fact)
            elif type(fact) is Said:
                self._pieces.append(fact.text)
                if self._native:
                    self._trust(fact.text.lstrip(), out)
            elif type(fact) is Cited:
                self._cited.append(fact)
            elif type(fact) is Ended:
                self._end(fact, out)
            else:
                if type(fact) is CallOpened:
                    self._pass(out)
                out.append(fact)
        return out

    def _end(self, ended: Ended, out: list[Fact]) -> None:
        text = "".join(self._pieces)
        if ended.finish is not Finish.STOP or not text.strip():
            self._pass(out)
            out.append(ended)
            return
        self._judging = False
        found = find(text, self._asked)
        if isinstance(found, str):
            problem = Problem(kind=Kind.FORMAT_BROKEN, code="invalid_structured_output", message=found)
            out.append(Failed(problem))
            return
        value, start = found
        out.append(Said(value))
        out += self._moved(text, value, start)
        out.append(ended)

    def _trust(self, begun: str, out: list[Fact]) -> None:
        """Let the text through once it begins as it should; judge it whole when it begins in another way."""
        if begun.startswith("{"):
            self._pass(out)
        elif begun:
            self._native = False

    def _pass(self, out: list[Fact]) -> None:
        self._judging = False
        out += [Said(text) for text in ("".join(self._pieces),) if text.strip()]
        out += self._cited

    def _moved(self, text: str, value: str, start: int) -> list[Cited]:
        """The citations inside the JSON; none when it had to be mended, for then they point nowhere."""
        if start < 0:
            return []
        spans = Spans()
        spans.remove(start)
        spans.told += len(value)
        spans.remove(len(text) - spans.told)
        for cited in self._cited:
            spans.cite(cited)
        return spans.ready(all_of_them=True)


def find(text: str, asked: Format) -> tuple[str, int] | str:
    """The JSON value of that form in `text` and where it stands (-1: it was mended); else what is wrong.

    The value may stand alone, in a fence, or among words; the first of the right form is taken.
    """
    reason = "The answer is not JSON"
    for value, start, read in _candidates(text):
        wrong = _violation(read, asked)
        if wrong is None:
            return value, start
        if reason == "The answer is not JSON":
            reason = f"The answer is not of the form that was asked for: {wrong}"
    return reason


def _violation(value: Any, asked: Format) -> str | None:
    if asked.kind == "json_object" or asked.schema is None:
        return None if isinstance(value, dict) else "it must be one JSON object"
    return violation(asked.schema, value)


def _candidates(text: str) -> Iterator[tuple[str, int, Any]]:
    """Every JSON value that the answer may mean, the likeliest first."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    places = [(text, 0), *((match.group(1), match.start(1)) for match in _FENCED.finditer(text))]
    for place, start in places:
        bare = place.strip()
        yield from _read(decoder, bare, start + place.find(bare))
    end = 0
    for match, _ in zip(_START.finditer(text), range(_TRIES), strict=False):
        if match.start() < end:
            continue
        try:
            read, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        yield text[match.start() : end], match.start(), read
    for place, _ in places:
        mended = compact(place)
        if mended is not None:
            yield from _read(decoder, mended, -1)


def _read(decoder: json.JSONDecoder, text: str, start: int) -> Iterator[tuple[str, int, Any]]:
    try:
        yield text, start, decoder.decode(text)
    except (ValueError, RecursionError):
        return


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
