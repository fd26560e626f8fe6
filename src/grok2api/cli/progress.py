"""How far a long command is: a bar on a terminal, nothing in a pipe (O4)."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A function that is told how much more is done. `total` is unknown while a source is read."""
    if not sys.stderr.isatty():
        yield _ignore
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # What is printed meanwhile goes above the bar, but only where both are on a terminal.
    shared = sys.stdout.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=shared) as bars:
        task = bars.add_task(what, total=total)
        yield lambda more: bars.advance(task, more)


def _ignore(more: int) -> None:
    """Nobody is watching."""
