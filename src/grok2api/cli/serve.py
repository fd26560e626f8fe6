"""`grok2api serve`: see that everything needed is there, then run the gateway, in one process or in several.

What can be known before the start is found here and said in one line: the configuration, the data directory, the
port. The gateway itself is `app`; a process that only watches over others (`supervisor`) does not load it.
"""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer

from grok2api.banner import lines, reachable
from grok2api.cli.common import DEFAULT_DATA_DIR, CommandError, ConfigFile, DataDir, ready_data_dir, say, tell
from grok2api.config.admin_key import ensure_admin_key
from grok2api.config.load import Layers
from grok2api.config.settings import Settings
from grok2api.place import VARIABLE, Place, Serves, listener_of, place_in
from grok2api.web.listening import Listeners, PortTaken, bind

#: What this process is -> module and function that runs it.
RUNNERS: Mapping[str, tuple[str, str]] = {
    "alone": ("grok2api.app", "run"),
    "worker": ("grok2api.app", "work"),
    "supervisor": ("grok2api.supervisor", "supervise"),
}


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on.", show_default="server.host")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on.", show_default="server.port")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes.", show_default="server.workers")] = None,
    config: ConfigFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    demo: Annotated[
        bool, typer.Option("--demo", help="With the simulator and demo accounts, apart in <data-dir>/demo.")
    ] = False,
) -> None:
    """Run the gateway."""
    overrides = {"server.host": host, "server.port": port, "server.workers": workers}
    directory = data_dir / "demo" if demo else data_dir
    ready_data_dir(directory)
    given = {key: value for key, value in overrides.items() if value is not None}
    layers = Layers(config, directory, given, os.environ)
    try:
        place = place_in(os.environ)
    except ValueError:
        raise CommandError(f"{VARIABLE} is for the workers that serve starts; take it out of the environment") from None
    code = _first(layers, demo=demo) if place is None else _work(layers, place)
    if code:
        raise typer.Exit(code)


def _first(layers: Layers, *, demo: bool) -> int:
    """Run what the operator has started."""
    found = layers.survey()
    for warning in found.warnings:
        say(f"warning: {warning}")
    settings = found.settings
    try:
        if settings.server.workers > 1:
            if demo:
                raise CommandError("--demo runs in one process; leave out --workers (server.workers)")
            return _several(settings, layers, Listeners(settings.server.host, settings.server.port))
        listener = bind(settings.server.host, settings.server.port)
    except PortTaken as error:
        raise CommandError(str(error)) from None
    with listener:
        return int(_runner("alone")(layers, listener, demo=demo))


def _several(settings: Settings, layers: Layers, listeners: Listeners) -> int:
    address = reachable(settings.server.host, listeners.port)
    key, made = ensure_admin_key(settings, layers.data_dir)

    def started(serves: Serves) -> None:
        shown = lines(settings, address, key if made else None, serves.accounts)
        tell([*shown, f"workers: {settings.server.workers}"])

    log = settings.logging
    return int(_runner("supervisor")(listeners, settings.server.workers, started, log.level, log.format))


def _work(layers: Layers, place: Place) -> int:
    with listener_of(place) as listener:
        return int(_runner("worker")(layers, listener, place))


def _runner(what: str) -> Callable[..., Any]:
    module, name = RUNNERS[what]
    runner: Callable[..., Any] = getattr(import_module(module), name)
    return runner
