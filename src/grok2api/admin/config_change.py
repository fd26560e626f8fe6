"""`POST config`: change settings, in force at once and kept in the operator's file, or refused as a whole (O2)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.admin.codes import refuse
from grok2api.admin.config_read import is_fixed
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.canonical.problem import Refusal
from grok2api.catalog import nearest
from grok2api.config.configured import Configured
from grok2api.config.errors import SettingsError
from grok2api.config.load import DEFAULT, DERIVED
from grok2api.config.masking import unmasked
from grok2api.config.sources import Given, flatten
from grok2api.config.table import BY_KEY, Setting, value_of
from grok2api.config.values import BadValue, read

#: What older programs read at their start and called so.
_FORMER = ("account.storage", "account.local", "account.redis", "account.mysql", "account.postgresql")


class Saved(msgspec.Struct, frozen=True):
    """changed: the keys that have other values now. warnings: a sentence for each setting that has no effect."""

    status: str
    message: str
    selection_strategy: str
    changed: tuple[str, ...]
    warnings: tuple[str, ...]


async def change_config(parts: Parts, call: Call[None, dict[str, Any]]) -> Saved:
    """Nested or dotted keys; a mask leaves a value as it is, `null` brings the default back."""
    configured = parts.configured
    await configured.look()
    changes: dict[str, Any] = {}
    for given in flatten(call.body, "the request"):
        changes |= _wanted(given, configured)
    try:
        changed = await configured.change(changes) if changes else None
    except SettingsError as error:
        raise _refused(error) from None
    keys = changed.keys if changed is not None else ()
    if keys:
        message = f"{len(keys)} setting{'s' * (len(keys) > 1)} changed and saved to {configured.path.name}"
    else:
        message = "Nothing to change: every value is as it was"
    warnings = tuple(words for words in configured.loaded.warnings if words.split(" ")[0] in changes)
    return Saved("success", message, configured.live.current.account.strategy, keys, warnings)


def _wanted(given: Given, configured: Configured) -> Mapping[str, Any]:
    """The change that this value asks for; none when it is as it was. Raises `Refusal`."""
    former = next((name for name in _FORMER if given.key == name or given.key.startswith(f"{name}.")), None)
    if former is not None:
        raise refuse("startup_only_config", f"{former} is read at the start only; here it is storage.url", given.key)
    row = BY_KEY.get(given.key)
    if row is None:
        raise _unknown(given.key)
    current = value_of(configured.live.current, row.key)
    value = _value(row, given.raw, current)
    if value == current and given.raw is not None:
        return {}
    origin = configured.loaded.origins[row.key]
    if given.raw is None and origin in (DEFAULT, DERIVED):
        return {}
    if is_fixed(origin):
        message = f"{row.key} is set by the {origin}, which wins over the file; change it there"
        raise refuse("overridden_config", message, row.key)
    if row.about.restart and value != current:
        message = f"{row.key} is read at the start only: change it in the file and start again"
        raise refuse("startup_only_config", message, row.key)
    return {row.key: given.raw if given.raw is None else value}


def _value(row: Setting, raw: Any, current: Any) -> Any:
    if raw is None:
        return row.default
    try:
        raw = unmasked(row, raw, current)
        return read(row, raw, written=isinstance(raw, str))
    except BadValue as error:
        raise refuse("invalid_config", f"{row.key} {error}", row.key) from None


def _unknown(key: str) -> Refusal:
    shown = key if key.isprintable() and len(key) <= 80 else repr(key[:80])
    message = f"{shown} is not a setting; did you mean {nearest(key[:80], BY_KEY, 1)[0]}?"
    return refuse("invalid_config", message, shown)


def _refused(error: SettingsError) -> Refusal:
    words = error.problems[0].replace(":", " ").split()
    param = next((word for word in words if word in BY_KEY), None)
    return refuse("invalid_config", "; ".join(error.problems), param)
