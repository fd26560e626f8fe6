"""What one answer of grok.com says, told as facts, whichever wire it came over.

The wires (`chat_wire`, `gateway_ws_wire`) read frames and call this; it keeps what an answer needs to remember: its
text and citations, its reasoning, searches and pictures, and whether it is over. It promises that the last fact is
`Ended` or `Failed`, exactly once, and that an answer with nothing in it is a failure.
"""

from grok2api.canonical.events import Ended, Fact, Failed, Finish, Produced
from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.grok_web.cards import Card
from grok2api.upstreams.grok_web.films import Films
from grok2api.upstreams.grok_web.pictures import Pictures
from grok2api.upstreams.grok_web.rendering import Renderer
from grok2api.upstreams.grok_web.sources import Sources
from grok2api.upstreams.grok_web.thinking import Reasoning, Tool
from grok2api.upstreams.refusals import CONTENT_MODERATED, classify_error

WHAT = "grok.com"


class Teller:
    """One answer. `over` is true once its last fact has been told; nothing is told after that."""

    __slots__ = ("_show_sources", "attachments", "films", "over", "pictures", "reasoning", "sources", "text")

    def __init__(self, *, assets_url: str, show_sources: bool) -> None:
        self._show_sources = show_sources
        self.over = False
        self.sources = Sources()
        self.text = Renderer(self.sources)
        self.reasoning = Reasoning()
        self.pictures = Pictures(assets_url)
        self.films = Films(assets_url)
        self.attachments: list[str] = []  # ids of files that the answer brought

    @property
    def has_content(self) -> bool:
        return bool(self.text.length or self.pictures.links or self.films.url)

    def tool(self, tool: Tool, rollout: str, out: list[Fact]) -> None:
        """A tool of the upstream's own runs: a line of reasoning, and perhaps a search."""
        self.sources.searching(tool.card_id, tool.name, tool.argument)
        self.reasoning.tool(tool, rollout, out)

    @property
    def unfinished(self) -> bool:
        """Whether something is being drawn or filmed."""
        return self.pictures.unfinished or self.films.unfinished

    def card(self, card: Card, out: list[Fact]) -> None:
        """A card came: something the text will refer to, or a picture's progress."""
        if card.image_chunk is not None:
            self.pictures.step(card.image_chunk, out)
        elif card.id:
            self.text.cards[card.id] = card

    def end(self, out: list[Fact], finish: Finish = Finish.STOP, evidence: bytes = b"") -> None:
        """The upstream has said all. `evidence` is what it said when that came to nothing."""
        if self.over:
            return
        self.text.finish(out)
        if not self.has_content:
            self.fail(self._nothing(evidence), out)
            return
        out.extend(Produced(url, "image", name, placed=True) for name, url in self.pictures.links.items())
        if self.films.url:
            self.text.add(f"[video]({self.films.url})", out, "\n\n")
        if self._show_sources:
            listing = self.sources.listing()
            if listing:
                self.text.add(listing, out)
        self.over = True
        out.append(Ended(finish))

    def fail(self, problem: Problem, out: list[Fact]) -> None:
        """The answer breaks off. What was held back as half a tag is not said: it may not be text."""
        if self.over:
            return
        self.over = True
        out.append(Failed(problem))

    def refuse(self, error: object, out: list[Fact]) -> None:
        """The upstream broke the answer off, with an error of its own."""
        self.fail(classify_error(error, what=WHAT), out)

    def _nothing(self, evidence: bytes) -> Problem:
        if self.pictures.all_withheld or self.films.withheld:
            return withheld()
        message = f"{WHAT} ended its answer without saying anything"
        return Problem(kind=Kind.EMPTY, message=message, code="empty_response", evidence=evidence)


def withheld() -> Problem:
    """Everything that was made is kept back."""
    message = f"{WHAT} made what was asked for and withheld it: the content was moderated"
    return Problem(kind=Kind.REFUSED, message=message, code=CONTENT_MODERATED)


def cut() -> Problem:
    """The stream ended before the answer did."""
    return Problem(kind=Kind.CUT, message=f"{WHAT} broke the answer off", code="stream_cut")
