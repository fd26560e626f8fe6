"""Changing the operator's `config.toml`: comments and order stay, and a file that would be refused is never written.

The new text is checked as a whole first, then put in place of the old in one step, readable by its owner only.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from grok2api.catalog import nearest
from grok2api.config.errors import SettingsError
from grok2api.config.load import combine
from grok2api.config.sources import from_text
from grok2api.config.table import BY_KEY
from grok2api.config.values import BadValue, read


def set_value(path: Path, key: str, value: Any) -> None:
    """Set one key in the file at `path`; `value` may be text, as on a command line. Raises `SettingsError`."""
    set_values(path, {key: value})


def set_values(path: Path, changes: Mapping[str, Any]) -> None:
    """Set several keys at once, all or none. Makes the file when it is absent. Raises `SettingsError`."""
    text = edited(path, changes)
    combine(from_text(text, str(path)), path.parent)
    write(path, text)


def edited(path: Path, changes: Mapping[str, Any]) -> str:
    """The text of the file at `path` after these changes; a key that becomes `None` goes. Raises `SettingsError`."""
    document = _document(path)
    for key, value in _checked(changes).items():
        if value is None:
            _drop(document, key.split("."))
        else:
            _put(document, key.split("."), value)
    return tomlkit.dumps(document)


def _document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except TOMLKitError as error:
        raise SettingsError([f"{path} is not valid TOML: {error}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{path} is not UTF-8 text"]) from None
    except OSError as error:
        raise SettingsError([f"{path} cannot be read: {error.strerror}"]) from None


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values as TOML can hold them, each checked against its row."""
    checked: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in changes.items():
        row = BY_KEY.get(key)
        if row is None:
            problems.append(f"{key} is not a setting; did you mean {nearest(key, BY_KEY, 1)[0]}?")
            continue
        try:
            checked[key] = None if value is None else _plain(read(row, value, written=isinstance(value, str)))
        except BadValue as error:
            problems.append(f"{key} {error}")
    if problems:
        raise SettingsError(problems)
    return checked


def _plain(value: Any) -> Any:
    match value:
        case tuple():
            return list(value)
        case Mapping():
            return dict(value)
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _put(table: tomlkit.TOMLDocument | Table, path: list[str], value: Any) -> None:
    name, *rest = path
    if not rest:
        table[name] = value
        return
    if name not in table:
        table[name] = tomlkit.table(is_super_table=len(rest) > 1)
    child: Any = table[name]
    if not isinstance(child, Mapping):
        raise SettingsError([f"{name} is not a table in the file; remove it first"])
    _put(child, rest, value)  # type: ignore[arg-type]


def _drop(table: Any, path: list[str]) -> None:
    name, *rest = path
    if not rest:
        table.pop(name, None)
    elif isinstance(table.get(name), Mapping):
        _drop(table[name], rest)


def write(path: Path, text: str) -> None:
    """Put `text` in place of what is at `path`, in one step and for good. Raises `SettingsError`."""
    path = path.resolve()  # a link stays a link
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=".config-", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SettingsError([f"{path} cannot be written: {error.strerror}"]) from None
