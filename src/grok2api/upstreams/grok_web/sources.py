"""What the upstream looked up for an answer: its searches, and the pages and posts that they found.

A search is told once, whole, when its results come; results without a search are told as sources. The lists come in
several spellings (two fields for the web, three for X, another pair over the WebSocket), all read here.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from grok2api.canonical.events import Fact, Searched, Source, Sourced
from grok2api.upstreams.grok_web.flatten import SOURCES_HEADING, SOURCES_MARKER

_TITLE_CHARACTERS = 100
_NEVER_IN_LINK = str.maketrans({"[": "(", "]": ")", "\n": " ", "\r": " "})

SEARCHES: dict[str, Literal["web_search", "x_search"]] = {
    "web_search": "web_search",
    "x_search": "x_search",
    "x_keyword_search": "x_search",
    "x_semantic_search": "x_search",
}


class Sources:
    """The searches and sources of one answer."""

    __slots__ = ("_found", "_open")

    def __init__(self) -> None:
        self._open: dict[str, tuple[Literal["web_search", "x_search"], str]] = {}
        self._found: dict[str, Source] = {}

    def searching(self, card_id: str, tool: str, query: str) -> None:
        """A search began; what it finds names the same card."""
        kind = SEARCHES.get(tool)
        if kind is not None and card_id:
            self._open[card_id] = (kind, query)

    def found(self, card_id: str | None, sources: Iterable[Source], out: list[Fact]) -> None:
        """Results came, for a search or for none."""
        listed = {source.url: source for source in sources}
        new = tuple(source for url, source in listed.items() if url not in self._found)
        self._found.update((source.url, source) for source in new)
        search = self._open.pop(card_id, None) if card_id else None
        if search is not None:
            out.append(Searched(search[0], search[1], tuple(listed.values()), card_id or ""))
        elif new:
            out.append(Sourced(new))

    def title_of(self, url: str) -> str:
        """The title under which the page was found; the url itself when it was not."""
        source = self._found.get(url)
        return (source.title if source else "") or url

    def listing(self) -> str:
        """All that was found, as the last lines of an answer; empty when nothing was."""
        if not self._found:
            return ""
        lines = [f"- [{label(source.title or source.url)}]({source.url})" for source in self._found.values()]
        return "\n".join([SOURCES_HEADING, SOURCES_MARKER, *lines])


def web_sources(*values: Any) -> Iterator[Source]:
    """Pages in `{results: [{url, title}]}`, or in the bare list."""
    for item in _items(values):
        url = _text(item, "url")
        if url.startswith(("https://", "http://")):
            yield Source(url, _text(item, "title"), "web")


def x_sources(*values: Any) -> Iterator[Source]:
    """Posts in `{results: [{postId, username, text}]}`, or in the bare list; also in the WebSocket's spelling."""
    for item in _items(values):
        user, post = _text(item, "username", "userhandle"), _text(item, "postId", "post_id")
        if user and post:
            words = " ".join(_text(item, "text").split())[:_TITLE_CHARACTERS]
            yield Source(f"https://x.com/{user.removeprefix('@')}/status/{post}", words, "x_post")


def label(text: str) -> str:
    """The text as the label of a Markdown link."""
    return text.translate(_NEVER_IN_LINK)


def _items(values: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    for value in values:
        listed = value.get("results") if isinstance(value, dict) else value
        if isinstance(listed, list):
            yield from (item for item in listed if isinstance(item, dict))


def _text(item: dict[str, Any], *names: str) -> str:
    for name in names:
        value = item.get(name)
        if isinstance(value, str):
            return value
    return ""
