"""A conversation on grok.com that makes pictures or a film, read for what it makes.

Pure. The stream is that of a chat, so it is read by the chat's parser; this keeps what concerns media and lets the
words go. Some answers name no URL, only ids of files: those become URLs once the user's id is known (`resolve`).
"""

from typing import Literal

import msgspec

from grok2api.canonical.events import Ended, Fact, Failed, Produced, Progressed, Said
from grok2api.canonical.media import Artifact, Made, MediaFact
from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.grok_web.assets_wire import artifact_at, user_content_url
from grok2api.upstreams.grok_web.chat_wire import Parser
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.teller import WHAT, withheld

IMAGE_INCOMPLETE = "image_generation_incomplete"
VIDEO_FAILED = "video_generation_failed"

_WORDS = 400
_NOTHING = {"image": (IMAGE_INCOMPLETE, "without a picture"), "video": (VIDEO_FAILED, "without a film")}


class Reading:
    """One conversation. Feed it every read and close it at the end; it is over early once it has made enough.

    wanted: how many results are enough. first: the number of the first. span: the part of the whole run's progress that
    this conversation is. made: how many results there are. problem: why there are none, once it is over. unnamed: ids
    of files that stand for results until `resolve` has made URLs of them.
    """

    def __init__(
        self,
        options: WebOptions,
        kind: Literal["image", "video"],
        wanted: int = 1,
        first: int = 0,
        span: tuple[int, int] = (0, 100),
    ) -> None:
        self._options = options
        self._parser = Parser(options)
        self._kind: Literal["image", "video"] = kind
        self._wanted = wanted
        self._first = first
        self._from, self._to = span
        self._percent = self._from
        self._words = ""
        self._ended = False
        self.made = 0
        self.problem: Problem | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing more to be read."""
        return self.made >= self._wanted or self._ended

    @property
    def withheld(self) -> int:
        """How many results were made and are kept back."""
        return self._parser.withheld

    @property
    def lingering(self) -> bool:
        """Whether the answer has ended softly: what is still to come, comes soon."""
        return self._parser.stopping

    @property
    def unnamed(self) -> tuple[str, ...]:
        """Ids of files, when the answer has ended well and named no result otherwise."""
        nothing = self._ended and not self.made and not self.withheld
        return self._parser.unnamed[: self._wanted] if nothing and not self._broke_off else ()

    def feed(self, data: bytes) -> list[MediaFact]:
        """The facts of one read."""
        return self._read(self._parser.feed(data)) if not self.over else []

    def close(self) -> list[MediaFact]:
        """The facts of the body's end."""
        return self._read(self._parser.close()) if not self.over else []

    def broken(self, problem: Problem) -> list[MediaFact]:
        """The facts of a body that broke off."""
        return self._read(self._parser.broken(problem)) if not self.over else []

    def resolve(self, user_id: str) -> list[MediaFact]:
        """The results that were named only by ids."""
        out: list[MediaFact] = []
        for file_id in self.unnamed:
            url = user_content_url(user_id, file_id, self._options)
            self._make(artifact_at(url, self._kind, self._parser.film_id or file_id, self._options), out)
        return out

    @property
    def _broke_off(self) -> bool:
        return self.problem is not None and self.problem.kind is not Kind.EMPTY

    def _read(self, facts: list[Fact]) -> list[MediaFact]:
        out: list[MediaFact] = []
        for fact in facts:
            match fact:
                case Progressed(percent):
                    self._advance(min(self._part(percent), self._to - 1), out)
                case Produced(url, kind, ident, placed=False) if kind == self._kind and self.made < self._wanted:
                    self._make(artifact_at(url, kind, ident, self._options), out)
                case Said(text) if len(self._words) < _WORDS:
                    self._words += text
                case Ended():
                    self._end(None)
                case Failed(problem):
                    self._end(problem)
                case _:
                    pass
        return out

    def _part(self, percent: int) -> int:
        """The whole run's progress, when the next result is at `percent`."""
        return self._from + (self._to - self._from) * (100 * self.made + percent) // (100 * self._wanted)

    def _advance(self, percent: int, out: list[MediaFact]) -> None:
        if percent > self._percent:
            self._percent = percent
            out.append(Progressed(percent, self._kind))

    def _make(self, artifact: Artifact, out: list[MediaFact]) -> None:
        if artifact.kind == "video":
            artifact = msgspec.structs.replace(artifact, poster=self._parser.film_poster)
        self.made += 1
        self.problem = None
        self._advance(self._part(0), out)
        out.append(Made(artifact, self._first + self.made - 1))

    def _end(self, problem: Problem | None) -> None:
        self._ended = True
        if self.made:
            return
        if problem is not None and problem.kind is not Kind.EMPTY:
            self.problem = problem
        else:
            self.problem = withheld() if self.withheld else self._nothing(problem)

    def _nothing(self, problem: Problem | None) -> Problem:
        code, how = _NOTHING[self._kind]
        evidence = self._words[:_WORDS].encode() or (problem.evidence if problem is not None else b"")
        return Problem(kind=Kind.EMPTY, message=f"{WHAT} ended its answer {how}", code=code, evidence=evidence)
