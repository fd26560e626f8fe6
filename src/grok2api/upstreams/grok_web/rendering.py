"""The answer's text as it is delivered: render tags become citations and pictures, everything else passes.

A tag may be cut anywhere between two tokens, so text that may still become a tag is held back; what turns out not to
be one is said. Two lengths are kept: of the text as delivered, which citations count in, and of the plain text
without tags, with a running checksum, so that the complete message that comes last can be compared with what was
said without keeping it.
"""

import re
from zlib import crc32

from grok2api.canonical.events import Cited, Fact, Said
from grok2api.upstreams.grok_web.cards import Card, Picture
from grok2api.upstreams.grok_web.sources import Sources, label

_OPEN = "<grok:render"
_CLOSE = "</grok:render>"
_LONGEST_TAG = 16_384
_OPENING = re.compile(r"<grok:render(?:\s[^<>]*)?>")
_TAG = re.compile(r"<grok:render(?:\s[^<>]*)?(?:/>|>.{0,16384}?</grok:render>)", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ARGUMENTS = re.compile(r"(?:\s*<argument\b[^<>]*>[^<]*</argument>)*\s*(?:<argument\b.*)?", re.DOTALL)


class Renderer:
    """Tokens of one answer in, facts out."""

    __slots__ = (
        "_added",
        "_checksum",
        "_held",
        "_last_cited",
        "_last_said",
        "_numbers",
        "_plain",
        "_sources",
        "_tags",
        "_unbroken",
        "cards",
    )

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._held = ""
        self._numbers: dict[str, int] = {}
        self._last_cited: str | None = None
        self._last_said = ""
        self._plain = 0  # characters said that were not made of tags
        self._checksum = 0  # of those
        self._added = 0  # characters said that were
        self._tags = 0  # tags seen since the last character that was not
        self._unbroken = True  # neither a tag nor a citation since then
        self.cards: dict[str, Card] = {}

    @property
    def length(self) -> int:
        """How many characters were said."""
        return self._plain + self._added

    def feed(self, token: str, out: list[Fact]) -> None:
        """More of the answer, as the upstream writes it."""
        if self._held or "<" in token:
            self._scan(self._held + token, out)
        else:
            self._pass(token, out)

    def finish(self, out: list[Fact]) -> None:
        """No more comes: a tag that was begun in earnest is shown, anything else that was held is said."""
        held, self._held = self._held, ""
        opening = _OPENING.match(held)
        if opening is None:
            self._pass(held, out)
            return
        self._show(opening.group(), out)
        arguments = _ARGUMENTS.match(held, opening.end())
        rest = held[arguments.end() :] if arguments else ""
        if not any(markup.startswith(rest) for markup in (_CLOSE, "<argument")):
            self._pass(rest, out)

    def complete(self, message: str, out: list[Fact]) -> None:
        """The upstream's whole message: what it has beyond what was said is said now; if it differs, nothing is."""
        missing = self._missing(message)
        if missing:
            self._held = ""
            self.feed(missing, out)

    def add(self, text: str, out: list[Fact], gap: str = "\n\n") -> None:
        """Text of ours on a line of its own, `gap` after the answer's."""
        if self.length:
            text = (gap.removeprefix("\n") if self._last_said.endswith("\n") else gap) + text
        self._insert(text, out)

    def cite(self, url: str, out: list[Fact]) -> None:
        """A citation of `url` at this place, unless the one just before is the same."""
        if url == self._last_cited or not url.startswith(("https://", "http://")):
            return
        self._last_cited = url
        number = self._numbers.setdefault(url, len(self._numbers) + 1)
        start = self.length
        self._insert(f" [[{number}]]({url})", out)
        out.append(Cited(url, self._sources.title_of(url), start, self.length))

    def _pass(self, text: str, out: list[Fact]) -> None:
        if text:
            self._plain += len(text)
            self._checksum = crc32(text.encode(), self._checksum)
            self._last_said = text
            if not self._unbroken:
                self._resume(text)
            out.append(Said(text))

    def _resume(self, text: str) -> None:
        """Words follow a tag; white space does not part two citations."""
        self._tags = 0
        if not text.isspace():
            self._last_cited = None
            self._unbroken = True

    def _insert(self, text: str, out: list[Fact]) -> None:
        self._added += len(text)
        self._last_said = text
        self._unbroken = False
        out.append(Said(text))

    def _scan(self, text: str, out: list[Fact]) -> None:
        at = 0
        self._held = ""
        while True:
            start = text.find(_OPEN, at)
            if start < 0:
                start = len(text) - _tail(text[at:])
                self._pass(text[at:start], out)
                self._held = text[start:]
                return
            self._pass(text[at:start], out)
            end = _end_of_tag(text, start)
            if end is None:
                self._held = text[start:]
                return
            if end:
                self._show(text[start:end], out)
                at = end
            else:
                at = start + len(_OPEN)
                self._pass(_OPEN, out)

    def _show(self, tag: str, out: list[Fact]) -> None:
        self._tags += 1
        self._unbroken = False
        attributes = {name: double or single for name, double, single in _ATTRIBUTE.findall(tag.partition(">")[0])}
        card = self.cards.get(attributes.get("card_id", ""))
        if card is None:
            return
        kind = attributes.get("type")
        if kind == "render_inline_citation" and card.url:
            self.cite(card.url, out)
        elif kind == "render_searched_image" and card.image:
            shown = _markdown(card.image)
            if shown:
                self._insert(shown, out)

    def _missing(self, message: str) -> str:
        """What `message` holds beyond the plain text that was said, tags that were seen left out."""
        at = count = checksum = 0
        seen = self._tags
        for tag in _TAG.finditer(message):
            piece = message[at : tag.start()]
            if count + len(piece) > self._plain:
                break
            checksum = crc32(piece.encode(), checksum)
            count += len(piece)
            at = tag.end()
            if count == self._plain:
                if not seen:
                    at = tag.start()
                    break
                seen -= 1
        rest = at + self._plain - count
        if rest > len(message) or crc32(message[at:rest].encode(), checksum) != self._checksum:
            return ""
        return message[rest:]


def _end_of_tag(text: str, start: int) -> int | None:
    """Where the tag at `start` ends; 0 when it is no tag; `None` when that cannot be told yet."""
    limit = start + _LONGEST_TAG
    after = start + len(_OPEN)
    stop = text.find(">", after, limit)
    if text[after : after + 1].strip(" \t\r\n/>") or text.find("<", after, stop if stop >= 0 else limit) >= 0:
        return 0
    if stop >= 0 and text[stop - 1] == "/":
        return stop + 1
    close = text.find(_CLOSE, stop, limit) if stop >= 0 else -1
    if close >= 0:
        return close + len(_CLOSE)
    return 0 if len(text) >= limit else None


def _tail(text: str) -> int:
    """How many of the last characters may be the beginning of a tag."""
    at = text.rfind("<", -len(_OPEN))
    return len(text) - at if at >= 0 and _OPEN.startswith(text[at:]) else 0


def _markdown(picture: Picture) -> str:
    source = picture.thumbnail or picture.original
    if not source:
        return ""
    shown = f"![{label(picture.title or '')}]({source})"
    return f"[{shown}]({picture.link})" if picture.link else shown
