"""How settings are shown to people, and how what was shown is read back: a mask stands for the value that is there.

Pure. Secret values are shown as `MASK`, names in tables stay, and so does a URL around its password. What comes back as
it was shown means "unchanged", in whole or entry by entry, so that a form can be sent back with its masks in it.
"""

import re
from collections.abc import Mapping
from typing import Any

from grok2api.config.table import Kind, Setting, is_secret
from grok2api.config.values import BadValue

MASK = "********"

_PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def shown(row: Setting, value: Any) -> Any:
    """`value` in the types that JSON knows, with nothing secret in it."""
    if not is_secret(row, value):
        return _PASSWORD_IN_URL.sub(MASK, value) if isinstance(value, str) else plain(value)
    match row.kind:
        case Kind.TABLE:
            return dict.fromkeys(value, MASK)
        case Kind.TEXTS:
            return [MASK] * len(value)
        case _:
            return MASK if value else value


def plain(value: Any) -> Any:
    """Lists and tables in the types that JSON knows, whole numbers without a fraction."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return list(value) if isinstance(value, tuple) else value


def unmasked(row: Setting, raw: Any, current: Any) -> Any:
    """`raw` with the masks in it replaced by what they stand for in `current`.

    Raises `BadValue` for a mask that stands for nothing.
    """
    before = shown(row, current)
    if not is_secret(row, current) and before == plain(current):
        return raw
    if raw == before or (raw == MASK and current):
        return plain(current)
    if isinstance(raw, Mapping) and isinstance(current, Mapping):
        raw = {name: current.get(name, item) if item == MASK else item for name, item in raw.items()}
    elif isinstance(raw, list) and MASK in raw:
        raw = _entries(raw, current)
    if _holds_mask(raw):
        raise BadValue("holds a mask that stands for no value here; send the value itself")
    return raw


def _entries(raw: list[Any], current: Any) -> list[Any]:
    """Masks stand for the entries in their order, which can be told only while all of them are there."""
    if raw.count(MASK) != len(current):
        raise BadValue(
            f"has {raw.count(MASK)} masked entries where there are {len(current)}, so which are meant cannot be told; "
            "send the entries themselves"
        )
    kept = iter(current)
    return [next(kept) if item == MASK else item for item in raw]


def _holds_mask(raw: Any) -> bool:
    match raw:
        case str():
            return MASK in raw
        case Mapping():
            return any(_holds_mask(item) for item in raw.values())
        case list():
            return any(_holds_mask(item) for item in raw)
        case _:
            return False
