"""The configuration of chenyme/grok2api 2 as ours: what is carried over, and what is not, with the reason.

Pure. Most keys have the same names here. Its program copies all defaults into the operator's file, so what equals a
default is nobody's wish and is passed over; so is its well-known admin password.
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from grok2api.config.errors import SettingsError
from grok2api.config.sources import Given, flatten
from grok2api.config.table import BY_KEY
from grok2api.config.values import BadValue, read

_SOLVED = "challenges are not solved here; set proxy.clearance.mode to manual and copy values of your own browser"
_STORE = "accounts are imported from there: grok2api accounts import"
_DEFAULT_KEY = "grok2api"

#: Keys, or beginnings of keys, that have no counterpart, and why.
_LEFT = (
    ("account.storage", _STORE),
    ("account.local.", _STORE),
    ("account.redis.", _STORE),
    ("account.mysql.", _STORE),
    ("account.postgresql.", _STORE),
    ("features.dynamic_statsig", "values of bot protection are passed through from your own browser, never made"),
    ("proxy.clearance.browser", "no browser is impersonated"),
    ("proxy.clearance.", _SOLVED),
    ("voice.", "voice is not served"),
    ("asset.cleanup.", "files of accounts are not removed by themselves"),
)
#: Settings that mean something only while `proxy.clearance.mode` is `manual`.
_MANUAL = ("proxy.clearance.cf_cookies", "proxy.clearance.user_agent")


class Carried(msgspec.Struct, frozen=True):
    """settings: values by our keys. left: keys that were set and are not carried over, each with the reason."""

    settings: Mapping[str, Any]
    left: tuple[tuple[str, str], ...]


def carried(text: str) -> Carried:
    """What of a configuration file is carried over. Raises `SettingsError` when it is no TOML."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise SettingsError(["the file is not valid TOML"]) from None
    given = list(flatten(document, "the file"))
    mode = next((item.raw for item in given if item.key == "proxy.clearance.mode"), "none")
    settings: dict[str, Any] = {}
    left: list[tuple[str, str]] = []
    for item in given:
        try:
            settings.update(_wanted(item, manual=mode == "manual"))
        except BadValue as reason:
            left.append((item.key, str(reason)))
    return Carried(settings, tuple(left))


def _wanted(item: Given, *, manual: bool) -> Iterator[tuple[str, Any]]:
    """The setting, unless it is a default. Raises `BadValue` with the reason when it is not carried over."""
    row = BY_KEY.get(item.key)
    if row is None:
        raise BadValue(next((why for start, why in _LEFT if item.key.startswith(start)), "is not a setting here"))
    if item.raw == "" or (item.key == "app.app_key" and item.raw == _DEFAULT_KEY):
        return
    if item.key in _MANUAL and not manual:
        return
    if item.key == "proxy.clearance.mode" and item.raw not in ("none", "manual"):
        raise BadValue(_SOLVED)
    value = read(row, item.raw, written=False)
    if value == row.default:
        return
    if row.about.reserved:
        raise BadValue("has no effect in this version")
    yield item.key, value
