"""Where settings come from: the file, the environment, the command line. Each is read into a list of `Given`.

Nothing is checked against the table here beyond what the form of the source needs; `load` does that.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from grok2api.config.errors import SettingsError
from grok2api.config.table import BY_KEY, ENVIRONMENT_PREFIX

#: Variables of this project that are not settings.
NOT_SETTINGS = frozenset(
    {
        "GROK2API_DATA_DIR",
        "GROK2API_SECRET_KEY",
        "GROK2API_NEW_SECRET_KEY",
        "GROK2API_WORKER",
        "GROK2API_URL",
        "GROK2API_KEY",
    }
)

#: What Kubernetes and Docker links set for a service that happens to be called grok2api.
_SERVICE_LINK = re.compile(r"GROK2API_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP)\w*)?|NAME|ENV_\w+)")


class Given(msgspec.Struct, frozen=True):
    """One value that somebody gave. `source` names the layer, in words; `written` means that `raw` is plain text."""

    key: str
    raw: Any
    source: str
    written: bool = False


def from_file(path: Path, *, required: bool) -> list[Given]:
    """The values in a TOML file; none when it is absent and not required. Raises `SettingsError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if required:
            raise SettingsError([f"{path} does not exist (--config)"]) from None
        return []
    except UnicodeDecodeError:
        raise SettingsError([f"{path} is not UTF-8 text"]) from None
    except OSError as error:
        raise SettingsError([f"{path} cannot be read: {error.strerror}"]) from None
    return from_text(text, str(path))


def from_text(text: str, source: str) -> list[Given]:
    """The values in TOML text. Raises `SettingsError` with the line at fault."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError([f"{source} is not valid TOML: {error}"]) from None
    return list(flatten(document, source))


def flatten(tree: Mapping[str, Any], source: str, prefix: str = "") -> Iterator[Given]:
    """The leaves of a nested mapping by dotted key; a table that is itself a setting is a leaf."""
    for name, value in tree.items():
        key = prefix + name
        if isinstance(value, Mapping) and key not in BY_KEY:
            yield from flatten(value, source, f"{key}.")
        else:
            yield Given(key, value, source)


def from_environment(environ: Mapping[str, str]) -> list[Given]:
    """The values in `GROK2API_…` variables. An empty variable counts as absent, as container tools pass those."""
    return [
        Given(name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", "."), value, f"environment {name}", True)
        for name, value in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX)
        and value
        and name not in NOT_SETTINGS
        and not _SERVICE_LINK.fullmatch(name)
    ]


def from_overrides(overrides: Mapping[str, Any]) -> list[Given]:
    """The values of the command line, by key."""
    return [Given(key, value, "command line", True) for key, value in overrides.items()]
