"""The tokenizer behind our own counts: a BPE whose vocabulary ships inside its package.

Loaded at the first count (some 30 MB), so that an idle gateway does not carry it. cl100k is not Grok's own
vocabulary; for prose and code it is within a few per cent, and it is the same everywhere (H2).
"""

from functools import cache
from typing import Protocol

from rs_bpe import openai

#: Characters that are counted at once.
_SLICE = 8192


class _Tokenizer(Protocol):
    def count(self, text: str) -> int: ...


@cache
def _tokenizer() -> _Tokenizer:
    loaded: _Tokenizer = openai.cl100k_base()
    return loaded


def count(text: str) -> int:
    """How many tokens `text` is.

    Nothing else runs while the tokenizer does, so it is given a long text in slices, each some half a millisecond. They
    are cut before a space or a line break, where tokens begin.
    """
    tokenizer = _tokenizer()
    if len(text) <= _SLICE:
        return tokenizer.count(text)
    total = start = 0
    while start < len(text):
        end = _cut(text, start)
        total += tokenizer.count(text[start:end])
        start = end
    return total


def _cut(text: str, start: int) -> int:
    end = start + _SLICE
    if end >= len(text):
        return len(text)
    at = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
    return at if at > start else end
