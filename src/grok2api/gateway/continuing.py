"""Answers that go on where the client's own beginning ends: Anthropic's prefill.

No upstream of ours continues a turn by itself; each begins a new one. So the model is asked in words to go on, and what
it repeats of the beginning all the same is taken out: the client puts the two together without looking.
"""

import msgspec

from grok2api.canonical.events import Fact, Failed, Reasoned, Said, Thought
from grok2api.canonical.request import Message, Request, Role, Text

_ASK = (
    "The assistant's last turn above is the beginning of the answer that is wanted now. Go on exactly where its text "
    "ends, as if it had never been interrupted: repeat nothing of it, and begin with the very next character."
)


def asked_on(request: Request) -> Request:
    """The request with the wish, in words, that its beginning be continued; unchanged when it has none."""
    if not request.prefill:
        return request
    return msgspec.structs.replace(request, messages=(*request.messages, Message(Role.SYSTEM, (Text(_ASK),))))


class Continue:
    """A stage: drops the beginning of an answer as far as it is the whole `prefill` once more, and nothing else."""

    def __init__(self, prefill: str) -> None:
        self._prefill = prefill.strip()
        self._held = ""
        self._over = not self._prefill

    def feed(self, facts: list[Fact]) -> list[Fact]:
        if self._over:
            return facts
        out: list[Fact] = []
        for fact in facts:
            if self._over or isinstance(fact, Thought | Reasoned | Failed):
                out.append(fact)
            elif type(fact) is Said:
                self._compare(fact.text, out)
            else:
                self._let_go(self._held, out)
                out.append(fact)
        return out

    def _compare(self, text: str, out: list[Fact]) -> None:
        self._held += text
        begun = self._held.lstrip()
        if begun.startswith(self._prefill):
            self._let_go(begun[len(self._prefill) :], out)
        elif not self._prefill.startswith(begun):
            self._let_go(self._held, out)

    def _let_go(self, text: str, out: list[Fact]) -> None:
        self._over = True
        if text:
            out.append(Said(text))
