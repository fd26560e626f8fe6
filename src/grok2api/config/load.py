"""The settings in force: defaults, then the file, then the environment, then the command line; the later wins.

Everything wrong is found in one go and raised as one `SettingsError` that says for each problem the key, what is
allowed, and who said it. Reads the file and nothing else.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from grok2api.catalog import nearest
from grok2api.config.errors import SettingsError
from grok2api.config.rules import broken_rules, derive
from grok2api.config.settings import Settings
from grok2api.config.sources import Given, from_environment, from_file, from_overrides, from_text
from grok2api.config.table import BY_KEY, SETTINGS, build, variable
from grok2api.config.values import BadValue, read

CONFIG_NAME = "config.toml"
DEFAULT = "default"
DERIVED = "derived"


class Loaded(msgspec.Struct, frozen=True):
    """Settings and where they came from.

    origins: key -> the layer that had the last word. warnings: a sentence for each setting that has no effect.
    """

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        return "Loaded(…)"


class Layers(msgspec.Struct, frozen=True):
    """The places that this process's settings come from, each winning over the one before.

    config_path: the file of `--config`, which must then exist; None means `config.toml` in the data directory, which
    need not. overrides: values by key from the command line.
    """

    config_path: Path | None
    data_dir: Path
    overrides: Mapping[str, Any] = {}
    environ: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Layers({self.path})"

    @property
    def path(self) -> Path:
        """The file, whether it is there or not."""
        return self.config_path or self.data_dir / CONFIG_NAME

    def overridden(self, values: Mapping[str, Any]) -> "Layers":
        """These layers with further values above all others."""
        return Layers(self.config_path, self.data_dir, {**self.overrides, **values}, self.environ)

    def survey(self, text: str | None = None) -> Loaded:
        """The settings as they are given now; `text` in place of what is in the file. Raises `SettingsError`."""
        if text is None:
            in_file = from_file(self.path, required=self.config_path is not None)
        else:
            in_file = from_text(text, str(self.path))
        return combine([*in_file, *from_environment(self.environ), *from_overrides(self.overrides)], self.data_dir)


def load(
    config_path: Path | None, data_dir: Path, overrides: Mapping[str, Any], environ: Mapping[str, str]
) -> Settings:
    """The settings in force. Raises `SettingsError`."""
    return survey(config_path, data_dir, overrides, environ).settings


def survey(
    config_path: Path | None, data_dir: Path, overrides: Mapping[str, Any], environ: Mapping[str, str]
) -> Loaded:
    """The settings in force, with their origins and warnings; see `Layers`. Raises `SettingsError`."""
    return Layers(config_path, data_dir, overrides, environ).survey()


def combine(given: Iterable[Given], data_dir: Path) -> Loaded:
    """What the given values come to, the later ones winning. Raises `SettingsError` with every problem found."""
    values: dict[str, Any] = {row.key: row.default for row in SETTINGS}
    origins = {row.key: DEFAULT for row in SETTINGS}
    problems: list[str] = []
    for item in given:
        row = BY_KEY.get(item.key)
        if row is None:
            problems.append(_unknown(item))
            continue
        try:
            values[item.key] = read(row, item.raw, written=item.written)
        except BadValue as error:
            problems.append(f"{item.key} {error} ({item.source})")
            continue
        origins[item.key] = item.source
    if problems:
        raise SettingsError(problems)
    settled = {key for key, origin in origins.items() if origin != DEFAULT}
    derived = derive(values, settled, data_dir)
    settings = build(values | derived)
    problems.extend(broken_rules(settings))
    if problems:
        raise SettingsError(problems)
    return Loaded(settings, origins | dict.fromkeys(derived, DERIVED), tuple(_without_effect(values, origins)))


def _unknown(item: Given) -> str:
    key = item.key if item.key.isprintable() and len(item.key) <= 80 else repr(item.key[:80])
    inside = [row.key for row in SETTINGS if row.key.startswith(f"{item.key}.")]
    spell = variable if item.written else str
    if inside:
        return f"{key} is a section, not a setting; it has {', '.join(map(spell, inside[:3]))}, … ({item.source})"
    return f"{key} is not a setting; did you mean {spell(nearest(item.key, BY_KEY, 1)[0])}? ({item.source})"


def _without_effect(values: Mapping[str, Any], origins: Mapping[str, str]) -> Iterable[str]:
    for row in SETTINGS:
        if row.about.reserved and values[row.key] != row.default:
            yield f"{row.key} ({origins[row.key]}) has no effect in this version"
