"""`GET config`, `GET config/schema`: the settings in force, and what a form for them must know. Secrets are masked."""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.config.configured import Configured
from grok2api.config.masking import MASK, plain, shown
from grok2api.config.table import SETTINGS, Setting, section_titles, value_of


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One setting.

    kind: what a value is. applies: `live`, or `start` when a change waits for the next start. origin: the layer that
    the value comes from. fixed: whether the environment or the command line sets it and wins.
    pending: whether another value waits for the next start. reserved: whether it is without effect in this version.
    """

    key: str
    section: str
    kind: str
    help: str
    default: Any
    choices: tuple[str, ...]
    low: float | None
    high: float | None
    secret: bool
    applies: str
    reserved: bool
    variable: str
    origin: str
    fixed: bool
    pending: bool


class Schema(msgspec.Struct, frozen=True):
    """All settings in the order of the pages, what each section is about, and the mask that stands for secrets."""

    mask: str
    file: str
    sections: Mapping[str, str]
    fields: tuple[Field, ...]


async def read_config(parts: Parts, call: Call[None, None]) -> dict[str, Any]:
    """The tree of values."""
    tree: dict[str, Any] = {}
    for row in SETTINGS:
        *sections, name = row.key.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[name] = shown(row, value_of(parts.configured.live.current, row.key))
    return tree


async def read_schema(parts: Parts, call: Call[None, None]) -> Schema:
    """The table of settings."""
    fields = tuple(_field(row, parts.configured) for row in SETTINGS)
    return Schema(MASK, str(parts.configured.path), section_titles(), fields)


def _field(row: Setting, configured: Configured) -> Field:
    about, origin = row.about, configured.loaded.origins[row.key]
    given, in_force = (value_of(tree, row.key) for tree in (configured.loaded.settings, configured.live.current))
    return Field(
        key=row.key,
        section=row.section,
        kind=row.kind.value,
        help=about.help,
        default=about.derived or plain(row.default),
        choices=row.choices,
        low=about.low,
        high=about.high,
        secret=about.secret,
        applies="start" if about.restart else "live",
        reserved=about.reserved,
        variable=row.variable,
        origin=origin,
        fixed=is_fixed(origin),
        pending=given != in_force,
    )


def is_fixed(origin: str) -> bool:
    """Whether a layer above the file has the last word."""
    return origin.startswith(("environment", "command line"))
