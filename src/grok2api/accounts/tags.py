"""The words that operators put on accounts. Pure."""

from collections.abc import Iterable

LONGEST = 64


def tidy(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: one line without blanks at its ends, at most 64 characters, each once, none empty."""
    lines = (tag if _is_tidy(tag) else " ".join(_clean(tag).split())[:LONGEST].rstrip() for tag in tags)
    return tuple(dict.fromkeys(line for line in lines if line))


def _is_tidy(tag: str) -> bool:
    """Whether nothing is to be done, as for nearly every tag."""
    return tag.isprintable() and len(tag) <= LONGEST and tag == tag.strip() and "  " not in tag


def _clean(tag: str) -> str:
    """`tag` without control characters and halves of characters; a database takes neither."""
    return "".join(" " if char.isspace() else char for char in tag if char.isspace() or not _is_control(char))


def _is_control(char: str) -> bool:
    return char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"
