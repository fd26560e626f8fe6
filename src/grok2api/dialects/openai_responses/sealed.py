"""The `encrypted_content` of a compaction item, which carries a summary through the client.

The item holds the summary itself: `grok2api.c1.` and base64 of a check sum and the text. Not
secret and not signed, and need not be: it is read as the client's own words and gives no right that a client lacks. The
check sum finds items that were cut or mended on the way. Contents of others cannot be read and mean nothing.
"""

import binascii
from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256

_MARK = "grok2api.c1."
_SUM = 8
#: Characters of a summary that are carried; more than a model is asked for.
LONGEST = 100_000


class Damaged(ValueError):  # noqa: N818 - a finding about the content, which its reader words
    """Our own content, but not as it was made."""


def seal(summary: str) -> str:
    """The content that carries `summary`, the same for the same text; what is longer than `LONGEST` is cut."""
    text = summary[:LONGEST].encode("utf-8", "replace")
    return _MARK + urlsafe_b64encode(sha256(text).digest()[:_SUM] + text).decode()


def is_ours(content: object) -> bool:
    """Whether this content was made here."""
    return isinstance(content, str) and content.startswith(_MARK)


def unseal(content: str) -> str | None:
    """The summary in `content`; `None` when it is not ours. Raises `Damaged`."""
    if not is_ours(content):
        return None
    try:
        held = b64decode(content[len(_MARK) :], b"-_", validate=True)
        text = held[_SUM:].decode()
    except (binascii.Error, ValueError):
        raise Damaged from None
    if sha256(held[_SUM:]).digest()[:_SUM] != held[:_SUM]:
        raise Damaged
    return text
