"""The tokenizer behind our own counts: a BPE whose vocabulary ships inside its package.

Loaded at the first count (some 30 MB), so that an idle gateway does not carry it. cl100k is not Grok's own
vocabulary; for prose and code it is within a few per cent, and it is the same everywhere (H2).

Clients send their whole history with every turn, so the counts of longer texts are remembered, by the hash of the text.
"""

from functools import cache
from typing import Protocol

from rs_bpe import openai


class _Tokenizer(Protocol):
    def count(self, text: str) -> int: ...


#: Texts of at least so many characters are remembered, and so many of them: some 3 MB.
_WORTH = 256
_MOST = 20_000


class Remembering:
    """Counts, and counts no long text twice while it is among the last `most` that were asked about."""

    def __init__(self, tokenizer: _Tokenizer, most: int = _MOST) -> None:
        self._tokenizer = tokenizer
        self._most = most
        self._known: dict[tuple[int, int], int] = {}

    def count(self, text: str) -> int:
        """How many tokens `text` is."""
        if len(text) < _WORTH:
            return self._tokenizer.count(text)
        key = (hash(text), len(text))
        tokens = self._known.pop(key, None)
        if tokens is None:
            tokens = self._tokenizer.count(text)
            if len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
        self._known[key] = tokens
        return tokens


@cache
def _counter() -> Remembering:
    return Remembering(openai.cl100k_base())


def count(text: str) -> int:
    """How many tokens `text` is."""
    return _counter().count(text)
