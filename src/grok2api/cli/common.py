"""What the verbs share: the options of every verb, the failure they raise, and how it is shown.

A verb that cannot do its work raises `CommandError`; the root prints one line for it and no traceback (O3).
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from grok2api.config.load import Loaded, survey

DataDir = Annotated[
    Path, typer.Option("--data-dir", envvar="GROK2API_DATA_DIR", help="Where accounts and configuration are kept.")
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration file instead of <data-dir>/config.toml.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

DEFAULT_DATA_DIR = Path("data")


class CommandError(Exception):
    """A verb could not do its work. `message` is one line that says what is wrong and what to do."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


def loaded(data_dir: Path, config: Path | None, overrides: dict[str, object] | None = None) -> Loaded:
    """The settings in force for a verb. Raises `SettingsError`."""
    return survey(config, data_dir, overrides or {}, os.environ)


def ready_data_dir(data_dir: Path) -> None:
    """Make the data directory and see that it can be written to. Raises `CommandError`."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        reason = "it is not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise CommandError(
            f"the data directory {data_dir} cannot be made: {reason}; choose another --data-dir"
        ) from None
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise CommandError(
            f"the data directory {data_dir} cannot be written to; choose another --data-dir or mend its owner"
        )


def say(line: str) -> None:
    """One line for the operator, on the standard error stream."""
    print(f"grok2api: {' '.join(line.split())}", file=sys.stderr)


def tell(lines: Iterable[str]) -> None:
    """To the operator's terminal, as they are, and not to the log: they may hold a key that is shown once."""
    for line in lines:
        print(line, file=sys.stderr)
    sys.stderr.flush()
