"""From facts to events, and from events to a whole answer.

`Sequencer` is the one place that opens and closes parts; `check` states the grammar; `fold` makes a
whole answer of a stream, so that the two can never differ (S15).

Rule for late thinking (S12): readable thinking that arrives after the answer's text has begun is not
shown, in a stream or in a whole answer. Its encrypted form, which clients must send back, is kept.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

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
    PartDelta,
    PartEnded,
    PartKind,
    PartStarted,
    Previewed,
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
from grok2api.canonical.problem import Problem

_TEXT, _THINKING, _CALL = PartKind.TEXT, PartKind.THINKING, PartKind.CALL


class Sequencer:
    """Turns facts into events of the grammar, for one answer.

    Feed it batches; it never emits `Started`, `Finished` or `Failed` by itself: the gateway knows
    when an answer starts for its client, and what it cost.
    """

    __slots__ = ("_index", "_open", "_spans", "_text_length", "called", "produced")

    def __init__(self) -> None:
        self._index = -1
        self._open: PartKind | None = None
        self._text_length = 0
        self._spans: list[tuple[int, int]] = []  # (part index, where it starts in the whole text)
        self.called = False
        self.produced = False

    @property
    def has_content(self) -> bool:
        """Whether the answer holds anything but thinking."""
        return self.called or self.produced or self._text_length > 0

    @property
    def has_text(self) -> bool:
        """Whether anything was said."""
        return self._text_length > 0

    @property
    def begun(self) -> bool:
        """Whether there is anything yet that a client would see."""
        return self._index >= 0 or self.produced

    def feed(self, facts: Iterable[Fact]) -> list[Event]:
        """The events of these facts; `Ended` and `Failed` close what is open and add nothing."""
        out: list[Event] = []
        for fact in facts:
            kind = type(fact)
            if kind is Said:
                if fact.text:  # type: ignore[union-attr]
                    self._say(fact.text, out)  # type: ignore[union-attr]
            elif kind is Thought:
                self._think(fact.text, out)  # type: ignore[union-attr]
            else:
                self._rest(fact, out)
        return out

    def _say(self, text: str, out: list[Event]) -> None:
        if self._open is not _TEXT:
            self._start(_TEXT, None, out)
            self._spans.append((self._index, self._text_length))
        self._text_length += len(text)
        out.append(PartDelta(self._index, text))

    def _think(self, text: str, out: list[Event]) -> None:
        if self._text_length or not text:
            return
        if self._open is not _THINKING:
            self._start(_THINKING, None, out)
        out.append(PartDelta(self._index, text))

    def _rest(self, fact: Fact, out: list[Event]) -> None:
        match fact:
            case CallOpened():
                self.called = True
                self._start(_CALL, fact, out)
            case CallArgued(text):
                if self._open is _CALL and text:
                    out.append(PartDelta(self._index, text))
            case CallClosed():
                if self._open is _CALL:
                    self._close(out)
            case Reasoned(encrypted, ident):
                self._reasoned(encrypted, ident, out)
            case Cited():
                self._cite(fact, out)
            case Searched() | Sourced() | Progressed():
                out.append(fact)
            case Produced():
                self.produced = True
                out.append(fact)
            case Ended() | Failed():
                self._close(out)
            case _:
                pass

    def _start(self, kind: PartKind, call: CallOpened | None, out: list[Event]) -> None:
        self._close(out)
        self._index += 1
        self._open = kind
        out.append(PartStarted(self._index, kind, call))

    def _close(self, out: list[Event], encrypted: str | None = None, ident: str | None = None) -> None:
        if self._open is not None:
            self._open = None
            out.append(PartEnded(self._index, encrypted, ident))

    def _reasoned(self, encrypted: str | None, ident: str | None, out: list[Event]) -> None:
        if self._open is not _THINKING:
            if encrypted is None:
                return
            self._start(_THINKING, None, out)
        self._close(out, encrypted, ident)

    def _cite(self, fact: Cited, out: list[Event]) -> None:
        for index, offset in reversed(self._spans):
            if fact.start >= offset:
                out.append(Cited(fact.url, fact.title, fact.start - offset, fact.end - offset, index))
                return


class AnswerPart(msgspec.Struct, frozen=True):
    """A whole part. `text` is the words, the thinking, or the call's arguments."""

    kind: PartKind
    text: str
    call: CallOpened | None = None
    citations: tuple[Cited, ...] = ()
    encrypted: str | None = None
    id: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer: what a stream of events comes to.

    order: parts and searches as they came. trail: the events themselves, without progress and end, and with
    neighbouring deltas of a part in one: for a dialect whose wire breaks parts up.
    """

    parts: tuple[AnswerPart, ...]
    order: tuple[AnswerPart | Searched | Produced, ...]
    trail: tuple[Event, ...]
    sources: tuple[Source, ...]
    finish: Finish | None
    usage: Usage
    stop_sequence: str | None = None
    problem: Problem | None = None

    def text(self) -> str:
        return "".join(part.text for part in self.parts if part.kind is _TEXT)

    def thinking(self) -> str:
        return "".join(part.text for part in self.parts if part.kind is _THINKING)


class _Run:
    """Deltas of one part that nothing came between."""

    __slots__ = ("index", "pieces")

    def __init__(self, index: int) -> None:
        self.index = index
        self.pieces: list[str] = []


class _OpenPart:
    __slots__ = ("call", "citations", "encrypted", "ident", "kind", "runs")

    def __init__(self, kind: PartKind, call: CallOpened | None) -> None:
        self.kind = kind
        self.call = call
        self.runs: list[_Run] = []
        self.citations: list[Cited] = []
        self.encrypted: str | None = None
        self.ident: str | None = None

    def whole(self, texts: Mapping[_Run, str]) -> AnswerPart:
        text = "".join(texts[run] for run in self.runs)
        return AnswerPart(self.kind, text, self.call, tuple(self.citations), self.encrypted, self.ident)


class Fold:
    """Collects events into an `Answer`; feed it the whole stream, then take `answer()`."""

    def __init__(self) -> None:
        self._parts: dict[int, _OpenPart] = {}
        self._order: list[_OpenPart | Searched | Produced] = []
        self._trail: list[Event | _Run] = []
        self._run: _Run | None = None
        self._sources: dict[str, Source] = {}
        self._end: Finished | Failed | None = None

    def feed(self, events: Iterable[Event]) -> None:
        for event in events:
            if type(event) is PartDelta:
                run = self._run
                if run is None or run.index != event.index:
                    run = self._begin_run(event.index)
                run.pieces.append(event.text)
            elif not isinstance(event, Started | Progressed | Previewed):
                self._note(event)

    def _begin_run(self, index: int) -> _Run:
        run = self._run = _Run(index)
        self._parts[index].runs.append(run)
        self._trail.append(run)
        return run

    def _note(self, event: Event) -> None:
        self._run = None
        if isinstance(event, Finished | Failed):
            self._end = event
            return
        self._trail.append(event)
        match event:
            case PartStarted(index, kind, call):
                part = self._parts[index] = _OpenPart(kind, call)
                self._order.append(part)
            case PartEnded(index, encrypted, ident):
                self._parts[index].encrypted, self._parts[index].ident = encrypted, ident
            case Cited():
                self._parts[event.index].citations.append(event)
            case Searched():
                self._order.append(event)
                self._remember(event.sources)
            case Sourced(sources):
                self._remember(sources)
            case Produced():
                self._order.append(event)
            case _:
                pass

    def _remember(self, sources: Iterable[Source]) -> None:
        for source in sources:
            self._sources.setdefault(source.url, source)

    def answer(self) -> Answer:
        end = self._end
        texts = {item: "".join(item.pieces) for item in self._trail if isinstance(item, _Run)}
        made = {id(part): part.whole(texts) for part in self._parts.values()}
        order = tuple(made[id(item)] if isinstance(item, _OpenPart) else item for item in self._order)
        finished = end if isinstance(end, Finished) else None
        return Answer(
            parts=tuple(made[id(self._parts[index])] for index in sorted(self._parts)),
            order=order,
            trail=tuple(PartDelta(item.index, texts[item]) if isinstance(item, _Run) else item for item in self._trail),
            sources=tuple(self._sources.values()),
            finish=finished.finish if finished else None,
            usage=finished.usage if finished else Usage(input=0, output=0),
            stop_sequence=finished.stop_sequence if finished else None,
            problem=end.problem if isinstance(end, Failed) else None,
        )


def fold(events: Iterable[Event]) -> Answer:
    """The whole answer that this stream comes to."""
    folded = Fold()
    folded.feed(events)
    return folded.answer()


class GrammarError(AssertionError):
    """A stream of events that breaks the grammar: a bug of ours, never of an upstream."""


def check(events: Iterable[Event]) -> Iterator[Event]:
    """Pass the events on, and raise `GrammarError` at the first that the grammar does not allow."""
    started = ended = False
    open_index: int | None = None
    last = -1
    for event in events:
        if ended:
            raise GrammarError(f"{event!r} after the end")
        match event:
            case Started():
                _demand(not started, event)
                started = True
            case PartStarted(index, kind, call):
                _demand(started and open_index is None and index == last + 1, event)
                _demand((call is not None) == (kind is _CALL), event)
                open_index = last = index
            case PartDelta(index):
                _demand(index == open_index, event)
            case PartEnded(index):
                _demand(index == open_index, event)
                open_index = None
            case Cited():
                _demand(0 <= event.index <= last and 0 <= event.start <= event.end, event)
            case Finished():
                _demand(started and open_index is None, event)
                ended = True
            case Failed():
                _demand(open_index is None, event)
                ended = True
            case _:
                _demand(started, event)
        yield event
    if not ended:
        raise GrammarError("the stream has no end")


def _demand(allowed: bool, event: Event) -> None:
    if not allowed:
        raise GrammarError(f"{event!r} is not allowed here")
