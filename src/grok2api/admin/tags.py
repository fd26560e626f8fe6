"""Tags as requests bring them, within their bounds. Pure."""

from collections.abc import Sequence

from grok2api.accounts.importing.entries import MAX_TAG_LENGTH, MAX_TAGS
from grok2api.admin.codes import refuse


def checked(tags: Sequence[str], at: str = "tags") -> tuple[str, ...]:
    """Each tag once, without space around it. Raises `Refusal`."""
    for place, tag in enumerate(tags):
        where = f"{at}.{place}"
        if len(tag.strip()) > MAX_TAG_LENGTH:
            raise refuse("tag_too_long", f"{where} is longer than {MAX_TAG_LENGTH} characters", where)
        if not tag.isprintable() and tag.strip():
            raise refuse("invalid_value", f"{where} must be one line without control characters", where)
    found = tuple(dict.fromkeys(stripped for tag in tags if (stripped := tag.strip())))
    if len(found) > MAX_TAGS:
        raise refuse("too_many_tags", f"{at} has {len(found)} tags; an account may have {MAX_TAGS}", at)
    return found
