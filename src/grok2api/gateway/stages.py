"""What the gateway does to facts on their way: hide thinking, stop, limit, measure.

Pure. A stage takes a batch of facts and returns a batch; one that ends the answer early puts `Ended`
last, and the loop then closes the upstream.
"""

from collections.abc import Sequence
from typing import Protocol

from grok2api.canonical.events import CallArgued, Ended, Fact, Finish, Reasoned, Said, Thought
from grok2api.gateway.counting import Count, Meter


class Stage(Protocol):
    """One transformation of facts. `feed` sees every batch once, in order."""

    def feed(self, facts: list[Fact]) -> list[Fact]: ...


class HideThinking:
    """Drops readable thinking. `keep_encrypted`: the client asked for the opaque form all the same."""

    def __init__(self, *, keep_encrypted: bool) -> None:
        self._keep = keep_encrypted

    def feed(self, facts: list[Fact]) -> list[Fact]:
        keep = self._keep
        return [fact for fact in facts if type(fact) is not Thought and (keep or type(fact) is not Reasoned)]


class Stop:
    """Ends the answer before the first stop sequence, for upstreams that cannot (H1).

    The first is the one that is complete first, so that the cut of the stream cannot change the answer.
    Holds back only a tail that may still become a stop sequence.
    """

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = tuple(sequence for sequence in sequences if sequence)
        self._held = ""
        self._over = False

    def feed(self, facts: list[Fact]) -> list[Fact]:
        out: list[Fact] = []
        for fact in facts:
            if self._over:
                break
            if type(fact) is Said:
                self._say(fact.text, out)
            else:
                self._release(out)
                out.append(fact)
        return out

    def _say(self, text: str, out: list[Fact]) -> None:
        text = self._held + text
        self._held = ""
        found = [(at, sequence) for sequence in self._sequences if (at := text.find(sequence)) >= 0]
        if found:
            at, sequence = min(found, key=lambda pair: (pair[0] + len(pair[1]), pair[0]))
            if at:
                out.append(Said(text[:at]))
            out.append(Ended(Finish.STOP_SEQUENCE, stop_sequence=sequence))
            self._over = True
            return
        keep = self._tail(text)
        self._held = text[len(text) - keep :] if keep else ""
        if len(text) > keep:
            out.append(Said(text[: len(text) - keep]))

    def _tail(self, text: str) -> int:
        """How many characters at the end may be the beginning of a stop sequence."""
        longest = min(max((len(sequence) for sequence in self._sequences), default=1) - 1, len(text))
        for size in range(longest, 0, -1):
            tail = text[len(text) - size :]
            if any(sequence.startswith(tail) for sequence in self._sequences):
                return size
        return 0

    def _release(self, out: list[Fact]) -> None:
        if self._held:
            out.append(Said(self._held))
            self._held = ""


class Limit:
    """Ends the answer at `limit` tokens of text and arguments, for upstreams that cannot (H1).

    Thinking is not counted: on such upstreams its length cannot be steered, and an answer that is all
    budget and no text helps nobody.
    """

    def __init__(self, limit: int, count: Count) -> None:
        self._limit = limit
        self._count = count
        self._meter = Meter(count)
        self._over = False

    def feed(self, facts: list[Fact]) -> list[Fact]:
        out: list[Fact] = []
        for fact in facts:
            if self._over:
                break
            if type(fact) is Said or type(fact) is CallArgued:
                self._pass(fact, out)
            else:
                out.append(fact)
        return out

    def _pass(self, fact: Said | CallArgued, out: list[Fact]) -> None:
        before = self._meter
        before.add(fact.text)
        if before.at_most() < self._limit or (total := before.total()) < self._limit:
            out.append(fact)
            return
        text = self._shorten(fact.text, total - self._limit)
        if text:
            out.append(type(fact)(text))
        out.append(Ended(Finish.LENGTH))
        self._over = True

    def _shorten(self, text: str, excess: int) -> str:
        """The text without its last `excess` tokens, as nearly as whole characters allow."""
        if excess <= 0:
            return text
        allowed = max(0, self._count(text) - excess)
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self._count(text[:middle]) <= allowed:
                low = middle
            else:
                high = middle - 1
        return text[:low]


class Measure:
    """Counts what the model produced, thinking included; changes nothing."""

    def __init__(self, count: Count) -> None:
        self._thinking = Meter(count)
        self._text = Meter(count)

    def feed(self, facts: list[Fact]) -> list[Fact]:
        for fact in facts:
            kind = type(fact)
            if kind is Said or kind is CallArgued:
                self._text.add(fact.text)  # type: ignore[union-attr]
            elif kind is Thought:
                self._thinking.add(fact.text)  # type: ignore[union-attr]
        return facts

    def totals(self) -> tuple[int, int]:
        """(output tokens with reasoning, reasoning tokens)."""
        reasoning = self._thinking.total()
        return self._text.total() + reasoning, reasoning
