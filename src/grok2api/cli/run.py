"""`grok2api run`: start a client with the gateway's address, key and models, for that one process.

Nothing is written and no file of the user's is touched. The client takes this process's place, so signals, the terminal
and the exit code are its own.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, NoReturn

import typer

from grok2api.cli.common import DEFAULT_DATA_DIR, CommandError, ConfigFile, DataDir, say
from grok2api.cli.served import Key, ModelName, Url, ask, connection, unknown_client, unlisted, whereabouts
from grok2api.recipes.launch import LAUNCHES, arguments, environment, split
from grok2api.recipes.table import find

#: As shells have it: the program that was asked for is not there.
NOT_FOUND = 127

#: Python ignores these from its start; a program that is started expects them as they were.
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")


def run(
    client: Annotated[str, typer.Argument(help=f"One of {', '.join(LAUNCHES)}.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(help="For it, as they are; --url, --key and --model in front are ours.", metavar="[ARGS]..."),
    ] = None,
    url: Url = None,
    key: Key = None,
    model: ModelName = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
) -> None:
    """Start a client that uses this gateway."""
    recipe = find(client)
    if recipe is None:
        raise unknown_client(client)
    launch = LAUNCHES.get(recipe.program)
    if launch is None:
        raise CommandError(
            f"run knows {', '.join(LAUNCHES)}; grok2api connect {recipe.name} says how {recipe.title} is connected", 2
        )
    try:
        ours, theirs = split(words or [])
    except ValueError as error:
        raise CommandError(f"{error} needs a value", 2) from None
    given = {"--url": url, "--key": key, "--model": model, **ours}
    program = shutil.which(launch.program)
    if program is None:
        raise CommandError(f"{launch.program} is not on the PATH; install it:  {launch.install}", NOT_FOUND)
    where = whereabouts(given, data_dir, config)
    served = ask(where)
    if served.fault:
        raise CommandError(served.fault)
    made = connection(recipe, where, served, given["--model"])
    if warning := unlisted(served, given["--model"]):
        say(warning)
    if sys.stderr.isatty():
        say(f"{launch.program} with {made.model} (small work: {made.small_model}) of {made.url}")
    child = environment(launch, made, os.environ, near=where.near)
    _become(program, [launch.program, *arguments(launch, made, theirs)], child)


def _become(program: str, words: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Be that program from here on. Where the system cannot do that, wait for it and end as it ends."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        raise typer.Exit(_wait(program, words, environ))
    for name in _IGNORED_BY_PYTHON:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execve(program, list(words), dict(environ))  # noqa: S606 - the program that was asked for
    except OSError as error:
        raise CommandError(f"{program} cannot be started: {error.strerror}", 126) from None


def _wait(program: str, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """The exit code of the program; Ctrl-C is for it alone."""
    with subprocess.Popen([program, *words[1:]], env=dict(environ)) as child:  # noqa: S603 - as above
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue
