"""Whole arguments as models write them -> one compact JSON object, or nothing.

Takes off what is around the object (fences, CDATA, escapes, a JSON string around the JSON) and leaves the
object itself to the writer. Never guesses: what the writer calls broken is nothing.
"""

import html
import json
import re

from grok2api.tools.arguments import compact

_FENCED = re.compile(r"```[\w+-]{0,16}[ \t]*\n?(.*?)\n?[ \t]*```", re.DOTALL)
_CDATA = re.compile(r"<!\[CDATA\[(.*)\]\]>", re.DOTALL)
_ESCAPED = re.compile(r"\{\s*&(?:quot|#34|#x22|#39|apos);")
_NESTED = 3


def mend(text: str) -> str | None:
    """`text` as one valid compact JSON object; None when that would take a guess. Nothing at all is `{}`."""
    for _ in range(_NESTED):
        text = unwrapped(text)
        if not text:
            return "{}"
        if text[0] != '"':
            break
        inner = _string(text)
        if inner is None:
            return None
        text = inner
    if _ESCAPED.match(text):
        text = html.unescape(text)
    return compact(text) if text[:1] == "{" else None


def unwrapped(text: str) -> str:
    """`text` without the white space, the CDATA section and the fence that are wholly around it."""
    text = text.strip()
    for wrapping in (_CDATA, _FENCED):
        if match := wrapping.fullmatch(text):
            text = match.group(1).strip()
    return text


def free_text(text: str) -> str:
    """The input of a custom tool: `text` without its CDATA section, or without the line breaks next to its tags."""
    if match := _CDATA.fullmatch(text.strip()):
        return match.group(1)
    return text.removeprefix("\n").removesuffix("\n")


def _string(text: str) -> str | None:
    try:
        value = json.loads(text, strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) else None
