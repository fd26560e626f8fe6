"""How a setting is described, and what a section of settings is.

Settings never print themselves: the `repr` of a section is its name, because some of its values are secret.
"""

from typing import Literal

import msgspec

Form = Literal[
    "", "header", "headers", "key", "http_url", "ws_url", "proxy_url", "store_url", "redis_url", "origin", "prose"
]


class About(msgspec.Struct, frozen=True):
    """What there is to know about a setting besides its name, type and default.

    low, high: the limits of a number, or of each number in a list. form: what else a text must be (`values.FORMS`).
    secret: never shown. restart: read once at start. reserved: known and checked, but without
    effect in this version. derived: the words for the default when it is made from other settings.
    """

    help: str
    low: float | None = None
    high: float | None = None
    form: Form = ""
    secret: bool = False
    restart: bool = False
    reserved: bool = False
    derived: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A group of settings; its docstring is the group's heading text in the reference."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"
