"""The root of the command line: the verbs, and one line on the standard error stream for whatever goes wrong."""

import sys
from typing import Annotated

import typer

from grok2api import __version__
from grok2api.cli import accounts, config_verbs
from grok2api.cli.common import CommandError, say
from grok2api.cli.serve import serve
from grok2api.cli.simulate import simulate
from grok2api.config.errors import SettingsError
from grok2api.storage.errors import StoreError

app = typer.Typer(
    name="grok2api",
    help="Grok behind the APIs that every tool already speaks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(serve)
app.command()(simulate)
app.add_typer(accounts.app, name="accounts")
app.add_typer(config_verbs.app, name="config")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"grok2api {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Grok behind the APIs that every tool already speaks."""


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    try:
        app()
    except CommandError as error:
        say(error.message)
        sys.exit(error.exit_code)
    except SettingsError as error:
        for problem in error.problems:
            say(problem)
        sys.exit(1)
    except StoreError as error:
        say(str(error))
        sys.exit(1)
