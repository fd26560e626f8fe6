"""The `signature` of a thinking block, which carries the upstream's encrypted reasoning through the client.

Clients send a block back with its signature unread, so it is the one place where a next turn can find what
the upstream wants to see again. Ours says so itself: `grok2api.1.<item id>.<encrypted>`, both may be
empty. Signatures of others are accepted and mean nothing.
"""

from grok2api.canonical.request import Thinking

_MARK = "grok2api.1."
#: Stands where Anthropic's schema wants something encrypted of a search and we have nothing to hide.
OPAQUE = f"{_MARK}."


def sign(encrypted: str | None, ident: str | None) -> str:
    """The signature of a thinking part; never empty, and the same for the same part."""
    plain = ident if ident and "." not in ident else ""
    return f"{_MARK}{plain}.{encrypted or ''}"


def restore(thinking: str, signature: str | None) -> Thinking:
    """The thinking part that a client sends back."""
    if signature is None or not signature.startswith(_MARK):
        return Thinking(thinking)
    ident, _, encrypted = signature[len(_MARK) :].partition(".")
    return Thinking(thinking, encrypted or None, ident or None)
