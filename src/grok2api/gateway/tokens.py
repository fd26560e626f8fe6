"""The tokenizer behind our own counts: a BPE whose vocabulary ships inside its package.

Loaded at the first count (some 30 MB), so that an idle gateway does not carry it. cl100k is not Grok's own
vocabulary; for prose and code it is within a few per cent, and it is the same everywhere (H2).
"""

from functools import cache
from typing import Protocol

from rs_bpe import openai


class _Tokenizer(Protocol):
    def count(self, text: str) -> int: ...


@cache
def _tokenizer() -> _Tokenizer:
    loaded: _Tokenizer = openai.cl100k_base()
    return loaded


def count(text: str) -> int:
    """How many tokens `text` is."""
    return _tokenizer().count(text)
