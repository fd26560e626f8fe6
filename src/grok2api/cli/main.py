"""The root of the command line: the verbs, and one line on the standard error stream for whatever goes wrong.

Verbs are a table, and only the one that was asked for is imported: the gateway carries neither the simulator nor
what the account verbs print with, and starts in half the time (X3).
"""

import gc
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer

from grok2api import __version__
from grok2api.cli.common import CommandError, say
from grok2api.config.errors import SettingsError
from grok2api.storage.errors import StoreError

#: verb -> module and name of its function, or of its own `Typer` with further verbs.
VERBS: Mapping[str, tuple[str, str]] = {
    "serve": ("grok2api.cli.serve", "serve"),
    "simulate": ("grok2api.cli.simulate", "simulate"),
    "accounts": ("grok2api.cli.accounts", "app"),
    "config": ("grok2api.cli.config_verbs", "app"),
    "doctor": ("grok2api.cli.doctor", "doctor"),
    "connect": ("grok2api.cli.connect", "connect"),
    "run": ("grok2api.cli.run", "run"),
}

#: verb -> how it is read. `run` reads no further than the client's name: what follows is the client's.
READ: Mapping[str, dict[str, Any]] = {"run": {"allow_interspersed_args": False}}


def application(verbs: Iterable[str] = VERBS) -> typer.Typer:
    """The command line with these verbs."""
    app = typer.Typer(
        name="grok2api",
        help="Grok behind the APIs that every tool already speaks.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(root)
    for verb in verbs:
        module, name = VERBS[verb]
        found = getattr(import_module(module), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=verb)
        else:
            app.command(verb, context_settings=READ.get(verb))(found)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"grok2api {__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Grok behind the APIs that every tool already speaks."""


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    asked = [word for word in sys.argv[1:2] if word in VERBS]
    if asked == ["serve"]:
        # structlog takes it along wherever it is installed: 3 MB for tracebacks that a gateway does not draw (X3).
        sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    gc.disable()  # nothing that is made while modules load is garbage
    app = application(asked or VERBS)
    gc.enable()
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
