"""`grok2api config`: look at the settings in force, check them, change the file. Secrets are shown as a mask."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from grok2api.catalog import nearest
from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, CommandError, ConfigFile, DataDir, loaded, ready_data_dir, say
from grok2api.config.edit import set_value, set_values
from grok2api.config.load import CONFIG_NAME, DEFAULT, Loaded
from grok2api.config.masking import plain, shown
from grok2api.config.neighbour import carried
from grok2api.config.table import BY_KEY, SETTINGS, Setting, value_of

app = typer.Typer(no_args_is_help=True, help="Show, check and change the configuration.")


@app.command()
def show(data_dir: DataDir = DEFAULT_DATA_DIR, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every setting, its value, and the layer that the value comes from."""
    found = loaded(data_dir, config)
    rows = [(row, shown(row, value_of(found.settings, row.key)), found.origins[row.key]) for row in SETTINGS]
    if as_json:
        print(json.dumps([_as_json(row, value, origin) for row, value, origin in rows], indent=2))
        return
    for row, value, origin in rows:
        print(f"{row.key} = {_as_toml(value)}" + ("" if origin == DEFAULT else f"  # {origin}"))


@app.command()
def check(data_dir: DataDir = DEFAULT_DATA_DIR, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Say whether the configuration would be accepted, and which settings have no effect."""
    found = loaded(data_dir, config)
    given = sum(origin not in (DEFAULT, "derived") for origin in found.origins.values())
    if as_json:
        print(json.dumps({"ok": True, "given": given, "warnings": list(found.warnings)}))
        return
    for warning in found.warnings:
        say(f"warning: {warning}")
    print(f"The configuration is good: {given} of {len(SETTINGS)} settings are given.")


@app.command()
def get(
    key: Annotated[str, typer.Argument(help="Dotted name, as in stream.keepalive_sec.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show a secret as it is.")] = False,
) -> None:
    """The value of one setting."""
    row = _row(key)
    found = loaded(data_dir, config)
    value = value_of(found.settings, key)
    seen = plain(value) if reveal else shown(row, value)
    if as_json:
        print(json.dumps(_as_json(row, seen, found.origins[key])))
    else:
        print(seen if isinstance(seen, str) else _as_toml(seen))


@app.command(name="set")
def set_(
    key: Annotated[str, typer.Argument(help="Dotted name, as in stream.keepalive_sec.")],
    value: Annotated[str, typer.Argument(help="The value; lists and tables as JSON; - reads it from standard input.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
) -> None:
    """Write one setting to the configuration file; the rest of the file stays as it is."""
    row = _row(key)
    path = config or data_dir / CONFIG_NAME
    set_value(path, key, sys.stdin.read().strip() if value == "-" else value)
    when = "; it takes effect at the next start" if row.about.restart else ""
    print(f"{key} is set in {path}{when}.")
    _warn_of_higher_layers(key, loaded(data_dir, path))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The config.toml of chenyme/grok2api.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written and write nothing.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the settings of chenyme/grok2api's file into ours, and say what is left out and why."""
    found = carried(_text(file))
    path = config or data_dir / CONFIG_NAME
    if found.settings and not dry_run:
        ready_data_dir(path.parent)
        set_values(path, found.settings)
    seen = {key: shown(BY_KEY[key], value) for key, value in found.settings.items()}
    if as_json:
        print(json.dumps({"dry_run": dry_run, "settings": seen, "left": dict(found.left)}, indent=2))
        return
    for key, value in seen.items():
        print(f"{key} = {_as_toml(value)}")
    for key, why in found.left:
        print(f"# {key}: {why}")
    would = "would be written to" if dry_run else "are written to"
    print(f"{len(seen)} settings {would} {path}, {len(found.left)} are left out")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not a text file in UTF-8") from None


def _warn_of_higher_layers(key: str, found: Loaded) -> None:
    row = BY_KEY[key]
    if os.environ.get(row.variable):
        say(f"warning: the environment variable {row.variable} overrides it")
    for warning in found.warnings:
        if warning.startswith(f"{key} "):
            say(f"warning: {warning}")


def _row(key: str) -> Setting:
    row = BY_KEY.get(key)
    if row is None:
        raise CommandError(f"{key} is not a setting; the nearest are {', '.join(nearest(key, BY_KEY))}", 2)
    return row


def _as_json(row: Setting, value: Any, origin: str) -> dict[str, Any]:
    return {"key": row.key, "value": value, "from": origin, "secret": row.about.secret, "restart": row.about.restart}


def _as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {json.dumps(item)}" for name, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
