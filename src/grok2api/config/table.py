"""The tree of settings as a table: one row a key, read off the structs of `settings`.

Pure. `SETTINGS` is in the order of the tree, so that pages and listings group themselves; `build` goes the other way,
from values by key to the tree.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import unquote, urlsplit

import msgspec

from grok2api.config.about import About, Section
from grok2api.config.settings import Settings

_S = TypeVar("_S", bound=Section)


class Kind(StrEnum):
    """What a value is, in the reference's words."""

    FLAG = "true or false"
    WHOLE = "whole number"
    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    TEXTS = "list of texts"
    WHOLES = "list of whole numbers"
    TABLE = "table of texts"


_KINDS: Mapping[Any, Kind] = {
    bool: Kind.FLAG,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    str: Kind.TEXT,
    tuple[str, ...]: Kind.TEXTS,
    tuple[int, ...]: Kind.WHOLES,
    Mapping[str, str]: Kind.TABLE,
}


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `key` is dotted, as in `stream.keepalive_sec`; `choices` is empty unless the kind is CHOICE."""

    key: str
    kind: Kind
    default: Any
    about: About
    choices: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """Everything before the last dot; empty for a setting at the top."""
        return self.key.rpartition(".")[0]

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return variable(self.key)


ENVIRONMENT_PREFIX = "GROK2API_"


def variable(key: str) -> str:
    """The name of the environment variable for a key."""
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


def _rows(section: type[Section], prefix: str) -> Iterator[Setting]:
    hints = get_type_hints(section, include_extras=True)
    defaults = section()
    for name in section.__struct_fields__:
        hint = hints[name]
        if get_origin(hint) is Annotated:
            yield _row(prefix + name, hint, getattr(defaults, name))
        else:
            yield from _rows(hint, f"{prefix}{name}.")


def _row(key: str, hint: Any, default: Any) -> Setting:
    kind, about = get_args(hint)
    if get_origin(kind) is Literal:
        return Setting(key=key, kind=Kind.CHOICE, default=default, about=about, choices=get_args(kind))
    return Setting(key=key, kind=_KINDS[kind], default=default, about=about)


SETTINGS: tuple[Setting, ...] = tuple(_rows(Settings, ""))
BY_KEY: Mapping[str, Setting] = {row.key: row for row in SETTINGS}


def build(values: Mapping[str, Any]) -> Settings:
    """The tree that holds `values` (by key, already checked) and defaults for the rest."""
    return changed(Settings(), values)


def changed(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The tree with `values` (by key, already checked) in place of those that it held."""
    for key, value in values.items():
        settings = _with(settings, key.split("."), value)
    return settings


def _with(section: _S, path: list[str], value: Any) -> _S:
    name, *rest = path
    return msgspec.structs.replace(section, **{name: _with(getattr(section, name), rest, value) if rest else value})


def value_of(settings: Settings, key: str) -> Any:
    """The value of one key."""
    value: Any = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def is_secret(row: Setting, value: Any) -> bool:
    """Whether `value` must not be shown. The URL of a server may hold a password, that of a file holds none."""
    return row.about.secret and not (row.about.form == "store_url" and value.startswith("sqlite:"))


def secret_values(settings: Settings) -> Iterator[str]:
    """Every secret text in the settings, to be registered with the log."""
    for row in SETTINGS:
        value = value_of(settings, row.key)
        if not is_secret(row, value):
            continue
        match row.kind:
            case Kind.TEXT if row.about.form == "store_url":
                yield from (value, unquote(urlsplit(value).password or ""))
            case Kind.TABLE:
                yield from value.values()
            case Kind.TEXTS:
                yield from value
            case _:
                yield value


def section_titles() -> Mapping[str, str]:
    """What each section is about, by its dotted name."""
    return dict(_titles(Settings(), ""))


def _titles(section: Section, prefix: str) -> Iterator[tuple[str, str]]:
    for name in section.__struct_fields__:
        child = getattr(section, name)
        if isinstance(child, Section):
            yield prefix + name, (type(child).__doc__ or "").strip()
            yield from _titles(child, f"{prefix}{name}.")
